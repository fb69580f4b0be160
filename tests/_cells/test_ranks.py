from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from sentence_cases import adata_of
from slots import layer_names

import scc2s
from scc2s._cells.access import get_sentences, sentence_slots
from scc2s._cells.ranks import gene_list_mark, stored_ranks

if TYPE_CHECKING:
    from collections.abc import Callable

FIT = scc2s.sentences.RankFit(slope=-1, intercept=3)


def cells(seed: int = 0, *, genes: slice = slice(None), start: int = 0, **arguments: Any) -> ad.AnnData:
    adata = adata_of(np.random.default_rng(seed).poisson(2.0, (6, 8)).astype(np.float32) + 1)[:, genes].copy()
    adata.obs_names = [f"cell{start + i}" for i in range(6)]
    scc2s.pp.sentences(adata, **{"store": "ranks", **arguments})
    return adata


def text_of(*parts: ad.AnnData) -> list[str]:
    return [s for part in parts for s in get_sentences(part)]


def mend(make: Callable[[], object]) -> str:
    with pytest.raises((KeyError, ValueError), match=r"call sc.pp.c2s_sentences\(adata") as error:
        make()
    return str(error.value)


READERS = {
    "get_sentences": get_sentences,
    "reconstruct": lambda adata: scc2s.pp.reconstruct(adata, fit=FIT),
    "embed": lambda adata: scc2s.tl.embed(
        adata, model=scc2s.models.CallableModel(embed=lambda p: np.ones((len(p), 1))), prompt="{cell_sentence}"
    ),
}


@pytest.mark.parametrize("uns_merge", [None, "same", "unique", "first", "only"])
@pytest.mark.parametrize("join", ["inner", "outer"])
@pytest.mark.parametrize("read", list(READERS))
def test_cells_of_two_data_sets_are_never_read_with_the_genes_of_one(uns_merge: str, join: str, read: str) -> None:
    a, b = cells(1), cells(2, genes=slice(None, None, -1), start=6)
    both = ad.concat([a, b], join=join, uns_merge=uns_merge)
    before = both.copy()
    mend(lambda: READERS[read](both))
    assert layer_names(both) == []
    assert list(both.obsm) == ["c2s_ranks"]
    assert both.obs.equals(before.obs)


@pytest.mark.parametrize("join", ["inner", "outer"])
def test_cells_with_one_list_of_genes_are_read_after_they_are_put_together(join: str) -> None:
    a, b = cells(1), cells(2, start=6)
    both = ad.concat([a, b], join=join, uns_merge="first")
    assert get_sentences(both) == text_of(a, b)
    scc2s.pp.reconstruct(both, fit=FIT)
    assert both.layers["c2s_reconstructed"].shape == (12, 8)
    assert get_sentences(both[::-2].copy()) == text_of(a, b)[::-2]


@pytest.mark.parametrize("join", ["inner", "outer"])
@pytest.mark.parametrize("short_first", [True, False])
def test_ranks_of_different_width_are_read_in_full_or_refused(join: str, short_first: bool) -> None:
    parts = [cells(1, n_genes=3), cells(2, start=6, n_genes=5)]
    parts = parts if short_first else parts[::-1]
    both = ad.concat(parts, join=join, uns_merge="first")
    if join == "inner":
        assert "as many genes" in mend(lambda: get_sentences(both))
    else:
        assert get_sentences(both) == text_of(*parts)


@pytest.mark.parametrize("join", ["inner", "outer"])
@pytest.mark.parametrize("swap", [True, False])
def test_text_beside_ranks_is_refused(join: str, swap: bool) -> None:
    parts = [cells(1, store="text"), cells(2, start=6)]
    both = ad.concat(parts[::-1] if swap else parts, join=join, uns_merge="first")
    mend(lambda: get_sentences(both))


@pytest.mark.parametrize(
    "change",
    [
        lambda genes: genes[::-1],
        lambda genes: genes[1:],
        lambda genes: np.r_[genes[1:], genes[:1]],
        lambda genes: np.array([f"{g}x" for g in genes], dtype=object),
        lambda genes: np.r_[genes, ["more"]],
        lambda genes: None,
    ],
)
def test_another_list_of_genes_is_refused(change: Callable[[np.ndarray], np.ndarray]) -> None:
    adata = cells()
    adata.uns["c2s"]["sentences"]["genes"] = change(adata.uns["c2s"]["sentences"]["genes"])
    for read in READERS.values():
        mend(lambda read=read: read(adata))


def test_a_record_of_another_data_set_is_refused() -> None:
    adata, other = cells(), cells(genes=slice(None, None, -1))
    adata.uns["c2s"] = other.uns["c2s"]
    mend(lambda: get_sentences(adata))


