from __future__ import annotations

import pytest

from scc2s.prompts import read_list

LABELS = ["B cell", "T cell", "CD4-positive, alpha-beta T cell"]


@pytest.mark.parametrize(
    "text",
    [
        " B cell; T cell; B cell.",
        "B cell, T cell, B cell",
        "B cell\nT cell\nB cell\n",
        "1. B cell 2. T cell 3. B cell",
        "1) B cell\n2) T cell\n3) B cell",
        "Cell 1: B cell\nCell 2: T cell\nCell 3: B cell",
        "Cell 1: B cell. Cell 2: T cell. Cell 3: B cell.",
        "Cell 3: B cell\nCell 1: B cell\nCell 2: T cell",  # in another order
        "Cell 1: B cell\n.\nCell 2: Cell 2: T cell\n.\nB cell",  # doubled, forgotten, stray full stops
        "B cell;; T cell; ; B cell<eos>",
        "B cells; t cell; B CELL",
    ],
)
def test_entries_are_found_however_the_list_is_written(text: str) -> None:
    assert read_list(text, LABELS, n_cells=3) == ["B cell", "T cell", "B cell"]


def test_a_label_with_a_comma_is_one_entry() -> None:
    text = "B cell, CD4-positive, alpha-beta T cell, T cell"
    assert read_list(text, LABELS) == ["B cell", "CD4-positive, alpha-beta T cell", "T cell"]
    assert read_list(text) == ["B cell", "CD4-positive", "alpha-beta T cell", "T cell"]


def test_what_is_no_label_is_unmapped_and_keeps_its_place() -> None:
    assert read_list("B cell; gene CD3D; T cell", LABELS) == ["B cell", "unmapped", "T cell"]
    assert read_list("Cell 1: B cell\nCell 3: T cell", LABELS, n_cells=3) == ["B cell", "unmapped", "T cell"]
    assert read_list("Cell 2: T cell", n_cells=3) == ["", "T cell"]


def test_more_entries_than_cells_are_left_out_and_ragged_lists_stay_short() -> None:
    assert read_list("B cell; T cell; B cell", LABELS, n_cells=2) == ["B cell", "T cell"]
    assert read_list("B cell", LABELS, n_cells=5) == ["B cell"]


def test_an_echoed_prompt_and_its_genes_are_no_entries() -> None:
    prompt = "Cells:\nCell 1: CD3D LYZ\nCell 2: CD79A\nTypes:"
    assert read_list(f"{prompt} T cell; B cell", LABELS, prompt=prompt, n_cells=2) == ["T cell", "B cell"]


@pytest.mark.parametrize("text", ["", " ", ".", ";;", "\n\n", "<eos>", "Cell 1:\nCell 2:"])
def test_an_answer_without_entries_is_an_empty_list(text: str) -> None:
    assert read_list(text, LABELS, n_cells=2) == []


def test_other_wordings_stand_for_labels() -> None:
    assert read_list("T lymphocyte; b cell", LABELS, synonyms={"T lymphocyte": "T cell"}) == ["T cell", "B cell"]
