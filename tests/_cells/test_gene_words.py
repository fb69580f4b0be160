from __future__ import annotations

from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import scc2s
from scc2s._cells.gene_words import stored_fit, words_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def adata() -> ad.AnnData:
    var = pd.DataFrame({"symbol": ["Cd3e", "Lyz2", None, "H2 K1", "Cd3e"]}, index=["a", "b", "c", "d", "e"])
    return ad.AnnData(np.random.default_rng(0).poisson(2.0, (6, 5)).astype("float32"), var=var)


def test_words_are_spelled_as_the_sentences_are_and_the_first_column_of_a_name_stands_for_it(
    adata: ad.AnnData, tmp_path: Path
) -> None:
    scc2s.pp.sentences(adata, gene_symbols="symbol", upper=True, on_duplicate="max")
    adata.write_h5ad(tmp_path / "a.h5ad")
    for data in (adata, ad.read_h5ad(tmp_path / "a.h5ad")):
        found = words_of(data)
        assert dict(zip(found.words, found.columns, strict=False)) == {"CD3E": 0, "LYZ2": 1, "H2_K1": 3}
        assert found.columns[-1] == -1


@pytest.mark.parametrize(
    "chosen", [{"exclude": ["b"]}, {"var_mask": "kept"}, {"var_mask": np.array([True, False, True, True, True])}]
)
def test_genes_left_out_of_the_sentences_are_read_but_not_to_be_written(
    adata: ad.AnnData, chosen: dict, tmp_path: Path
) -> None:
    adata.var["kept"] = adata.var_names != "b"
    scc2s.pp.sentences(adata, **chosen)
    adata.write_h5ad(tmp_path / "a.h5ad")
    for data in (adata, ad.read_h5ad(tmp_path / "a.h5ad")):
        found = words_of(data)
        assert found.words == list("abcde")
        assert found.in_sentences == list("acde")


def test_sentences_of_another_name_have_a_spelling_of_their_own(adata: ad.AnnData) -> None:
    scc2s.pp.sentences(adata, upper=True, key_added="loud_sentence")
    assert words_of(adata).words == list("abcde")
    assert words_of(adata, "loud_sentence").words == list("ABCDE")


def test_the_fit_is_read_from_its_slot_or_its_call_is_named(adata: ad.AnnData) -> None:
    with pytest.raises(KeyError, match="sc.pp.c2s_rank_fit"):
        stored_fit(adata)
    scc2s.pp.rank_fit(adata)
    assert stored_fit(adata).slope == adata.uns["c2s"]["rank_fit"]["slope"]
