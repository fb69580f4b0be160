from __future__ import annotations

import numpy as np
import pytest
from cell_writers import cells

import scc2s
from scc2s.tl._comparing.shared_words import shared_words


def test_words_that_one_side_cannot_hold_count_on_neither(caplog: pytest.LogCaptureFixture) -> None:
    true = cells()
    pred = true[:, [f"G{i}" for i in range(0, 30, 2)]].copy()
    scc2s.pp.sentences(pred)
    own = {"pred": pred.obs["c2s_sentence"].tolist(), "true": true.obs["c2s_sentence"].tolist()}
    found = shared_words({"pred": pred, "true": true}, own, "c2s_sentence")
    assert found["pred"].tolist() == own["pred"]
    words = {word for text in found["true"] for word in text.split()}
    assert words <= set(pred.var_names)
    assert "sentences of true are genes that the other side cannot hold" in caplog.text
    scc2s.pp.sentences(true, n_genes=40)
    table = scc2s.tl.evaluate(pred[:1], true[:1], metrics=["gene_overlap"], floor=False, ceiling=False)
    assert table["value"].iloc[0] == pytest.approx(100)


def test_sides_of_the_same_genes_stay_as_they_are() -> None:
    adata = cells()
    own = {"pred": adata.obs["c2s_sentence"].tolist(), "true": adata.obs["c2s_sentence"].tolist()[::-1]}
    found = shared_words({"pred": adata, "true": adata}, own, "c2s_sentence")
    assert all(np.array_equal(found[name], own[name]) for name in own)


def test_sides_without_a_word_in_common_are_refused() -> None:
    pred, true = cells(), cells()
    pred = pred[:, ["G1", "G2", "G3"]].copy()
    true = true[:, ["G4", "G5", "G6"]].copy()
    scc2s.pp.sentences(pred)
    scc2s.pp.sentences(true)
    with pytest.raises(ValueError, match="same genes, e.g. sc.pp.c2s_sentences"):
        scc2s.tl.evaluate(pred, true, metrics=["gene_overlap"])
