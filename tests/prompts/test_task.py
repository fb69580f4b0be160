from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scc2s.prompts import Task

WORD = st.text(alphabet="ABC{}-.", min_size=1, max_size=5)
SENTENCE = st.lists(WORD, max_size=12).map(" ".join)


def count(texts: list[str]) -> np.ndarray:
    return np.array([len(t.split()) for t in texts])


@settings(deadline=None, max_examples=60)
@given(st.lists(SENTENCE, min_size=1, max_size=4), st.text(max_size=10))
def test_span_marks_the_sentence_in_every_text(sentences: list[str], organism: str) -> None:
    out = Task("t", "{organism}: {n_genes} genes: {cell_sentence}.").render(sentences, {"organism": organism})
    for text, (start, stop), sentence, n in zip(out.texts, out.spans, sentences, out.n_genes, strict=True):
        assert text[start:stop] == sentence
        assert n == len(sentence.split())
        assert text == f"{organism}: {n} genes: {sentence}."


@settings(deadline=None, max_examples=60)
@given(st.lists(SENTENCE, min_size=1, max_size=4), st.integers(4, 12))
def test_shortened_prompts_fit_lose_only_last_genes_and_not_one_too_many(sentences: list[str], room: int) -> None:
    task = Task("t", "{n_genes} genes of one: {cell_sentence}")
    out = task.render(sentences, count_tokens=count, max_tokens=room)
    for text, n, sentence in zip(out.texts, out.n_genes, sentences, strict=True):
        genes = sentence.split()
        assert text == f"{n} genes of one: {' '.join(genes[:n])}"
        assert n == min(len(genes), room - 4)
    assert out.n_shortened == sum(len(s.split()) > room - 4 for s in sentences)


def test_field_values_are_one_for_all_or_one_a_cell() -> None:
    task = Task("t", "{tissue} {organism}: {cell_sentence}")
    out = task.render(["A", "B"], {"tissue": ["lung", "skin"], "organism": "human"})
    assert out.texts == ["lung human: A", "skin human: B"]
    with pytest.raises(ValueError, match="3 values for 2 cells"):
        task.render(["A", "B"], {"tissue": ["a", "b", "c"], "organism": "x"})
    with pytest.raises(KeyError, match="tissue"):
        task.render(["A"], {"organism": "x"})


def test_braces_in_values_are_text() -> None:
    out = Task("t", "{{x}} {tissue} {cell_sentence}").render(["{A} B}"], {"tissue": "{cell_sentence}"})
    assert out.texts == ["{x} {cell_sentence} {A} B}"]


def test_template_without_a_sentence_has_an_empty_span() -> None:
    out = Task("t", "{tissue}?").render(["A B"], {"tissue": "lung"})
    assert out.spans == [(0, 0)]


def test_prompt_that_does_not_fit_without_genes_is_refused() -> None:
    with pytest.raises(ValueError, match="6 tokens without any gene, 5 fit"):
        Task("t", "one two three four five six {cell_sentence}").render(["A"], count_tokens=count, max_tokens=5)


def test_prompt_without_a_sentence_cannot_be_shortened() -> None:
    with pytest.raises(ValueError, match="no sentence to shorten"):
        Task("t", "one two {tissue}").render(["A"], {"tissue": "x"}, count_tokens=count, max_tokens=2)


@pytest.mark.parametrize("template", ["{cell_sentence", "a } b", "{}", "{0}", "{a.b}", "{a:>3}", "{a!r}", "{a b}"])
def test_templates_that_are_no_plain_fields_are_refused(template: str) -> None:
    with pytest.raises(ValueError, match="template of task 't'"):
        Task("t", template)


def test_fields_of_template_and_response_are_told_apart() -> None:
    task = Task("t", "{b} {a} {b}", " {c}.")
    assert (task.fields, task.response_fields) == (("b", "a"), ("c",))


def test_answer_undoes_complete() -> None:
    task = Task("t", "x", " It is a {cell_type} cell.")
    assert task.complete(cell_type="B") == " It is a B cell."
    assert task.answer(task.complete(cell_type="B")) == "B"
    with pytest.raises(KeyError, match="cell_type"):
        task.complete(answer="B")


def test_number_of_genes_to_write_is_given_where_no_sentence_is_shown() -> None:
    task = Task("generate", "{n_genes} genes of a {cell_type}:")
    assert task.render([""] * 2, {"n_genes": ["5", "7"], "cell_type": "B cell"}).texts == [
        "5 genes of a B cell:",
        "7 genes of a B cell:",
    ]
