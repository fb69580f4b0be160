"""Markers: the table that comes along, those of users, and their score."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import scc2s
from scc2s import programs
from scc2s.programs import Markers


def test_each_type_of_the_table_names_its_source_and_has_enough_markers_of_its_own():
    table = programs.markers()
    for label, entry in table.items():
        assert "doi:10." in entry.source, label
        assert 8 <= len(entry.genes) <= 15, label
        assert entry.absent, label
        assert entry.kind_of in ("", *table)
    sets = [frozenset(entry.genes) for entry in table.values()]
    assert len(set(sets)) == len(sets)


def test_the_table_has_the_types_that_the_model_of_the_package_declares():
    said = json.loads((Path(scc2s.models.__file__).parent / "mini" / "scc2s.json").read_text())
    parents, known = said["parents"], set(programs.markers())

    def line(name: str) -> set[str]:
        return {name} | (line(parents[name]) if name in parents else set())

    # a type without markers of its own lies above or below one that has some: all lymphocytes have none in common
    above = set().union(*map(line, known))
    assert [name for name in said["labels"] if not line(name) & known and name not in above] == []


def test_labels_choose_and_unknown_ones_are_refused():
    assert list(programs.markers(["NK cell", "B cell"])) == ["NK cell", "B cell"]
    with pytest.raises(KeyError, match="pass markers= of your own"):
        programs.markers(["hepatocyte"])


def test_dictionaries_and_both_forms_of_scanpys_table_are_taken():
    wide = pd.DataFrame({"B": ["CD79A", "MS4A1"], "T": ["CD3D", None]})
    long = pd.DataFrame({"group": ["B", "B", "T"], "names": ["CD79A", "MS4A1", "CD3D"], "scores": [3.0, 2, 1]})
    for given_ in (wide, long, {"B": ["CD79A", "MS4A1"], "T": ["CD3D"]}):
        found = programs.as_markers(given_)
        assert {label: entry.genes for label, entry in found.items()} == {"B": ("CD79A", "MS4A1"), "T": ("CD3D",)}
    own = Markers("B", ["CD79A"], absent=["CD3D"])
    assert programs.as_markers({"B": own})["B"] is own


@pytest.mark.parametrize(
    ("given_", "error", "message"),
    [
        ({"B": "CD79A"}, TypeError, "pass texts alone"),
        ({"B": [1]}, TypeError, "1 among them"),
        ({"B": 5}, TypeError, "pass texts alone"),
        ({"B": None}, TypeError, "pass texts alone"),
        ({"B": []}, ValueError, "has no markers"),
        ({}, ValueError, "markers is empty"),
        (["CD79A"], TypeError, "a dictionary of lists"),
        ("B cell", TypeError, "a dictionary of lists"),
    ],
    ids=str,
)
def test_what_is_no_table_of_markers_is_refused(given_, error, message):
    with pytest.raises(error, match=message):
        programs.as_markers(given_)


def test_a_gene_is_not_both_marker_and_absent():
    with pytest.raises(ValueError, match="both a marker"):
        Markers("B", ["CD79A"], absent=["CD79A"])


def test_the_score_is_what_one_works_out_by_hand():
    X = np.array([[4.0, 0, 1], [2.0, 2.0, 0], [0, 1.0, 0]])
    full = [np.quantile([4, 2], 0.95), np.quantile([2, 1], 0.95), 1.0]
    shares = np.minimum(X / full, 1)
    expected = np.c_[shares[:, :2].mean(axis=1) - shares[:, 2], shares[:, 2]]
    for matrix in (X, sparse.csr_matrix(X), sparse.csc_array(X)):
        np.testing.assert_allclose(programs.marker_scores(matrix, [[0, 1], [2]], [[2], []]), expected)
    assert X[0, 0] == 4


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6))
def test_the_order_of_cells_and_the_scale_of_a_gene_change_nothing(seed):
    rng = np.random.default_rng(seed)
    X = rng.poisson(1.0, (9, 5)) * 1.0
    order = rng.permutation(9)
    lists = [[0, 1], [2, 3, 4]], [[2], [0]]
    found = programs.marker_scores(X, *lists)
    np.testing.assert_allclose(programs.marker_scores(X[order], *lists), found[order], atol=1e-12)
    np.testing.assert_allclose(programs.marker_scores(X * [1, 3, 9, 2, 7], *lists), found, atol=1e-12)
    assert (np.abs(found) <= 1).all()


def test_a_type_without_a_column_is_refused():
    with pytest.raises(ValueError, match="leave it out"):
        programs.marker_scores(np.ones((2, 2)), [[0], []])
