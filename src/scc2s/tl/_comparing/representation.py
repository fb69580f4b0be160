"""Cells of all sides of a comparison in one representation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anndata import AnnData

_DENSE = 2**22  # values below which a matrix is made dense for its PCA


def components(
    genes: Mapping[str, Any], n_comps: int, random_state: int, *, beside: Mapping[str, Any] | None = None
) -> dict[str, np.ndarray]:
    """A PCA of the cells of all sides together; those `beside` are put into it and take no part in the fit.

    Components bend towards the noise of the cells that they are fitted on. Fitted on real cells alone they spread real
    cells further apart than any others, so that cells of another donor come nearer to one half of the real cells than
    the other half does. Where all cells take part, cells of one distribution are as far apart whichever side has them.
    Cells that are nearly those of one side, such as real ones with some molecules less, would count these twice.
    """
    from sklearn.decomposition import PCA

    sizes = [X.shape[0] for X in genes.values()]
    together: Any = (
        sparse.vstack([sparse.csr_matrix(X) for X in genes.values()], format="csr")
        if any(sparse.issparse(X) for X in genes.values())
        else np.concatenate(list(genes.values()))
    )
    n = min(n_comps, genes["true"].shape[0], *together.shape)
    if not n:
        return {name: np.empty((X.shape[0], 0)) for name, X in {**genes, **(beside or {})}.items()}
    full = n == min(together.shape)
    if sparse.issparse(together) and (full or np.prod(together.shape) < _DENSE):
        together = together.toarray()
    pca = PCA(n, svd_solver="full" if full else "arpack", random_state=random_state)
    parts = np.split(np.asarray(pca.fit_transform(together)), np.cumsum(sizes)[:-1])
    found = dict(zip(genes, parts, strict=True))
    for name, X in (beside or {}).items():
        as_fitted = sparse.csr_matrix(X)
        found[name] = np.asarray(pca.transform(as_fitted if sparse.issparse(together) else as_fitted.toarray()))
    return found


def embeddings(given: Mapping[str, AnnData], key: str) -> dict[str, np.ndarray]:
    """What all sides have in ``.obsm`` under one key."""
    for name, adata in given.items():
        if key not in adata.obsm:
            msg = (
                f"{name} has no obsm[{key!r}]; compute it for pred and true together, e.g. sc.tl.c2s_embed, or pass "
                "rep='pca' or rep='X'"
            )
            raise KeyError(msg)
    reps = {name: np.asarray(adata.obsm[key], dtype=np.float64) for name, adata in given.items()}
    if len({X.shape[1] for X in reps.values()}) > 1:
        msg = f"obsm[{key!r}] has widths {[X.shape[1] for X in reps.values()]}; compute it for all cells together"
        raise ValueError(msg)
    for name, X in reps.items():
        if not np.isfinite(X).all():
            n = int((~np.isfinite(X).all(axis=1)).sum())
            msg = f"obsm[{key!r}] of {name} is not finite for {n} cells; leave them out: {name}[...]"
            raise ValueError(msg)
    return reps
