from __future__ import annotations

from scc2s.prompts._passages import Passage, choose, passages


def words(texts):
    return [len(text.split()) for text in texts]


def test_paragraphs_are_parts_and_long_ones_end_with_a_sentence():
    long = " ".join(f"This is sentence number {i} of it." for i in range(40))
    found = passages([("paper", f"Short one.\n\n\n{long}"), ("note", "One\nline.")])
    assert found[0] == Passage("paper, part 1", "Short one.")
    assert found[-1] == Passage("note", "One line.")
    assert all(len(one.text.split()) <= 120 and one.text.endswith(".") for one in found[:-1])
    assert " ".join(one.text for one in found[1:-1]) == long
    assert passages([("empty", "  \n\n ")]) == []


def test_those_with_words_of_the_question_have_room_first():
    found = [Passage("a", "Blood of healthy donors"), Passage("b", "Interferon was given"), Passage("c", "Interferon")]
    picked = choose(found, "What does interferon do to the given cells?", words, 4)
    assert [one.source for one in picked] == ["b", "c"]
    assert choose(found, "interferon", words, 3) == [found[1]]
    assert choose(found, "interferon", words, 100) == found
    assert choose(found, "interferon", words, 0) == []


def test_words_that_every_question_has_do_not_count():
    found = [Passage("a", "Which genes of the cells"), Passage("b", "Sorted blood")]
    assert [one.source for one in choose(found, "Which genes of the sorted cells?", words, 2)] == ["b"]
