from __future__ import annotations

import json
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s import models, pp, tl
from scc2s._cells.provenance import versions
from scc2s._io import check_writable, write_h5ad, write_text
from scc2s._settings import settings
from scc2s.sentences import RankFit
from scc2s.train import split

from ._baselines import logistic_regression, nearest_neighbors, scores, sentence_features
from ._figures import draw
from ._report import markdown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anndata import AnnData

TRUTH = "bulk_labels"
N_GENES = 200


def run(out: Path) -> dict[str, Any]:
    """Sentences, fit, embedding, annotation, UMAP, figures: writes a folder and returns what was measured."""
    import scanpy as sc

    if out.exists() and not out.is_dir():
        msg = f"{out} is a file, and the results are a folder; give another path"
        raise NotADirectoryError(msg)
    out.mkdir(parents=True, exist_ok=True)
    check_writable(out / "summary.json")
    adata = sc.datasets.pbmc68k_reduced()
    part = split(adata.obs_names)
    adata.obs["split"] = part
    model = models.load(settings.model)
    rates = _steps(adata, model)
    files = ["pbmc68k.h5ad", *draw(adata, adata[part == "test"], TRUTH, out), "summary.md", "summary.json"]
    test = part == "test"
    summary = {
        "data": "pbmc68k_reduced (scanpy.datasets)",
        "n_obs": adata.n_obs,
        "n_train": int((part == "train").sum()),
        "n_test": int(test.sum()),
        "n_labels": int(adata.obs[TRUTH].nunique()),
        "n_genes": N_GENES,
        "held_out": _compare(adata, part),
        "controls": _controls(adata),
        "fit": RankFit.from_dict(adata.uns["c2s"]["rank_fit"]).to_dict(),
        "cells_per_second": rates,
        "model": model.info(),
        "versions": versions(),
        "files": files,
    }
    summary = dict(json.loads(json.dumps(summary, default=_plain)))
    write_h5ad(adata, out / "pbmc68k.h5ad")
    write_text(markdown(summary), out / "summary.md")
    write_text(json.dumps(summary, indent=2) + "\n", out / "summary.json")
    return summary


def _steps(adata: AnnData, model: Any) -> dict[str, float]:
    """Everything a user would call, in place; cells per second of each step once compiled and loaded."""
    import scanpy as sc

    warm = adata[:2].copy()
    for compiled in (partial(pp.sentences, n_genes=N_GENES), pp.rank_fit, pp.reconstruct):
        compiled(warm)
    rates: dict[str, float] = {}

    @contextmanager
    def timed(step: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        rates[step] = adata.n_obs / (time.perf_counter() - start)

    with timed("sentences"):
        pp.sentences(adata, n_genes=N_GENES)
    with timed("rank-expression fit"):
        pp.rank_fit(adata)
    with timed("reconstruction"):
        pp.reconstruct(adata)
    with timed("embedding"):
        tl.embed(adata, model=model)
    with timed("annotation"):
        tl.annotate(adata, model=model, labels=list(adata.obs[TRUTH].cat.categories), groupby="louvain")
    with timed("neighbors and UMAP (scanpy)"):
        sc.pp.neighbors(adata, use_rep="X_c2s", random_state=0)
        sc.tl.umap(adata, random_state=0)
    return rates


def _compare(adata: AnnData, part: np.ndarray) -> dict[str, dict[str, float]]:
    """Scores on the cells that neither the model nor a baseline has seen."""
    train, test = np.flatnonzero(part == "train"), np.flatnonzero(part == "test")
    y = adata.obs[TRUTH].astype(str).to_numpy(dtype=object)
    words = sentence_features(adata.obs["c2s_sentence"].tolist(), N_GENES)
    kinds, sizes = np.unique(y[train], return_counts=True)
    predicted = {
        "model, label scoring": adata.obs["c2s_cell_type"].astype(str).to_numpy(dtype=object)[test],
        "logistic regression, same sentences": logistic_regression(words, y, train, test),
        "logistic regression, all genes": logistic_regression(adata.raw.X, y, train, test),
        "15 nearest neighbors, X_c2s": nearest_neighbors(adata.obsm["X_c2s"], y, train, test),
        "15 nearest neighbors, PCA 50": nearest_neighbors(adata.obsm["X_pca"], y, train, test),
        "most frequent label": [kinds[sizes.argmax()]] * len(test),
    }
    return {name: scores(labels, y[test]) for name, labels in predicted.items()}


def _controls(adata: AnnData) -> dict[str, Any]:
    """What the model says of the same cells without their genes, and what it says of itself beside that."""
    record = adata.uns["c2s"]["annotate"]
    table = record["controls"]
    return {"verdict": record["verdict"], "rows": json.loads(table.to_json(orient="index"))}


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)
