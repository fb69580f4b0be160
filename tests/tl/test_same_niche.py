from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import scc2s
from scc2s.models import CallableModel


def layers(n: int = 240) -> ad.AnnData:
    """Layers that a gene of each tells, and types that nothing has to do with."""
    rng = np.random.default_rng(0)
    obs = pd.DataFrame(
        {"layer": rng.choice(["outer", "inner"], n), "type": rng.choice(["B", "T"], n),
         "split": rng.choice(["train", "test"], n)},
        index=[f"cell{i}" for i in range(n)],
    )  # fmt: skip
    genes = ["CD79A", "CD3D", "RELN", "CDHR1"]
    obs["c2s_sentence"] = [
        f"{'CD79A' if kind == 'B' else 'CD3D'} {'RELN' if layer == 'outer' else 'CDHR1'}"
        for kind, layer in zip(obs["type"], obs["layer"], strict=True)
    ]
    obs["c2s_n_genes"] = 2
    adata = ad.AnnData(np.ones((n, 4), dtype="float32"), obs=obs, var=pd.DataFrame(index=genes))
    scc2s.pp.niches(adata, niche_key="layer", matched="type", split_key="split")
    return adata


def test_a_model_that_reads_the_layer_is_right_also_against_matched_negatives() -> None:
    adata = layers()
    prompts: list[str] = []

    def score(texts: list[str], choices: list[str]) -> np.ndarray:
        prompts.extend(texts)
        assert choices == [" yes", " no"]
        return np.array([[3.0 * (("RELN" in t) != ("CDHR1" in t)) - 1.5, 0.0] for t in texts])

    scc2s.tl.same_niche(adata, model=CallableModel(score=score), n_boot=50)
    report = adata.uns["c2s"]["same_niche"]["report"].set_index(["negatives", "answer"])
    for negatives in ("negative", "matched negative"):
        assert report.loc[(negatives, "model"), "accuracy"] == 1
        assert report.loc[(negatives, "share of the same type"), "auroc"] == pytest.approx(0.5, abs=0.12)
        assert report.loc[(negatives, "logistic regression on sentences"), "auroc"] > 0.95
    assert all("niche" in text for text in prompts)
    asked = adata.uns["c2s"]["same_niche"]["table"].dropna(subset="probability")
    assert set(asked["split"]) == {"test"}


def test_contexts_of_another_kind_are_refused() -> None:
    adata = layers()
    scc2s.pp.contexts(adata, groupby="type", n_cells=(2, 3), key_added="groups")
    with pytest.raises(ValueError, match="c2s_niches"):
        scc2s.tl.same_niche(adata, contexts="groups", model="no/such")
    with pytest.raises(KeyError, match="nowhere"):
        scc2s.tl.same_niche(adata, contexts="nowhere", model="no/such")
