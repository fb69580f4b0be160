from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import sparse

from scc2s._cells.arguments import above
from scc2s._logging import logger
from scc2s.io._tables import noted

if TYPE_CHECKING:
    from collections.abc import Iterable

_KEYS = ["fov", "cell_ID"]
_CONTROLS = {"NegPrb": "Negative Control", "Negative": "Negative Control", "SystemControl": "System Control",
             "FalseCode": "System Control", "Custom": "Custom Probe"}  # fmt: skip
"""How names of probes that measure no gene begin."""
_PIXELS = ("CenterX_global_px", "CenterY_global_px")
_MM = ("x_slide_mm", "y_slide_mm")
_CHUNK = 20_000


def read_cosmx(
    folder: str | Path | None = None,
    *,
    expression: str | Path | None = None,
    metadata: str | Path | None = None,
    pixel_size: float | None = None,
) -> AnnData:
    r"""Read the flat files of a CosMx SMI run: counts of cells, their metadata and where they are.

    Parameters
    ----------
    folder
        Folder with ``*_exprMat_file.csv`` and ``*_metadata_file.csv``, packed by gzip or not.
    expression, metadata
        The two files, in place of `folder`.
    pixel_size
        Micrometres a pixel. The files do not say it, and instruments differ: look it up for your run. ``None`` leaves
        coordinates in pixels, unless the metadata has them in mm (``x_slide_mm``).

    Returns
    -------
    Cells x probes, named ``<fov>_<cell_ID>`` (or by the metadata's column ``cell``). It holds:

    `.X` : :class:`scipy.sparse.csr_matrix` (dtype `float32`)
        Counts. What is in no cell (``cell_ID`` 0) is left out.
    `.obs`
        All columns of the metadata; ``fov`` as text.
    `.var['feature_types']`
        ``"Gene Expression"``, or what a control probe is; :func:`scc2s.pp.sentences` leaves these out.
    `.obsm['spatial']` : :class:`numpy.ndarray` (dtype `float64`, shape `(n_obs, 2)`)
        Position, x and y, over all fields of view.
    `.uns['spatial_unit']` : :class:`str`
        ``"um"``, where the unit is known; ``"px"``.

    Raises
    ------
    FileNotFoundError
        If a file is not there.
    ValueError
        If a file is not what it should be, cells come twice, or none is in both files.

    Examples
    --------
    >>> import pathlib, tempfile, scc2s
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "a_exprMat_file.csv").write_text("fov,cell_ID,CD3D,NegPrb1\n1,0,9,9\n1,1,2,0\n")
    >>> _ = (folder / "a_metadata_file.csv").write_text(
    ...     "fov,cell_ID,CenterX_global_px,CenterY_global_px\n1,1,1000,2000\n"
    ... )
    >>> adata = scc2s.io.read_cosmx(folder, pixel_size=0.12)
    >>> adata.obs_names.tolist(), adata.obsm["spatial"].tolist(), adata.uns["spatial_unit"]
    (['1_1'], [[120.0, 240.0]], 'um')
    """
    if pixel_size is not None:
        above("pixel_size", pixel_size)
    matrix_file, table_file = _files(folder, expression, metadata)
    table = _metadata(table_file)
    X, keys, probes = _counts(matrix_file)
    cells = pd.MultiIndex.from_frame(keys)
    rows = cells.get_indexer(table.index)
    n_lost = int((rows < 0).sum()), len(cells) - int((rows >= 0).sum())
    if not (rows >= 0).any():
        msg = (
            f"no cell of {table_file.name} is in {matrix_file.name} (fov and cell_ID); pass the two files of one run "
            "as expression= and metadata="
        )
        raise ValueError(msg)
    if any(n_lost):
        logger.warning("%d cells have metadata and no counts, %d counts and no metadata; both are left out", *n_lost)
    there = rows >= 0
    obs = table[there].reset_index()
    names = obs["cell"].astype(str) if "cell" in obs and obs["cell"].is_unique else _named(obs)
    obs["fov"] = obs["fov"].astype(str)
    obs.index = pd.Index(names.to_numpy(dtype=object), dtype=object)
    kinds = [next((k for start, k in _CONTROLS.items() if p.startswith(start)), "Gene Expression") for p in probes]
    var = pd.DataFrame({"feature_types": pd.Categorical(kinds)}, index=pd.Index(probes, dtype=object))
    out = AnnData(sparse.csr_matrix(X[rows[there]]), obs=obs, var=var)
    unit = _positions(out, pixel_size)
    noted(out, "CosMx", {"files": [matrix_file.name, table_file.name], "pixel_size": pixel_size, "unit": unit})
    return out


