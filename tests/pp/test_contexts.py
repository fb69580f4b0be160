from __future__ import annotations

from typing import TYPE_CHECKING

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scc2s
from scc2s._cells.contexts import genes_of, get_contexts

if TYPE_CHECKING:
    from pathlib import Path


def cells(n: int = 60, seed: int = 0) -> ad.AnnData:
    rng = np.random.default_rng(seed)
    obs = pd.DataFrame(
        {
            "donor": pd.Categorical(rng.choice(["d1", "d2"], n)),
            "tissue": rng.choice(["lung", "blood"], n),
            "batch": rng.integers(0, 2, n),
        },
        index=[f"cell{i}" for i in range(n)],
    )
    return ad.AnnData(np.ones((n, 3), dtype="float32"), obs=obs, var=pd.DataFrame(index=list("ABC")))


@settings(deadline=None, max_examples=30)
@given(
    n=st.integers(8, 80),
    seed=st.integers(0, 10**6),
    least=st.integers(1, 4),
    more=st.integers(0, 3),
    n_contexts=st.one_of(st.none(), st.integers(1, 9)),
)
def test_no_context_mixes_groups_repeats_a_cell_or_leaves_its_range(
    n: int, seed: int, least: int, more: int, n_contexts: int | None
) -> None:
    adata = cells(n, seed)
    scc2s.pp.contexts(
        adata, groupby=["donor", "tissue"], n_cells=(least, least + more), n_contexts=n_contexts, on_small="keep",
        random_state=seed,
    )  # fmt: skip
    found = get_contexts(adata)
    sizes = adata.obs.groupby(["donor", "tissue"], observed=True).size()
    for rows, (_, row) in zip(found.rows(adata), found.table.iterrows(), strict=True):
        assert len(set(rows.tolist())) == len(rows) == row["n_cells"]
        assert set(adata.obs["donor"].iloc[rows]) == {row["donor"]}
        assert set(adata.obs["tissue"].iloc[rows]) == {row["tissue"]}
        assert len(rows) <= least + more
        assert len(rows) >= min(least, sizes[row["donor"], row["tissue"]])
    if n_contexts is None:  # then no two share a cell
        every = [cell for some in found.cells for cell in some]
        assert len(set(every)) == len(every)
    else:
        big = sizes[sizes >= least]
        counts = found.table.groupby(["donor", "tissue"], observed=True).size()
        assert (counts[big.index] == n_contexts).all()


def test_cells_are_shared_only_once_all_were_used() -> None:
    adata = cells(12)
    adata.obs["donor"] = "d"
    scc2s.pp.contexts(adata, groupby="donor", n_cells=4, n_contexts=6)
    found = get_contexts(adata).cells
    first, second = found[:3], found[3:]
    for half in (first, second):
        assert sorted(cell for some in half for cell in some) == sorted(adata.obs_names)
    assert {frozenset(some) for some in first} != {frozenset(some) for some in second}


def test_the_same_cells_whatever_the_order_of_rows_and_whatever_other_groups_there_are() -> None:
    adata = cells()
    mixed = adata[np.random.default_rng(1).permutation(adata.n_obs)].copy()
    alone = adata[adata.obs["donor"] == "d1"].copy()
    found = []
    for some in (adata, mixed, alone):
        scc2s.pp.contexts(some, groupby=["donor", "tissue"], n_cells=(2, 5), random_state=3)
        found.append(get_contexts(some))
    assert found[0].cells == found[1].cells
    pd.testing.assert_frame_equal(found[0].table, found[1].table)
    d1 = found[0].table["donor"] == "d1"
    assert found[2].cells == [some for some, own in zip(found[0].cells, d1, strict=True) if own]
    scc2s.pp.contexts(mixed, groupby=["donor", "tissue"], n_cells=(2, 5), random_state=4)
    assert get_contexts(mixed).cells != found[0].cells


def test_a_cell_with_a_missing_value_or_an_empty_sentence_is_in_no_context(caplog: pytest.LogCaptureFixture) -> None:
    adata = cells()
    adata.obs["tissue"] = adata.obs["tissue"].astype(object)
    adata.obs.loc["cell0", "tissue"] = None
    adata.obs.loc["cell1", "donor"] = np.nan
    adata.obs["c2s_n_genes"] = np.where(adata.obs_names == "cell2", 0, 3)
    scc2s.pp.contexts(adata, groupby=["donor", "tissue"], n_cells=1)
    used = {cell for some in get_contexts(adata).cells for cell in some}
    assert used == set(adata.obs_names) - {"cell0", "cell1", "cell2"}
    params = adata.uns["c2s"]["contexts"]["params"]
    assert (params["n_no_group"], params["n_empty"], params["n_unused"]) == (2, 1, 0)
    assert "2 cells have no group" in caplog.text
    assert "1 cells have an empty sentence" in caplog.text


