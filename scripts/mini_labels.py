"""What scc2s-mini says of held-out cells, beside the labellers anyone would write: figures of its card."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import anndata as ad
import mudata
import numpy as np
import scanpy as sc
from mini_sets import Set, foreign_sets, human_sets
from mini_types import TYPES, ancestors

import scc2s
from scc2s._demo._baselines import logistic_regression, scores, sentence_features
from scc2s.metrics import auroc

N_GENES = 200
OWN = {
    "plain words, pbmc3k": ("pbmc3k", {
        "T cells": "T cell", "B cells": "B cell", "NK cells": "NK cell", "Monocytes": "monocyte", "Dendritic cells": "dendritic cell",
        "Platelets": "megakaryocyte",
    }),
    "Seurat's tutorial, pbmc3k": ("pbmc3k", {
        "Naive CD4 T": "naive CD4 T cell", "Memory CD4 T": "memory CD4 T cell", "CD14+ Mono": "CD14+ monocyte", "B": "B cell",
        "CD8 T": "CD8 T cell", "FCGR3A+ Mono": "FCGR3A+ monocyte", "NK": "NK cell", "DC": "dendritic cell", "Platelet": "megakaryocyte",
    }),
    "textbook, kang": ("kang", {
        "helper T lymphocytes": "CD4 T cell", "cytotoxic T lymphocytes": "CD8 T cell", "B lymphocytes": "B cell",
        "natural killer cells": "NK cell", "classical monocytes": "CD14+ monocyte", "non-classical monocytes": "FCGR3A+ monocyte",
        "dendritic cells": "dendritic cell", "red blood cells": "erythrocyte", "thrombocytes": "megakaryocyte",
    }),
    "Cell Ontology, breast": ("breast", {
        "leukocyte": "immune cell", "fibroblast": "fibroblast", "endothelial cell": "endothelial cell", "epithelial cell": "epithelial cell",
    }),
}  # fmt: skip
"""Labels as users write them, and the types that they mean."""


def held_out(folder: Path) -> list[Set]:
    """The sets of the training with their held-out cells, and a study that nothing was trained on (its cells are all test)."""
    sets = human_sets(folder)
    rna = mudata.read_h5mu(folder / "pbmc_citeseq.h5mu")["rna"]
    rna = rna[(rna.obs["cell_type"] != "unassigned").to_numpy()].copy()
    kind = rna.obs["cell_type"].astype(str).to_numpy(dtype=object)
    part = np.full(rna.n_obs, "test", dtype=object)
    names = rna.var_names.astype(str).tolist()
    return [*sets, Set("pbmc_citeseq", rna.X.tocsr().astype(np.float32), names, kind, part, adata=rna)]


def opened(s: Set) -> ad.AnnData:
    """Cells with sentences, types, and log-normalised values as a layer."""
    adata = ad.AnnData(s.X.copy())
    adata.obs_names = s.adata.obs_names if s.adata is not None else adata.obs_names
    adata.var_names = s.names
    adata.obs["cell_type"], adata.obs["part"] = s.kind.astype(str), s.part.astype(str)
    adata.layers["log"] = adata.X.copy()
    if float(adata.X.max()) > 20:
        sc.pp.normalize_total(adata, target_sum=1e4, layer="log")
        sc.pp.log1p(adata, layer="log")
    scc2s.pp.sentences(adata, n_genes=N_GENES)
    return adata


def annotation(adata: ad.AnnData, model, part: str, train: ad.AnnData | None = None) -> tuple[dict[str, Any], list]:
    """Scores on one part of a set among its own types, beside baselines trained on its training cells or those of another set.

    Also the pairs (true type, given type).
    """
    own = train is None
    train = adata if own else train
    rows = (adata.obs["part"] == part).to_numpy()
    learn = (train.obs["part"] == "train").to_numpy()
    labels = sorted(set(adata.obs["cell_type"][rows])) if not own else sorted(set(train.obs["cell_type"][learn]))
    rows &= adata.obs["cell_type"].isin(labels).to_numpy()
    some = adata[rows].copy()
    true = some.obs["cell_type"].to_numpy(dtype=object)
    out: dict[str, Any] = {"n": int(rows.sum()), "n_types": len(labels)}
    said = asked(some, model, labels)
    out["scc2s-mini"] = scores(said, true)
    marked = [label for label in labels if label in scc2s.programs.markers()]
    out["types with markers"] = len(marked)
    if len(marked) > 1:
        try:
            scc2s.tl.marker_labels(some, labels=marked)
            out["marker genes"] = scores(some.obs["c2s_marker_label"].astype(str).to_numpy(), true)
        except ValueError:  # a panel that has the markers of fewer than two types
            pass
    out |= regressions(some, train[learn], true, labels)
    return out, list(zip(true.tolist(), said.tolist(), strict=True))


def asked(adata: ad.AnnData, model, labels: list[str]) -> np.ndarray:
    scc2s.tl.annotate(adata, labels=labels, model=model, controls=False)
    return adata.obs["c2s_cell_type"].astype(str).to_numpy(dtype=object)


def regressions(some: ad.AnnData, train: ad.AnnData, true: np.ndarray, labels: list[str]) -> dict[str, Any]:
    """Logistic regression on sentences and on all shared genes; most frequent type of the training cells."""
    y = as_labels(train.obs["cell_type"], labels)
    train, y = train[y != ""], y[y != ""]
    both, first = np.concatenate([y, true]), np.arange(len(y) + len(true)) < len(y)
    words = sentence_features([*train.obs["c2s_sentence"], *some.obs["c2s_sentence"]], N_GENES)
    genes = [g for g in some.var_names if g in set(train.var_names)]
    log = ad.concat([train[:, genes], some[:, genes]], index_unique="-").layers["log"]
    values, n = np.unique(y, return_counts=True)
    return {
        "logistic regression, sentences": scores(logistic_regression(words, both, first, ~first), true),
        "logistic regression, all genes": scores(logistic_regression(log, both, first, ~first), true),
        "most frequent type": scores(np.full(len(true), values[n.argmax()], dtype=object), true),
    }


def as_labels(kinds, labels: list[str]) -> np.ndarray:
    """Each type as the label that it is, or the nearest one above it; empty where there is none."""
    lines = {x: [x, *(ancestors(x) if x in TYPES else [])] for x in set(kinds)}
    return np.array([next((k for k in lines[x] if k in labels), "") for x in kinds], dtype=object)


def recalls(pairs: dict[str, list[tuple[str, str]]]) -> dict[str, dict[str, Any]]:
    """Of each type: held-out cells (over sets), and the share that is called so, or by a type below it."""
    found: dict[str, list[bool]] = defaultdict(list)
    where: dict[str, set[str]] = defaultdict(set)
    for name, some in pairs.items():
        for true, said in some:
            line = {said, *(ancestors(said) if said in TYPES else [])}
            for kind in (true, *ancestors(true)):
                found[kind].append(kind in line)
                where[kind].add(name)
    return {
        kind: {"cells": len(x), "recall": float(np.mean(x)), "sets": sorted(where[kind])}
        for kind, x in sorted(found.items())
    }


def own_wording(adata: ad.AnnData, model, part: str, words: dict[str, str]) -> dict[str, Any]:
    """Accuracy in a user's labels, and in the model's own names of the same types."""
    own = list(words.values())
    true = as_labels(adata.obs["cell_type"], own)
    rows = (adata.obs["part"] == part).to_numpy() & (true != "")
    some, true = adata[rows].copy(), true[rows]
    first = asked(some, model, list(words))
    second = asked(some, model, own)
    return {
        "n": int(rows.sum()),
        "as written": scores(np.array([words.get(x, x) for x in first], dtype=object), true),
        "as declared": scores(second, true),
        "most frequent": float(np.unique(true, return_counts=True)[1].max() / len(true)),
    }


def strangers(datasets: dict[str, ad.AnnData], folder: Path, model, part: str) -> dict[str, float]:
    """AUROC of "none of these" of cells of types that were never trained on, and of foreign cells, against known cells."""
    out = {}
    for name, adata in datasets.items():
        unseen = (adata.obs["part"] == "unseen type").to_numpy()
        if unseen.sum() < 10:
            continue
        known = (adata.obs["part"] == part).to_numpy()
        labels = sorted(set(adata.obs["cell_type"][known]))
        some = adata[unseen | known].copy()
        scc2s.tl.annotate(some, labels=labels, model=model, controls=False)
        new = (some.obs["part"] == "unseen type").to_numpy()
        for kind in sorted(set(some.obs["cell_type"][new])):
            chosen = ~new | (some.obs["cell_type"] == kind).to_numpy()
            out[f"{kind}, {name}"] = auroc(some.obs["c2s_cell_type_none"].to_numpy()[chosen], (new & chosen)[chosen])
    known = datasets["pbmc3k"][(datasets["pbmc3k"].obs["part"] == part).to_numpy()].copy()
    labels = sorted(set(known.obs["cell_type"]))
    scc2s.tl.annotate(known, labels=labels, model=model, controls=False)
    for s in foreign_sets(folder):
        some = ad.AnnData(s.X[s.part == part])
        some.var_names = s.names
        scc2s.pp.sentences(some, n_genes=N_GENES)
        scc2s.tl.annotate(some, labels=labels, model=model, controls=False, organism=s.organism)
        values = np.concatenate([known.obs["c2s_cell_type_none"], some.obs["c2s_cell_type_none"]])
        out[f"{s.name}, held-out cells"] = auroc(values, np.arange(len(values)) >= known.n_obs)
    return out