def _files(folder: Any, expression: Any, metadata: Any) -> tuple[Path, Path]:
    if (folder is None) == (expression is None or metadata is None):
        msg = "pass the folder of the flat files, or expression= and metadata="
        raise ValueError(msg)
    if folder is None:
        found = [Path(expression), Path(metadata)]
        if absent := [path for path in found if not path.is_file()]:
            msg = f"there is no file {absent[0]}; pass expression= and metadata= paths of the two csv files"
            raise FileNotFoundError(msg)
        return found[0], found[1]
    paths = []
    for stem in ("exprMat_file", "metadata_file"):
        there = sorted(Path(folder).glob(f"*{stem}.csv*"))
        if len(there) != 1:
            msg = f"{folder} holds {len(there)} files *{stem}.csv; pass expression= and metadata= the two of one run"
            raise FileNotFoundError(msg) if not there else ValueError(msg)
        paths.append(there[0])
    return paths[0], paths[1]


def _metadata(path: Path) -> pd.DataFrame:
    table = pd.read_csv(path)
    _refuse_without(table.columns, path)
    table = table[table["cell_ID"] != 0]
    _refuse_twice(table[_KEYS], path)
    return table.set_index(_KEYS)


def _counts(path: Path) -> tuple[sparse.csr_matrix, pd.DataFrame, list[str]]:
    """Counts of cells, block by block: a run has a million cells, and text of them does not fit."""
    parts, keys = [], []
    probes: list[str] = []
    for block in pd.read_csv(path, chunksize=_CHUNK):
        _refuse_without(block.columns, path)
        block = block[block["cell_ID"] != 0]
        probes = [str(name) for name in block.columns if name not in (*_KEYS, "cell")]
        values = block[probes].to_numpy()
        if values.dtype.kind not in "iuf" or not np.isfinite(values).all():
            msg = f"{path} holds values that are not numbers; pass expression= the *_exprMat_file.csv of the run"
            raise ValueError(msg)
        keys.append(block[_KEYS])
        parts.append(sparse.csr_matrix(values, dtype=np.float32))
    found = pd.concat(keys, ignore_index=True)
    _refuse_twice(found, path)
    return sparse.csr_matrix(sparse.vstack(parts, format="csr")), found, probes


def _refuse_without(columns: Iterable[Any], path: Path) -> None:
    if absent := [name for name in _KEYS if name not in set(columns)]:
        msg = f"{path} has no column {absent[0]!r}; pass expression= and metadata= the two flat files of a CosMx run"
        raise ValueError(msg)


def _refuse_twice(keys: pd.DataFrame, path: Path) -> None:
    if (twice := keys.duplicated()).any():
        first = keys[twice].iloc[0]
        msg = (
            f"cell {first['cell_ID']} of fov {first['fov']} comes twice in {path}; read one slide at a time, e.g. by "
            "expression= and metadata=, and put them together with anndata.concat(..., index_unique='-')"
        )
        raise ValueError(msg)


def _named(obs: pd.DataFrame) -> pd.Series[Any]:
    return obs["fov"].astype(str) + "_" + obs["cell_ID"].astype(str)


def _positions(adata: AnnData, pixel_size: float | None) -> str | None:
    columns = set(adata.obs)
    if pixel_size is None and set(_MM) <= columns:
        places, unit = adata.obs[list(_MM)].to_numpy(dtype=np.float64) * 1000, "um"
    elif set(_PIXELS) <= columns:
        places = adata.obs[list(_PIXELS)].to_numpy(dtype=np.float64) * (pixel_size or 1.0)
        unit = "px" if pixel_size is None else "um"
    else:
        logger.warning("the metadata has no global coordinates (%s, %s): obsm['spatial'] is not set", *_PIXELS)
        return None
    if unit == "px":
        logger.warning("obsm['spatial'] is in pixels, whose size the files do not say; pass pixel_size= micrometres")
    adata.obsm["spatial"] = places
    adata.uns["spatial_unit"] = unit
    return unit
