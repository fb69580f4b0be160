"""A model may write what the sentences may hold: genes of .var, and of .raw where the sentences come from it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from anndata import AnnData

import scc2s
from scc2s._cells.written_words import may_hold, raw_words, writable_words

GENES = ["CD3D", "LYZ", "NKG7", "MS4A1", "CST3"]


def usual_layout() -> AnnData:
    """All genes in .raw, two of them in .var."""
    adata = AnnData(
        np.random.default_rng(0).poisson(3, (6, 5)).astype(np.float32) + 1,
        obs=pd.DataFrame(index=[f"c{i}" for i in range(6)]),
        var=pd.DataFrame(index=GENES),
    )
    adata.raw = adata
    return adata[:, ["NKG7", "CD3D"]].copy()


def test_genes_that_raw_alone_has_come_last_and_have_no_column() -> None:
    adata = usual_layout()
    scc2s.pp.sentences(adata)
    genes = writable_words(adata)
    assert genes.words == ["NKG7", "CD3D", "LYZ", "MS4A1", "CST3"]
    assert genes.columns.tolist() == [0, 1, -1, -1, -1, -1]
    assert set(genes.in_sentences) == set(GENES)
    assert raw_words(adata) == {name: i for i, name in enumerate(GENES)}


def test_sentences_from_x_are_held_to_the_genes_of_var() -> None:
    adata = usual_layout()
    scc2s.pp.sentences(adata, use_raw=False)
    assert writable_words(adata).words == ["NKG7", "CD3D"]
    assert may_hold(adata, "c2s_sentence", []) == {"nkg7", "cd3d"}


def test_genes_that_were_left_out_of_the_sentences_are_not_written() -> None:
    adata = usual_layout()
    scc2s.pp.sentences(adata, exclude=["LYZ", "NKG7"])
    genes = writable_words(adata)
    assert set(genes.in_sentences) == {"CD3D", "MS4A1", "CST3"}
    assert "LYZ" not in genes.words


def test_sentences_without_a_record_are_looked_at() -> None:
    adata = usual_layout()
    adata.obs["c2s_sentence"] = ["CD3D NKG7"] * 6
    assert writable_words(adata).words == ["NKG7", "CD3D"]
    adata.obs["c2s_sentence"] = ["CD3D LYZ"] * 6
    assert "LYZ" in writable_words(adata).in_sentences


def test_words_that_sentences_do_hold_are_known_whatever_the_record_says() -> None:
    adata = usual_layout()
    scc2s.pp.sentences(adata, use_raw=False)
    assert may_hold(adata, "c2s_sentence", ["CD3D IL7R"]) == {"nkg7", "cd3d", "il7r"}
