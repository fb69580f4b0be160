from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import sparse

from scc2s._cells.stored_rows import united
from scc2s._io import check_writable, replacing_folder
from scc2s.atlas._finish import quiet
from scc2s.atlas._need import need
from scc2s.atlas._store import write_element

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scc2s.train import CellBatch


@quiet()
def from_batches(
    batches: Iterable[CellBatch | tuple[Any, pd.DataFrame]],
    path: str | Path,
    *,
    genes: Sequence[str] | None = None,
) -> Path:
    """Write cells from a reader of your own, batch by batch, as a store that :func:`scc2s.atlas.run` takes.

    For TileDB-SOMA, the CELLxGENE census, databases, or :func:`scc2s.pp.batches` with genes of one name merged. One
    batch is in memory at a time, and ``obs``.

    Parameters
    ----------
    batches
        Pairs of a matrix, cells x genes, dense or sparse, and a table of the cells with their names as index; or
        :class:`scc2s.train.CellBatch`.
    path
        Zarr store to write. It is there when all batches are in it.
    genes
        Names of the genes; those of the batches, where they have some.

    Returns
    -------
    `path`.

    Raises
    ------
    ValueError
        If there are no batches, their shapes do not fit each other or the genes, or names of cells repeat.
    TypeError
        If a batch is something else.

    Examples
    --------
    >>> import tempfile, anndata, numpy as np, pandas as pd, scc2s
    >>> def reader():
    ...     for start in (0, 2):
    ...         yield np.eye(2, 3), pd.DataFrame(index=[f"cell{start + i}" for i in range(2)])
    >>> path = scc2s.atlas.from_batches(reader(), f"{tempfile.mkdtemp()}/cells.zarr", genes=["CD3D", "LYZ", "NKG7"])
    >>> anndata.read_zarr(path).shape
    (4, 3)
    """
    zarr = need("zarr")
    where = Path(path)
    if where.suffix != ".zarr":
        msg = f"path={str(path)!r} is to be a Zarr store; pass one that ends in .zarr"
        raise ValueError(msg)
    check_writable(where, folder=True)
    from anndata.io import sparse_dataset

    tables: list[pd.DataFrame] = []
    names = None if genes is None else [str(gene) for gene in genes]
    with replacing_folder(where) as new:
        for batch in batches:
            X, obs, own = _parts(batch)
            names = _checked(X, obs, names if names is not None else own, own)
            if not tables:
                var = pd.DataFrame(index=np.array(names, dtype=object))
                AnnData(X, obs=pd.DataFrame(index=obs.index), var=var).write_zarr(new)
                root = zarr.open_group(str(new), mode="r+", use_consolidated=False)
            else:
                sparse_dataset(root["X"]).append(X)
            tables.append(obs)
        if not tables:
            msg = "there are no batches; pass batches= a reader that gives some"
            raise ValueError(msg)
        every = pd.concat(_alike(tables))
        if every.index.has_duplicates:
            twice = every.index[every.index.duplicated()][0]
            msg = f"several cells are called {twice!r}; give each batch of cells names of its own"
            raise ValueError(msg)
        write_element(root, "obs", every)
        zarr.consolidate_metadata(str(new))
    return where


def _parts(batch: Any) -> tuple[sparse.csr_matrix, pd.DataFrame, list[str] | None]:
    if hasattr(batch, "X") and hasattr(batch, "obs"):
        X, obs, own = batch.X, batch.obs, getattr(batch, "names", None)
    elif isinstance(batch, tuple | list) and len(batch) == 2:
        (X, obs), own = batch, None
    else:
        msg = f"a batch is a {type(batch).__name__}, and not a pair of a matrix and a table; yield X, obs"
        raise TypeError(msg)
    table = pd.DataFrame(obs)
    table.index = table.index.astype(str).astype(object)
    return sparse.csr_matrix(X), table, None if own is None else [str(name) for name in own]


def _checked(X: sparse.csr_matrix, obs: pd.DataFrame, names: list[str] | None, own: list[str] | None) -> list[str]:
    """Names of the genes, if the batch fits them."""
    if names is None:
        msg = "the batches do not name their genes; pass genes="
        raise ValueError(msg)
    if X.shape != (len(obs), len(names)) or (own is not None and own != names):
        msg = (
            f"a batch has a matrix of {X.shape[0]} x {X.shape[1]}, for {len(obs)} cells and {len(names)} genes"
            f"{'' if own is None or own == names else ', with other names than those before'}; give all batches the "
            "same genes, one row a cell"
        )
        raise ValueError(msg)
    return names


def _alike(tables: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Tables whose categories are united, so that they stay categories."""
    found = [table.copy() for table in tables]
    for name in found[0].columns:
        columns = [table[name] for table in found if name in table]
        if len(columns) == len(found) and all(isinstance(c.dtype, pd.CategoricalDtype) for c in columns):
            every = united([pd.Categorical(column) for column in columns])
            edges = np.cumsum([0, *map(len, found)])
            for table, start, stop in zip(found, edges[:-1], edges[1:], strict=True):
                table[name] = pd.Categorical.from_codes(every.codes[start:stop], dtype=every.dtype)
    return found
