"""Captions of scc2s-mini on held-out cells of PBMC 3k: is the cell type right, are the genes that are named expressed.

Run: python benchmarks/captions.py --data DATA
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import anndata as ad
import numpy as np

import scc2s
from scc2s.models import answers
from scc2s.prompts._answers import prose
from scc2s.prompts._consensus import consensus
from scc2s.prompts._mentions import mentions
from scc2s.tl._asking.question import ask, choose_writer
from scc2s.train import split

DRAWS = 200
MIN_SHARE = 0.1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with pbmc3k.h5ad")
    args = parser.parse_args()
    adata = ad.read_h5ad(args.data / "pbmc3k.h5ad")
    adata = adata[split(adata.obs_names) == "test"].copy()
    scc2s.pp.sentences(adata)
    model, task = choose_writer(None, None, "caption")
    question = ask(adata, task, model, organism=None, sentence_key="c2s_sentence", n_answer_tokens=96)
    raw = answers(model, question.rendered.texts, max_new_tokens=96)
    texts = [prose(text, prompt) for text, prompt in zip(raw, question.rendered.texts, strict=True)]
    kinds = adata.obs["cell_type"].astype(str).to_numpy()
    right = np.array([f" {kind} from" in f" {text.partition(' ')[2]}" for text, kind in zip(texts, kinds, strict=True)])
    rng = np.random.default_rng(0)
    named = [m.genes for m in mentions(texts, list(adata.var_names), ignore=model.labels)]
    summary = {
        "n_cells": adata.n_obs,
        "model": model.info()["weights_hash"],
        "type_is_right": {n: chosen_right(texts, right, kinds, n, rng) for n in (1, 2, 3, 5, 9)},
        "genes_named": sum(map(len, named)),
        "not_expressed": not_expressed(adata, named, kinds, kinds),
        "not_expressed_in_another_type": not_expressed(adata, named, kinds, rng.permutation(kinds)),
    }
    print(json.dumps(summary, indent=2))


def chosen_right(texts: list[str], right: np.ndarray, kinds: np.ndarray, n: int, rng: np.random.Generator) -> float:
    """Share of draws of n cells of a type whose chosen caption has the type; mean over types."""
    hits = []
    for kind in np.unique(kinds):
        rows = np.flatnonzero(kinds == kind)
        for _ in range(DRAWS):
            some = rng.permutation(rows)[:n]
            hits.append(right[some[consensus([texts[i] for i in some])]])
    return float(np.mean(hits))


def not_expressed(adata: ad.AnnData, named: list[list[str]], kinds: np.ndarray, about: np.ndarray) -> int:
    """Named genes that under MIN_SHARE of a type's cells express; each caption is held against its type in `about`."""
    column = {gene: i for i, gene in enumerate(adata.var_names)}
    above = (adata.X > 0).tocsc()
    share = {kind: np.asarray(above[np.flatnonzero(kinds == kind)].mean(axis=0)).ravel() for kind in np.unique(kinds)}
    return sum(
        int(share[kind][column[gene]] < MIN_SHARE) for genes, kind in zip(named, about, strict=True) for gene in genes
    )


if __name__ == "__main__":
    main()
