from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scc2s.sentences import split_cells
from scc2s.sentences._split_cells import without_echo

CELLS = ["CD3D CD3E IL7R", "LYZ S100A8", "CD79A"]


@pytest.mark.parametrize(
    "text",
    [
        "Cell 1: CD3D CD3E IL7R\nCell 2: LYZ S100A8\nCell 3: CD79A",
        "Cell 1:\nCD3D CD3E IL7R\nCell 2:\nLYZ S100A8\nCell 3:\nCD79A\n",
        "Cell 1: CD3D CD3E IL7R Cell 2: LYZ S100A8 Cell 3: CD79A",
        " CD3D CD3E IL7R\nCell 2: LYZ S100A8\nCell 3: CD79A",  # the prompt held the first header
        "Cell 1: CD3D CD3E IL7R\n.\nCell 2: LYZ S100A8\n.\nCell 3: CD79A\n.\n",
        "Cell 1: CD3D CD3E IL7R\nLYZ S100A8\nCell 3: CD79A",  # a header is missing
        "Cell 1: Cell 1: CD3D CD3E IL7R\nCell 2:\nCell 2: LYZ S100A8\nCell 2: CD79A",  # headers come twice
        "cell 1 : CD3D  CD3E IL7R\r\nCELL 2: LYZ S100A8\n\n\nCell 30: CD79A",
    ],
)
def test_cells_are_found_whatever_became_of_their_headers(text: str) -> None:
    assert split_cells(text) == CELLS


def test_genes_of_an_echoed_prompt_are_no_cell() -> None:
    prompt = "Three cells like\nCell 1: FOXP3 IL2RA\nare:\n"
    assert split_cells(f"{prompt}Cell 1: CD79A MS4A1", prompt=prompt) == ["CD79A MS4A1"]
    assert without_echo(prompt, prompt) == ""


@pytest.mark.parametrize("text", ["", " \n", ".\n.\n", "Cell 1:\nCell 2:"])
def test_a_text_without_genes_has_no_cell(text: str) -> None:
    assert split_cells(text) == []


@settings(deadline=None, max_examples=50)
@given(st.lists(st.lists(st.from_regex(r"[A-Z][A-Z0-9.-]{1,6}", fullmatch=True), min_size=1, max_size=5), max_size=5))
def test_what_was_written_under_headers_comes_back(cells: list[list[str]]) -> None:
    sentences = [" ".join(cell) for cell in cells]
    assert split_cells("\n".join(f"Cell {i}: {s}" for i, s in enumerate(sentences, 1))) == sentences
