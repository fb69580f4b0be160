"""Models that write cells by a rule, and cells to write from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd

import scc2s
from scc2s.models import CallableModel

if TYPE_CHECKING:
    from collections.abc import Callable

RESPONSE = ["ISG15", "IFI6", "MX1"]
GENES = [*RESPONSE, *(f"G{i}" for i in range(37))]
_SHOWN = re.compile(r"Genes: (.*)\nPerturbation: (.*)\n")


def cells(n: int = 12, seed: int = 0) -> ad.AnnData:
    """Control cells of two types with sentences and a rank fit; none expresses the genes of the response much."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(np.r_[[0.1] * 3, np.linspace(8, 0.5, 37)], (n, len(GENES))).astype("float32")
    obs = pd.DataFrame({"type": ["B", "T"] * (n // 2)}, index=[f"cell{i}" for i in range(n)])
    adata = ad.AnnData(counts, obs=obs, var=pd.DataFrame(index=GENES))
    scc2s.pp.sentences(adata, n_genes=20)
    scc2s.pp.rank_fit(adata)
    return adata


def stimulated(adata: ad.AnnData) -> ad.AnnData:
    """The same cells with the genes of the response on top."""
    out = adata.copy()
    out.X[:, :3] = [90, 80, 70]
    out.obs_names = [f"stim{i}" for i in range(out.n_obs)]
    scc2s.pp.sentences(out, n_genes=20)
    return out


def by_rule(rule: Callable[[list[str], str], list[str]], **kwargs: object) -> CallableModel:
    """A model that shows `rule` the genes and the name of the perturbation; ``.asked`` counts what it was asked."""
    asked: list[tuple[str, str]] = []

    def generate(prompts: list[str]) -> list[str]:
        shown = [_SHOWN.search(prompt).groups() for prompt in prompts]
        asked.extend(shown)
        return [" " + " ".join(rule(genes.split(), name)) for genes, name in shown]

    model = CallableModel(generate=generate, **kwargs)
    model.asked = asked
    return model


def identity(**kwargs: object) -> CallableModel:
    return by_rule(lambda genes, name: genes, **kwargs)


def knows_ifn(**kwargs: object) -> CallableModel:
    """Puts the genes of the response on top for IFN-beta, alone or in a combination, and does nothing else."""

    def rule(genes: list[str], name: str) -> list[str]:
        if "IFN-beta" not in name:
            return genes
        return [*RESPONSE, *(g for g in genes if g not in RESPONSE)][: len(genes)]

    return by_rule(rule, **kwargs)
