"""The matrices of the user keep every byte of their storage, whatever is asked about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from anndata import AnnData
from scipy import sparse
from sentence_cases import adata_of

import scc2s

if TYPE_CHECKING:
    from collections.abc import Callable

FIT = scc2s.sentences.RankFit(slope=-1, intercept=3)


def messy(seed: int, fmt: str, *, log: bool = False, n_cells: int = 40) -> sparse.csr_matrix | sparse.csc_matrix:
    """Counts whose indices are not sorted, with stored zeros, and one gene twice in a row."""
    rng = np.random.default_rng(seed)
    X = sparse.csr_matrix(rng.poisson(1.0, (n_cells, 30)).astype(np.float32))
    if fmt.startswith("csc"):
        X = X.tocsc()
    for start, stop in zip(X.indptr[:-1], X.indptr[1:], strict=True):
        order = rng.permutation(stop - start)
        X.indices[start:stop], X.data[start:stop] = X.indices[start:stop][order], X.data[start:stop][order]
    X.data[::17] = 0
    if fmt == "csr twice":
        X.indices[1] = X.indices[0]
    if log:
        np.log1p(X.data, out=X.data)
    X.has_sorted_indices = X.has_canonical_format = False
    return X


def stored(X: sparse.csr_matrix | sparse.csc_matrix) -> list[bytes]:
    return [part.tobytes() for part in (X.data, X.indices, X.indptr)] + [str(X.indices.dtype).encode()]


USES: dict[str, Callable[[AnnData, dict], object]] = {
    "check": lambda adata, where: scc2s.pp.check(adata, **where),
    "sentences": lambda adata, where: scc2s.pp.sentences(adata, **where),
    "all genes": lambda adata, where: scc2s.pp.sentences(adata, n_genes=None, store="ranks", **where),
    "some genes": lambda adata, where: scc2s.pp.sentences(adata, exclude=["G1"], **where),
    "rank_fit": lambda adata, where: scc2s.pp.rank_fit(adata, **where),
    "rank_fit of some genes": lambda adata, where: scc2s.pp.rank_fit(adata, exclude=["G1"], **where),
    "samples": lambda adata, where: scc2s.pp.samples(adata, "cell_type", organism="human", **where),
    "pairs": lambda adata, where: scc2s.pp.pairs(adata, key="cell_type", control="B"),
    "reconstruct": lambda adata, where: (scc2s.pp.sentences(adata, **where), scc2s.pp.reconstruct(adata, fit=FIT)),
    "refused recipe": lambda adata, where: pytest.raises(ValueError, scc2s.pp.recipe, adata, min_genes=31),
    "copy of a recipe": lambda adata, where: scc2s.pp.recipe(adata, min_genes=1, copy=True),
}


@pytest.mark.parametrize("fmt", ["csr", "csc", "csr twice"])
@pytest.mark.parametrize("place", ["X", "layer", "raw"])
@pytest.mark.parametrize("use", list(USES))
@pytest.mark.parametrize("log", [False, True])
def test_storage_stays_as_it_was(fmt: str, place: str, use: str, log: bool) -> None:
    if log and "recipe" in use:
        pytest.skip("a recipe is for counts")
    adata = adata_of(messy(0, fmt))
    adata.obs["cell_type"] = ["B", "T"] * 20
    adata.layers["l"] = messy(1, fmt, log=log)
    adata.raw = AnnData(messy(2, fmt, log=log), obs=adata.obs[[]], var=adata.var[[]])
    adata.X = messy(0, fmt, log=log)
    kept = {"X": adata.X, "layer": adata.layers["l"], "raw": adata.raw.X}
    before = {name: stored(matrix) for name, matrix in kept.items()}
    where = {"X": {"use_raw": False}, "layer": {"layer": "l"}, "raw": {"use_raw": True}}[place]
    USES[use](adata, where)
    now = {"X": adata.X, "layer": adata.layers["l"], "raw": adata.raw.X}
    for name in kept:
        assert stored(now[name]) == before[name]
        assert stored(kept[name]) == before[name]


@pytest.mark.parametrize("how", ["max", "sum"])
@pytest.mark.parametrize("log", [False, True])
def test_merging_genes_leaves_the_storage_as_it_was(how: str, log: bool) -> None:
    adata = adata_of(messy(0, "csr twice", log=log))
    adata.var_names = [f"G{i % 20}" for i in range(30)]
    before = stored(adata.X)
    scc2s.pp.sentences(adata, on_duplicate=how)
    scc2s.pp.rank_fit(adata, on_duplicate=how)
    assert stored(adata.X) == before


def test_more_cells_than_a_block_of_any_step() -> None:
    adata = adata_of(messy(0, "csr", n_cells=5000))
    before = stored(adata.X)
    scc2s.pp.check(adata)
    scc2s.pp.rank_fit(adata)
    assert stored(adata.X) == before


@pytest.mark.parametrize("call", [scc2s.pp.check, scc2s.pp.sentences, scc2s.pp.rank_fit])
def test_masked_arrays_are_read_where_nothing_is_masked_and_else_refused(call):
    plain = adata_of(messy(0, "csr").toarray())
    masked = plain.copy()
    masked.X = np.ma.masked_array(plain.X)
    assert call(masked) == call(plain)
    masked.X[0, :3] = np.ma.masked
    with pytest.raises(ValueError, match=r"3 values of the matrix are masked; set them, e.g. adata.X = adata.X.filled"):
        call(masked)
