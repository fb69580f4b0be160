from __future__ import annotations

import pytest

from scc2s.prompts._talks import KINDS, question, shown


@pytest.mark.parametrize("kind", [*KINDS, "abstract"])
def test_every_kind_is_filled(kind):
    text = question(kind, about="{stim}", other="ctrl", groups=["ctrl", "{stim}"])
    assert "{stim}" in text
    assert "{about}" not in text
    assert ("ctrl" in text) is (kind not in ("state", "abstract"))


def test_cells_are_shown_with_their_first_genes_under_their_group():
    cells = {"B": ["CD79A MS4A1 LTB", "MS4A1"], "T": ["CD3D"]}
    text = shown(cells, organism="Homo sapiens", n_genes=2, higher=[("B", "T", ["CD79A", "MS4A1"])], texts=[("n", "x")])
    lines = text.splitlines()
    assert "Homo sapiens" in lines[0]
    assert lines[1] == 'From the text "n": x'
    assert lines[2:7] == ["Cells of B:", "1. CD79A MS4A1", "2. MS4A1", "Cells of T:", "1. CD3D"]
    assert lines[7].endswith("CD79A, MS4A1")
    assert "no gene is higher in T" in shown(cells, organism="x", higher=[("T", "B", [])])


def test_a_group_that_is_called_cells_is_not_called_so_twice():
    text = shown({"all cells": ["CD79A"], "NK cells": ["NKG7"]}, organism="Homo sapiens")
    assert text.splitlines()[1::2] == ["All cells:", "NK cells:"]


def test_without_genes_the_cells_are_still_counted():
    text = shown({"B": ["CD79A MS4A1", "MS4A1"]}, organism="Homo sapiens", n_genes=0)
    assert text.splitlines()[1:] == ["Cells of B:", "1.", "2."]