def test_ranks_that_lost_their_mark_are_refused_unless_they_are_of_an_older_version(
    caplog: pytest.LogCaptureFixture,
) -> None:
    adata = cells()
    text = text_of(adata)
    del adata.obs["c2s_gene_list"]
    assert "c2s_gene_list" in mend(lambda: get_sentences(adata))
    del adata.uns["c2s"]["sentences"]["gene_list"]
    assert get_sentences(adata) == text
    assert "stored without a mark of its list of genes" in caplog.text


def test_a_mark_is_a_category_that_survives_a_write(tmp_path: Any) -> None:
    adata = cells()
    adata.write_h5ad(tmp_path / "a.h5ad")
    adata.write_zarr(tmp_path / "a.zarr")
    for again in (ad.read_h5ad(tmp_path / "a.h5ad"), ad.read_zarr(tmp_path / "a.zarr")):
        assert again.obs["c2s_gene_list"].cat.categories.tolist() == [gene_list_mark(adata.var_names)]
        assert get_sentences(again) == text_of(adata)


def test_text_has_no_mark_and_takes_away_that_of_ranks() -> None:
    adata = cells()
    scc2s.pp.sentences(adata)
    assert set(adata.obs) == {"c2s_sentence", "c2s_n_genes"}
    scc2s.pp.sentences(adata, store="ranks")
    assert sorted(adata.obs) == ["c2s_gene_list", "c2s_n_genes"]


def test_other_sentences_have_a_mark_of_their_own() -> None:
    adata = cells()
    scc2s.pp.sentences(adata, store="ranks", key_added="few_sentence", var_mask=np.arange(8) < 4, n_genes=2)
    assert {"c2s_gene_list", "few_gene_list"} <= set(adata.obs)
    assert max(len(s.split()) for s in get_sentences(adata, "few_sentence")) == 2
    del adata.uns["c2s"]["sentences_few"]
    with pytest.raises(KeyError, match="key_added='few_sentence'"):
        get_sentences(adata, "few_sentence")


def test_no_ranks_are_none_and_lists_in_another_order_differ() -> None:
    assert stored_ranks(adata_of([[1.0]]), sentence_slots()) is None
    assert gene_list_mark(["A", "B"]) not in {gene_list_mark(["B", "A"]), gene_list_mark(["AB"]), gene_list_mark([])}


def test_a_choice_of_genes_is_kept_by_name() -> None:
    """Records of a mask by position would name other genes once genes have moved."""
    from scc2s._cells.gene_words import words_of
    from scc2s._cells.recorded import recorded_expression

    adata = adata_of(np.ones((2, 6), np.float32))
    mask = pd.Series([True, False, True, False, False, True], index=adata.var_names)
    for given in (mask, mask[::-1], mask.to_numpy()):
        scc2s.pp.sentences(adata, var_mask=given)
        moved = adata[:, ["G5", "G4", "G3", "G2", "G1", "G0"]].copy()
        fewer = adata[:, ["G4", "G2", "G0"]].copy()
        for data, want in ((adata, {"G0", "G2", "G5"}), (moved, {"G0", "G2", "G5"}), (fewer, {"G0", "G2"})):
            assert set(words_of(data).in_sentences) == want
            found = recorded_expression(data, "sentences")
            assert {n for n, a in zip(found.names, found.allowed, strict=True) if a} == want


def test_rows_with_holes_are_counted_and_those_with_other_numbers_of_genes_refused() -> None:
    adata = cells()
    adata.obsm["c2s_ranks"][0, 2] = -1  # as a user may strike a gene out
    adata.obs["c2s_n_genes"] = (adata.obsm["c2s_ranks"] >= 0).sum(axis=1)
    assert len(get_sentences(adata)[0].split()) == 7
    for wrong in (0, 3, 9, -1, np.nan):
        adata.obs["c2s_n_genes"] = [8.0, wrong, 8, 8, 8, 8]
        mend(lambda: get_sentences(adata))


@pytest.mark.parametrize("store", ["text", "ranks"])
def test_sentences_are_read_lazily_and_results_are_refused(tmp_path: Any, store: str) -> None:
    pytest.importorskip("xarray")
    adata = cells(store=store)
    adata.write_h5ad(tmp_path / "a.h5ad")
    lazy = ad.experimental.read_lazy(tmp_path / "a.h5ad")
    assert get_sentences(lazy) == text_of(adata)
    for make in (scc2s.pp.sentences, scc2s.pp.rank_fit, scc2s.pp.recipe, READERS["reconstruct"]):
        with pytest.raises(ValueError, match=r"pass adata.to_memory\(\)"):
            make(lazy)