def test_small_groups_are_skipped_kept_or_refused(caplog: pytest.LogCaptureFixture) -> None:
    adata = cells(20)
    adata.obs["donor"] = ["a"] * 3 + ["b"] * 17
    scc2s.pp.contexts(adata, groupby="donor", n_cells=5)
    assert get_contexts(adata).table["donor"].unique().tolist() == ["b"]
    assert adata.uns["c2s"]["contexts"]["params"]["small_groups"].tolist() == ["a"]
    assert "1 of 2 groups have fewer than 5 cells (e.g. 'a'); they are in no context" in caplog.text
    scc2s.pp.contexts(adata, groupby="donor", n_cells=5, on_small="keep")
    assert sorted(get_contexts(adata).cells[0]) == ["cell0", "cell1", "cell2"]
    with pytest.raises(ValueError, match="'a'.*on_small='skip'"):
        scc2s.pp.contexts(adata, groupby="donor", n_cells=5, on_small="error")
    with pytest.raises(ValueError, match="no group has 18 cells"):
        scc2s.pp.contexts(adata, groupby="donor", n_cells=18)


def test_numbers_become_text_and_names_that_would_be_one_are_told_apart() -> None:
    adata = cells(8)
    scc2s.pp.contexts(adata, groupby="batch", n_cells=1, n_contexts=1)
    assert get_contexts(adata).table["batch"].tolist() == ["0", "1"]
    adata.obs["a"], adata.obs["b"] = ["x", "x, y"] * 4, ["y, z", "z"] * 4
    scc2s.pp.contexts(adata, groupby=["a", "b"], n_cells=1, n_contexts=1)
    assert get_contexts(adata).table.index.tolist() == ["x, y, z 1", "x, y, z 1 (2)"]


def test_contexts_survive_files_and_another_order_of_rows(tmp_path: Path) -> None:
    adata = cells()
    scc2s.pp.contexts(adata, groupby=["donor", "tissue"], n_cells=(2, 4), n_genes=7)
    assert genes_of(adata, "contexts") == 7
    want = get_contexts(adata)
    adata[::-1].copy().write_h5ad(tmp_path / "a.h5ad")
    adata[::-1].copy().write_zarr(tmp_path / "a.zarr")
    for back in (ad.read_h5ad(tmp_path / "a.h5ad"), ad.read_zarr(tmp_path / "a.zarr")):
        found = get_contexts(back)
        assert found.cells == want.cells
        assert [back.obs_names[rows].tolist() for rows in found.rows(back)] == want.cells
        assert genes_of(back, "contexts") == 7


def test_copy_leaves_the_cells_as_they_were_and_mudata_is_written_through_its_modality() -> None:
    adata = cells()
    both = md.MuData({"rna": adata.copy()})
    out = scc2s.pp.contexts(both, groupby="donor", copy=True)
    assert "c2s" not in both["rna"].uns
    assert len(get_contexts(out["rna"]))


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"groupby": "organ"}, KeyError, "groupby="),
        ({"groupby": []}, ValueError, "groupby="),
        ({"groupby": None}, TypeError, "groupby="),
        ({"n_cells": 0}, ValueError, "n_cells"),
        ({"n_cells": 2.5}, TypeError, "n_cells"),
        ({"n_cells": (5, 2)}, ValueError, r"n_cells=\(2, 5\)"),
        ({"n_cells": (1, 2, 3)}, ValueError, "n_cells="),
        ({"n_contexts": 0}, ValueError, "n_contexts"),
        ({"n_genes": 0}, ValueError, "n_genes"),
        ({"on_small": "drop"}, ValueError, "on_small="),
        ({"random_state": -1}, ValueError, "random_state"),
        ({"key_added": "a/b"}, ValueError, "key_added="),
        ({"key_added": "embed"}, ValueError, "another tool"),
    ],
)
def test_what_cannot_be_drawn_is_refused_and_nothing_is_written(
    arguments: dict[str, object], error: type[Exception], text: str
) -> None:
    adata = cells()
    with pytest.raises(error, match=text):
        scc2s.pp.contexts(adata, **{"groupby": "donor", **arguments})
    assert "c2s" not in adata.uns


def test_cells_of_one_name_are_refused_with_the_call_that_mends_it() -> None:
    adata = cells()
    adata.obs_names = ["same", *adata.obs_names[1:-1], "same"]
    with pytest.raises(ValueError, match="obs_names_make_unique"):
        scc2s.pp.contexts(adata, groupby="donor")


def test_a_column_without_values_is_refused() -> None:
    adata = cells()
    adata.obs["empty"] = np.nan
    with pytest.raises(ValueError, match=r"no cell has a sentence and a value in 'empty' \(60 miss a value\)"):
        scc2s.pp.contexts(adata, groupby="empty")


def test_no_cells_are_refused() -> None:
    with pytest.raises(ValueError, match="no cells"):
        scc2s.pp.contexts(cells()[:0].copy(), groupby="donor")


def test_samples_of_several_tissues(shared_data: Path) -> None:
    adata = ad.read_h5ad(shared_data / "multi_tissue_human.h5ad")
    column = "tissue"
    scc2s.pp.contexts(adata, groupby=column, n_cells=(5, 20))
    found = get_contexts(adata)
    for rows in found.rows(adata):
        assert 5 <= len(rows) <= 20
        assert adata.obs[column].iloc[rows].nunique() == 1
