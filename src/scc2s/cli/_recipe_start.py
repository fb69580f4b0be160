"""The model that a recipe begins with, where it is made for it: a new one, or one with tokens for more genes."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any

from scc2s._io import replacing_folder

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from anndata import AnnData
    from scipy import sparse

    from ._recipe import Data, Recipe

_VECTOR = 64
_LEAST = 0.002
"""Share of the cells of a file whose expression gives a gene a token."""


def start(what: Recipe, cells: list[dict[str, AnnData]], samples: pd.DataFrame, folder: Path) -> None:
    """Write the model.

    Parameters
    ----------
    what
        The recipe.
    cells
        Of its files.
    samples
        Some of those that are trained on, from which the pieces of plain text are learned.
    folder
        Where to.
    """
    from scc2s import train

    studies = [_expression(data, parts["train"]) for data, parts in zip(what.data, cells, strict=True) if parts]
    found = _found(studies)
    with replacing_folder(folder) as new:
        if what.new_model is None:
            model, tokenizer = _opened(what, found, new)
        else:
            how = what.new_model
            genes = sorted(sorted(found, key=lambda gene: (-found[gene], gene))[: how.n_gene_tokens])
            tokenizer = train.gene_tokenizer(genes, _texts(samples, set(genes)), n_pieces=how.n_pieces)
            vectors = None
            if how.vectors and len(genes) > 1:
                vectors = train.gene_vectors(studies, genes, n=min(how.width, _VECTOR), seed=what.seed)
            model = train.new_model(
                tokenizer, n_layers=how.n_layers, width=how.width, n_heads=how.n_heads, max_length=how.window,
                dropout=how.dropout, vectors=vectors, seed=what.seed,
            )  # fmt: skip
        train.save_portable(model, tokenizer, new, dtype="float32")


def _opened(what: Recipe, found: dict[str, float], folder: Path) -> tuple[Any, Any]:
    """The model that is named, with tokens for the genes of the cells, and what it says of itself."""
    from scc2s import train
    from scc2s.train._base import open_base, source_of

    source, _, _ = source_of(str(what.model))
    base = open_base(str(what.model))
    train.add_genes(base.lm, base.tokenizer, [gene for gene, share in found.items() if share >= _LEAST], seed=what.seed)
    for name in ("scc2s.json", "README.md"):
        if (source.folder / name).is_file():
            shutil.copy(source.folder / name, folder / name)
    return base.lm, base.tokenizer


def _expression(data: Data, cells: AnnData) -> tuple[sparse.csr_matrix, list[str]]:
    import numpy as np
    from scipy import sparse

    from scc2s._cells.access import expression

    found = expression(cells, layer=data.layer, gene_symbols=data.gene_symbols)
    X = sparse.vstack([sparse.csr_matrix(block) for _, block in found.blocks()], format="csr")
    if found.allowed is None:
        return X, list(found.names)
    return X[:, found.allowed], [found.names[i] for i in np.flatnonzero(found.allowed)]


def _found(studies: list[tuple[sparse.csr_matrix, list[str]]]) -> dict[str, float]:
    """Share of the cells that express a gene, in the study where it is largest."""
    import numpy as np

    out: dict[str, float] = {}
    for X, names in studies:
        for name, share in zip(names, np.asarray((X > 0).mean(axis=0)).ravel().tolist(), strict=True):
            if share > 0:
                out[name] = max(out.get(name, 0.0), share)
    return out


def _texts(samples: pd.DataFrame, genes: set[str]) -> list[str]:
    """Prompts and answers without the genes."""
    texts = [*samples["prompt"], *samples["completion"]]
    return [re.sub(r"\S+", lambda word: "" if word.group().strip(".,;:") in genes else word.group(), t) for t in texts]
