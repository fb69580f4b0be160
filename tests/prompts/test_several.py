"""Prompts that hold several cells."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scc2s.prompts import Task, get
from scc2s.prompts._shorten import LEAST_GENES
from scc2s.sentences import split_cells

TASK = Task("t", "{n_cells} cells, {n_genes} genes.\n{multi_cell_sentences}\nTissue:", " {tissue}")
CONTEXTS = st.lists(st.lists(st.integers(1, 130), min_size=1, max_size=6), min_size=1, max_size=4)


def count(texts: list[str]) -> np.ndarray:
    return np.array([len(text.split()) for text in texts])


def context(lengths: list[int]) -> list[str]:
    return [" ".join(f"C{c}G{g}" for g in range(n)) for c, n in enumerate(lengths)]


def test_each_cell_stands_under_a_header_of_its_own() -> None:
    out = TASK.render([["A B", "C"], ["D"]])
    assert out.texts == [
        "2 cells, 2 genes.\nCell 1: A B\nCell 2: C\nTissue:",
        "1 cells, 1 genes.\nCell 1: D\nTissue:",
    ]
    assert [text[slice(*span)] for text, span in zip(out.texts, out.spans, strict=True)] == [
        "Cell 1: A B\nCell 2: C",
        "Cell 1: D",
    ]
    assert (out.n_genes, out.n_cells, out.n_shortened, out.n_fewer) == ([2, 1], [2, 1], 0, 0)


def test_headers_of_another_checkpoint_and_numbers_of_ones_own_are_taken() -> None:
    task = Task("t", "{n_cells} {n_genes}\n{multi_cell_sentences}", cell="Cell {number}:\n{cell_sentence}.")
    out = task.render([["A B", "C"]], {"n_cells": "5", "n_genes": "9"})
    assert out.texts == ["5 9\nCell 1:\nA B.\nCell 2:\nC."]
    with pytest.raises(ValueError, match="cell="):
        Task("t", "x", cell="Cell: {cell_sentence}")


def test_no_cells_leave_an_empty_block() -> None:
    assert TASK.render([[]]).texts == ["0 cells, 0 genes.\n\nTissue:"]


def test_a_sentence_in_place_of_cells_is_refused_and_the_other_way_round() -> None:
    with pytest.raises(TypeError, match="a list of sentences"):
        TASK.render(["A B"])
    with pytest.raises(TypeError, match="one sentence"):
        get("cell_type").render([["A B"]], {"organism": "x"})


@settings(deadline=None, max_examples=80)
@given(CONTEXTS, st.integers(7, 500))
def test_long_prompts_lose_genes_first_then_cells_and_not_one_too_many(lengths: list[list[int]], room: int) -> None:
    contexts = [context(some) for some in lengths]
    out = TASK.render(contexts, count_tokens=count, max_tokens=room)
    whole = TASK.render(contexts)
    long = count(whole.texts) > room
    assert out.n_shortened == long.sum()
    assert out.n_fewer == sum(n < len(some) for n, some in zip(out.n_cells, lengths, strict=True))
    for i, (text, some) in enumerate(zip(out.texts, lengths, strict=True)):
        n_genes, n_cells = out.n_genes[i], out.n_cells[i]
        kept = [" ".join(cell.split()[:n_genes]) for cell in contexts[i][:n_cells]]
        assert count([text])[0] <= room
        assert TASK.render([kept], {"n_genes": str(n_genes)}).texts == [text]
        if not long[i]:
            assert text == whole.texts[i]
            continue

        def words(genes: int, cells: int, some: list[int] = some) -> int:
            return 5 + 2 * cells + sum(min(genes, n) for n in some[:cells])

        if n_genes < max(some[:n_cells]):
            assert words(n_genes + 1, n_cells) > room  # one gene more of each would not fit
        if n_cells < len(some):
            least = min(max(some), LEAST_GENES)
            assert words(least, n_cells + 1) > room or n_cells == 1
            assert n_genes >= min(least, max(some[:n_cells])) or n_cells == 1


def test_a_prompt_that_does_not_fit_without_genes_is_refused() -> None:
    with pytest.raises(ValueError, match="without any gene"):
        TASK.render([["A B"]], count_tokens=count, max_tokens=6)


@pytest.mark.parametrize(
    "name",
    ["generate_sample", "generate_sample_by_tissue", "generate_sample_by_cell_types", "generate_sample_by_abstract"],
)
def test_answers_that_are_cells_come_back_as_they_were_written(name: str) -> None:
    from scc2s.sentences import join_cells

    answer = get(name).complete(multi_cell_sentences=join_cells(["A B", "C"]))
    assert answer.startswith("\nCell 1:")  # as tl.generate asks for it
    assert split_cells(answer) == ["A B", "C"]
