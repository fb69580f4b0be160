from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import scc2s


@pytest.fixture
def adata() -> ad.AnnData:
    X = np.array([[1, 5, 1, 0, 3, 1], [0, 0, 0, 0, 0, 0]], dtype="float32")
    out = ad.AnnData(X, obs=pd.DataFrame(index=["cell", "empty"]), var=pd.DataFrame(index=list("ABCDEF")))
    scc2s.pp.sentences(out)
    return out


def bars(ax: object) -> list[float]:
    return [b.get_height() for b in ax.containers[0]]


def test_genes_stand_in_the_order_of_the_sentence_with_their_expression(adata: ad.AnnData) -> None:
    ax = scc2s.pl.sentence(adata, "cell", show=False)
    assert [t.get_text() for t in ax.get_xticklabels()] == adata.obs.loc["cell", "c2s_sentence"].split()
    assert bars(ax) == [5, 3, 1, 1, 1]


def test_one_band_for_each_run_of_ties(adata: ad.AnnData) -> None:
    ax = scc2s.pl.sentence(adata, 0, show=False)
    assert [(p.get_x(), p.get_width()) for p in ax.patches if p.get_zorder() == 0] == [(1.5, 3.0)]


def test_cell_may_be_a_name_or_a_row(adata: ad.AnnData) -> None:
    assert bars(scc2s.pl.sentence(adata, -2, show=False)) == bars(scc2s.pl.sentence(adata, "cell", show=False))


def test_n_genes_shows_the_first_ones(adata: ad.AnnData) -> None:
    assert bars(scc2s.pl.sentence(adata, 0, n_genes=2, show=False)) == [5, 3]


def test_expression_is_that_the_sentence_was_made_from(adata: ad.AnnData) -> None:
    adata.layers["other"] = adata.X * np.array([1, 1, 1, 1, 4, 1])
    adata.var["symbol"] = [f"G{i}" for i in range(6)]
    scc2s.pp.sentences(adata, layer="other", gene_symbols="symbol", key_added="other_sentence")
    ax = scc2s.pl.sentence(adata, 0, sentence_key="other_sentence", show=False)
    assert bars(ax)[:2] == [12, 5]
    assert ax.get_xticklabels()[0].get_text() == "G4"


@pytest.mark.parametrize(
    ("cell", "error", "message"),
    [("nobody", KeyError, "obs_names"), (7, KeyError, "0 to 1"), ("empty", ValueError, "empty sentence")],
)
def test_cells_that_cannot_be_drawn_are_refused(
    adata: ad.AnnData, cell: str | int, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        scc2s.pl.sentence(adata, cell, show=False)


def test_word_that_is_no_gene_is_named(adata: ad.AnnData) -> None:
    adata.obs["c2s_sentence"] = ["B NOPE", ""]
    with pytest.raises(KeyError, match="NOPE"):
        scc2s.pl.sentence(adata, 0, show=False)
