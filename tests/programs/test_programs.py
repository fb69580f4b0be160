"""Gene programs: the lists that come along, GMT files, their place in a data set, their score."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from scc2s import programs
from scc2s.programs import Program


@pytest.mark.parametrize("name", programs.names())
def test_each_list_that_comes_along_names_its_source(name):
    program = programs.get(name)
    assert "doi:10." in program.source
    assert len(program.genes) >= 15
    assert len(set(program.genes)) == len(program.genes)


def test_lists_names_and_programs_are_all_welcome_and_unknown_names_refused():
    assert programs.as_program("ifn") is programs.get("ifn")
    mine = Program("mine", ["A", "B", "A", " C "])
    assert programs.as_program(mine) is mine
    assert mine.genes == ("A", "B", "C")
    with pytest.raises(KeyError, match="from_gmt"):
        programs.get("emt")
    for empty in ([], [" "], "ISG15"):
        with pytest.raises(ValueError, match="no list of genes"):
            Program("x", empty)


def test_a_gmt_file_comes_back_as_it_is(tmp_path):
    path = tmp_path / "sets.gmt"
    path.write_text("A\thttp://a\tX\tY\tZ\n\nB\t\tX\n")
    found = programs.from_gmt(path)
    assert list(found) == ["A", "B"]
    assert found["A"].genes == ("X", "Y", "Z")
    assert found["A"].source == "sets.gmt: http://a"


@pytest.mark.parametrize(
    ("text", "said"),
    [("A\tb\n", "line 1"), ("A\tb\tX\nA\tc\tY\n", "second set 'A'"), ("\n", "no gene sets"), ("\tb\tX\n", "line 1")],
)
def test_a_broken_gmt_file_names_the_line(tmp_path, text, said):
    path = tmp_path / "sets.gmt"
    path.write_text(text)
    with pytest.raises(ValueError, match=said):
        programs.from_gmt(path)
    with pytest.raises(FileNotFoundError, match="pass the path"):
        programs.from_gmt(tmp_path / "none.gmt")


def test_genes_are_found_in_other_capitals_but_only_where_one_fits():
    names = ["Cd3d", "CD2", "cd2", "Isg15", "MX1"]
    found = programs.match(Program("x", ["CD3D", "CD2", "Cd2", "ISG15", "MX1", "OAS1"]), names)
    assert found.columns.tolist() == [0, 1, 3, 4]
    assert found.missing == ["Cd2", "OAS1"]
    with pytest.raises(ValueError, match=r"2 of 3 genes .*missing: OAS1"):
        programs.match(Program("x", ["MX1", "ISG15", "OAS1"]), names)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6))
def test_the_rank_score_is_the_probability_that_a_gene_of_the_program_lies_over_another(seed):
    rng = np.random.default_rng(seed)
    X = rng.poisson(1.0, (4, 12)).astype(float)
    columns = rng.choice(12, 4, replace=False)
    found = programs.score(X, columns, method="rank")
    by_hand = [np.mean([(cell[g] > cell).mean() + 0.5 * (cell[g] == cell).mean() for g in columns]) for cell in X]
    assert np.allclose(found, by_hand)
    assert np.allclose(found, programs.score(np.expm1(X), columns, method="rank"))
    assert np.allclose(programs.score(sparse.csr_matrix(X), columns), X[:, columns].mean(1))
    assert np.allclose(programs.score(X, np.arange(12), method="rank"), 0.5)
    with pytest.raises(ValueError, match="'mean' or 'rank'"):
        programs.score(X, columns, method="max")
