from __future__ import annotations

from scc2s.prompts._consensus import alike, consensus


def test_majority_wins_wherever_it_stands() -> None:
    assert consensus(["an NK cell", "a B cell, naive", "a B cell, naive"]) == 1


def test_answer_between_the_others_wins() -> None:
    assert consensus(["x a b", "a b c", "b c y"]) == 1


def test_first_of_equals_wins() -> None:
    assert consensus(["one", "two"]) == 0
    assert consensus(["", "", ""]) == 0
    assert consensus(["alone"]) == 0


def test_case_and_order_do_not_matter_but_repeats_do() -> None:
    assert consensus(["x", "B a", "A b"]) == 1
    assert consensus(["a a a b", "a b", "b a", "c"]) == 1


def test_likeness_of_texts_counts_shared_words_twice_over_all():
    assert alike("A B cell", "a b") == 0.8
    assert alike("a a", "a") == 2 / 3
    assert alike("x", "y") == 0
