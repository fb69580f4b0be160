"""Planted cases: an invented gene, a wrong direction, a right one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from scc2s.prompts._statements import Statement, statements
from scc2s.tl._describing.claims import Evidence, claims, reasons

GENES = ["ISG15", "LYZ", "CD3D", "ACTB"]
N = 40


@pytest.fixture
def cells():
    """ISG15 higher in the 40 cells of stim, LYZ in the 40 of ctrl, CD3D in 20 others alone, ACTB alike in all."""
    rng = np.random.default_rng(0)
    X = np.zeros((2 * N + 20, 4))
    X[:N, 0], X[N : 2 * N, 0] = 2 + rng.random(N), rng.random(N)
    X[:N, 1], X[N : 2 * N, 1] = rng.random(N), 2 + rng.random(N)
    X[2 * N :, 2] = 1
    X[:, 3] = 1 + rng.random(len(X))
    sides = {"stim": np.arange(N), "ctrl": np.arange(N, 2 * N)}
    columns = {gene: i for i, gene in enumerate(GENES)}
    return Evidence(sparse.csr_matrix(X), columns, sides, np.arange(2 * N, len(X)), "stim", "ctrl")


def look(text, cells):
    said = statements([text], GENES, list(cells.sides))[0]
    return claims(said, cells, min_share=0.1)


def test_right_directions_hold(cells):
    table = look("ISG15 is higher in stim, LYZ is lower. LYZ is higher in ctrl than in stim.", cells)
    assert table[["name", "said", "group", "holds"]].to_numpy().tolist() == [
        ["ISG15", "up", "stim", "yes"],
        ["LYZ", "down", "stim", "yes"],
        ["LYZ", "up", "ctrl", "yes"],
    ]
    assert (table["pval_adj"] < 1e-6).all()
    assert table["highest_in"].tolist() == ["stim", "ctrl", "ctrl"]
    assert table["auroc"].tolist() == [1.0, 0.0, 1.0]
    assert reasons(table) == ""


def test_a_wrong_direction_and_an_invented_gene_do_not_hold(cells):
    table = look("ISG15 is lower in stim. QXZ9 is higher in stim.", cells)
    assert table["holds"].tolist() == ["no", "no"]
    assert table["why"].iloc[0].startswith("higher in stim: area 1.00")
    assert table["why"].iloc[1] == "not a gene of the data"
    assert reasons(table).startswith("ISG15 down: higher in stim")


def test_no_difference_leaves_a_direction_open(cells):
    table = look("ACTB is higher in stim.", cells)
    assert table["holds"].tolist() == [""]
    assert table["why"].iloc[0].startswith("no difference shown in stim")


def test_than_the_other_says_it_of_the_first(cells):
    assert look("ISG15 is higher than in ctrl.", cells)[["group", "holds"]].to_numpy().tolist() == [["stim", "yes"]]
    assert look("LYZ is higher than in stim.", cells)[["group", "holds"]].to_numpy().tolist() == [["ctrl", "yes"]]


def test_what_is_expressed_is_above_zero_in_enough_cells(cells):
    table = look("CD3D is highly expressed. ACTB is expressed in ctrl. ctrl lacks CD3D. stim lacks ACTB.", cells)
    assert table["holds"].tolist() == ["no", "yes", "yes", "no"]
    assert table["why"].iloc[0] == "above 0 in 0% of stim"
    assert table["share"].tolist() == [0, 1, 0, 1]


def test_one_group_is_held_against_all_other_cells(cells):
    alone = Evidence(cells.X, cells.genes, {"stim": np.arange(N)}, np.arange(N, cells.X.shape[0]), "stim")
    table = look("ISG15 is higher, LYZ is lower, CD3D is higher.", alone)
    assert table["holds"].tolist() == ["yes", "yes", "no"]
    assert (table["highest_in"] == "").all()


def test_of_several_groups_a_direction_needs_one(cells):
    both = Evidence(cells.X, cells.genes, cells.sides, cells.rest)
    table = look("ISG15 is higher. ISG15 is higher in stim. ACTB is expressed.", both)
    assert table["holds"].tolist() == ["", "yes", "yes"]
    assert table["why"].iloc[0] == "not judged: the text does not say where"


def test_two_cells_are_needed_on_both_sides(cells):
    few = Evidence(
        cells.X, cells.genes, {"stim": np.arange(1), "ctrl": np.arange(N, 2 * N)}, cells.rest, "stim", "ctrl"
    )
    assert look("ISG15 is higher in stim.", few)["why"].tolist() == ["not judged: it takes two cells on both sides"]


def test_p_values_are_corrected_for_the_claims_of_the_text(cells):
    one = look("ISG15 is higher in stim.", cells)["pval_adj"].iloc[0]
    table = look("ISG15 is higher in stim, ACTB is lower, CD3D is lower.", cells)
    assert table["pval_adj"].iloc[0] == pytest.approx(3 * one)


def test_no_statement_is_an_empty_table(cells):
    assert claims([], cells, min_share=0.1).shape == (0, 11)
    odd = Statement("GONE", True, "up", "stim", "")
    assert claims([odd], cells, min_share=0.1)["holds"].tolist() == [""]
