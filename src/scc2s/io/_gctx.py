from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from anndata import AnnData

from scc2s.io._tables import existing, noted, typed, unique_names

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_MATRIX, _ROWS, _COLUMNS = "0/DATA/0/matrix", "0/META/ROW", "0/META/COL"
_BLOCK = 4096


def read_gctx(
    path: str | Path, *, samples: Sequence[str] | None = None, genes: Sequence[str] | None = None, values: bool = True
) -> AnnData:
    r"""Read a GCTX file of the Connectivity Map (L1000), or the part of it that is named.

    Whole files hold a million samples and do not fit into memory: read the ids and metadata first (``values=False``),
    choose, then read those. See :func:`scc2s.io.read_gct` for what the values are.

    Parameters
    ----------
    path
        HDF5 file.
    samples
        Ids of the samples to read, in that order; ``None``: all.
    genes
        Ids of the genes (rows of the file) to read, e.g. those of the 978 landmarks, in that order; ``None``: all.
    values
        Whether to read the matrix; else ``.X`` is ``None``.

    Returns
    -------
    Samples x genes, ``.X`` dense float32; ``.obs`` and ``.var`` hold what the file says of them. Many files hold ids
    alone: join the tables that come with them, e.g.
    ``adata.obs.join(pd.read_csv("inst_info.txt", sep="\t", index_col="inst_id"))``.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    KeyError
        If the file does not have an id.
    ValueError
        If it is not a GCTX file, or an id comes twice.

    Examples
    --------
    >>> import h5py, pathlib, tempfile, numpy as np, scc2s
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.gctx"
    >>> with h5py.File(path, "w") as file:
    ...     file["0/DATA/0/matrix"] = np.array([[8.5, 1.0], [9.25, 2.0], [7.0, 3.0]])  # samples x genes
    ...     file["0/META/ROW/id"], file["0/META/COL/id"] = [b"5720", b"466"], [b"s1", b"s2", b"s3"]
    >>> scc2s.io.read_gctx(path, samples=["s3", "s1"], genes=["5720"]).X.tolist()
    [[7.0], [8.5]]
    """
    import h5py

    file = existing(path, "a GCTX file")
    try:
        source = h5py.File(file, "r")
    except OSError as error:
        msg = f"{path} is not an HDF5 file ({error}); pass the path of a GCTX file, unpacked (gunzip)"
        raise ValueError(msg) from error
    with source:
        if any(name not in source for name in (_MATRIX, f"{_ROWS}/id", f"{_COLUMNS}/id")):
            msg = f"{path} holds no {_MATRIX} with ids, as GCTX files do; pass the path of one"
            raise ValueError(msg)
        matrix = source[_MATRIX]
        obs, var = _table(source[_COLUMNS], "sample"), _table(source[_ROWS], "gene")
        if matrix.shape != (len(obs), len(var)):
            msg = (
                f"the matrix of {path} is {matrix.shape[0]} x {matrix.shape[1]}, and there are ids of {len(obs)} "
                f"samples and {len(var)} genes; download it again"
            )
            raise ValueError(msg)
        rows, columns = _places(obs.index, samples, "samples"), _places(var.index, genes, "genes")
        X = _read(matrix, rows, columns) if values else None
    out = AnnData(X, obs=obs.iloc[rows].copy(), var=var.iloc[columns].copy())
    noted(out, "GCTX", {"file": file.name, "n_samples": len(obs), "n_genes": len(var)})
    return out


def _table(group: Any, what: str) -> pd.DataFrame:
    found = pd.DataFrame(index=unique_names(group["id"][:], what))
    for name in group:
        if name != "id" and getattr(group[name], "shape", None) == (len(found),):
            found[name] = typed(group[name][:]).set_axis(found.index)
    return found


def _places(index: pd.Index, wanted: Sequence[str] | None, argument: str) -> np.ndarray:
    if wanted is None:
        return np.arange(len(index))
    if isinstance(wanted, str):
        msg = f"{argument}={wanted!r} is a single text; pass {argument}= a list of ids"
        raise TypeError(msg)
    ids = [str(one) for one in wanted]
    places: np.ndarray = index.get_indexer(pd.Index(ids, dtype=object))
    if (places < 0).any():
        absent = ids[int(np.argmin(places))]
        msg = f"the file has no {absent!r}; pass {argument}= some of its ids: {', '.join(map(repr, index[:5]))}, ..."
        raise KeyError(msg)
    if len(set(ids)) < len(ids):
        msg = f"{argument}= holds an id twice; pass each once"
        raise ValueError(msg)
    return places


def _read(matrix: Any, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Rows in blocks: HDF5 takes indices that rise, and files have the samples of a plate side by side."""
    X = np.empty((len(rows), len(columns)), dtype=np.float32)
    order = np.argsort(rows, kind="stable")
    for first in range(0, len(order), _BLOCK):
        here = order[first : first + _BLOCK]
        wanted = rows[here]
        run = len(wanted) and int(wanted[-1] - wanted[0]) + 1 == len(wanted)
        block = matrix[wanted[0] : wanted[-1] + 1] if run else matrix[wanted]
        X[here] = block[:, columns]
    return X
