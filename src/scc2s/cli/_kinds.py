"""What a file is, told by what is in it: the kinds that a command reads, and a mend for the others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pathlib import Path

Kind = Literal["h5ad", "h5mu", "10x h5", "10x folder", "zarr", "zarr of a MuData"]

_KINDS = "an .h5ad, .h5mu or 10x .h5 file, or a .zarr folder"
_TABLES = (".csv", ".tsv", ".txt", ".tab")
_BY_NAME = {
    ".rds": "an R object; write it as h5ad in R, e.g. zellkonverter::writeH5AD(sce, 'cells.h5ad')",
    ".rdata": "an R object; write it as h5ad in R, e.g. zellkonverter::writeH5AD(sce, 'cells.h5ad')",
    ".h5seurat": "a Seurat file; write it as h5ad in R, e.g. SeuratDisk::Convert(path, dest = 'h5ad')",
    ".pkl": "a Python pickle, which can run code when it is read; write the cells as h5ad where you trust it",
    ".xlsx": "a spreadsheet; save it as csv, then in Python: scanpy.read_csv('cells.csv').write_h5ad('cells.h5ad')",
    ".parquet": "a table; in Python: anndata.AnnData(pandas.read_parquet(path)).write_h5ad('cells.h5ad')",
}
_BY_START = {
    b"\x1f\x8b": "compressed by gzip; unpack it first: gunzip {path}",
    b"PK": "a zip archive; unpack it first: unzip {path}",
    b"BZh": "compressed by bzip2; unpack it first: bunzip2 {path}",
    b"\xfd7zXZ": "compressed by xz; unpack it first: unxz {path}",
    b"version https://git-lfs": "a pointer of Git LFS and not the data; fetch them: git lfs pull",
    b"<": "a web page, as a download that failed leaves; download it again",
    b"%%MatrixMarket": "a matrix without names; pass its folder, where its barcodes and features (or genes) are, too",
    b"SQLite format 3": f"an SQLite file; pass {_KINDS}",
    b"PAR1": _BY_NAME[".parquet"],
}


def kind_of(path: Path) -> Kind:
    """What `path` is, where a command reads it.

    Raises
    ------
    FileNotFoundError
        There is nothing.
    PermissionError
        It must not be read.
    ValueError
        It is of a kind that is not read; the message names the kind, and what to do.
    """
    if not path.exists():
        msg = f"there is no file {path}; pass the path of {_KINDS}"
        raise FileNotFoundError(msg)
    try:
        return _folder(path) if path.is_dir() else _file(path)
    except PermissionError as error:
        msg = f"{path} must not be read by you; call chmod u+r {path}, or ask its owner"
        raise PermissionError(msg) from error


def is_zarr(folder: Path) -> bool:
    """Whether a folder is a Zarr store, of any content."""
    return any((folder / name).is_file() for name in ("zarr.json", ".zgroup", ".zattrs"))


def _folder(path: Path) -> Kind:
    attributes = _zarr_attributes(path)
    if attributes is not None:
        encoding = attributes.get("encoding-type")
        if encoding == "MuData" or (encoding is None and (path / "mod").is_dir()):
            return "zarr of a MuData"
        if encoding == "anndata" or (encoding is None and (path / "obs").is_dir() and (path / "var").is_dir()):
            return "zarr"
        msg = f"{path} is a Zarr store, and not one of an AnnData or a MuData; pass the one that is, e.g. a group in it"
        raise ValueError(msg)
    names = {file.name.removesuffix(".gz") for file in path.iterdir()}
    if "matrix.mtx" in names:
        return "10x folder"
    if len(names) == 0:
        msg = f"{path} is an empty folder; pass the path of {_KINDS}"
    else:
        msg = f"{path} is a folder and no Zarr store; pass the path of {_KINDS}, e.g. a file in it"
    raise ValueError(msg)


def _zarr_attributes(folder: Path) -> dict[str, Any] | None:
    """Attributes of a store of version 2 or 3; ``None``: it is none."""
    for name, inside in (("zarr.json", "attributes"), (".zattrs", None), (".zgroup", "attributes")):
        file = folder / name
        if not file.is_file():
            continue
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
            return dict(found if inside is None else found.get(inside, {}))
        except (ValueError, AttributeError, TypeError) as error:
            msg = f"{file} is damaged ({error}); copy or write the store again"
            raise ValueError(msg) from error
    return None


def _file(path: Path) -> Kind:
    import h5py

    if not path.is_file():
        msg = f"{path} is neither a file nor a folder; pass the path of {_KINDS}"
        raise ValueError(msg)
    with path.open("rb") as file:
        start = file.read(64)
    if not start:
        msg = f"{path} is an empty file; copy or write it again"
        raise ValueError(msg)
    if h5py.is_hdf5(path):
        return _hdf5(path)
    kind = next((said for mark, said in _BY_START.items() if start.lstrip().startswith(mark)), None)
    kind = kind or _BY_NAME.get(path.suffix.lower())
    if kind is None and path.suffix.lower() in _TABLES:
        kind = (
            f"a table of text; in Python, with cells in rows: scanpy.read_csv({str(path)!r}).write_h5ad('cells.h5ad')"
        )
    if kind is None:
        kind = f"not HDF5, as h5ad files are (it starts with {start[:8]!r}); pass the path of {_KINDS}"
    msg = f"{path} is {kind.format(path=path) if '{path}' in kind else kind}"
    raise ValueError(msg)


def _hdf5(path: Path) -> Kind:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            encoding = file.attrs.get("encoding-type")
            names = set(file)
            matrix = file.get("matrix")
            counted = isinstance(matrix, h5py.Group) or any(
                isinstance(file[name], h5py.Group) and "barcodes" in file[name] and "indptr" in file[name]
                for name in names
            )
            loom = isinstance(matrix, h5py.Dataset)
    except OSError as error:
        if isinstance(error, PermissionError):
            raise
        cut = "truncated" in str(error)
        what = "not complete: it is shorter than it says" if cut else f"a damaged HDF5 file ({error})"
        msg = f"{path} is {what}; copy, download or write it again"
        raise ValueError(msg) from error
    if encoding == "MuData" or "mod" in names:
        return "h5mu"
    if encoding == "anndata" or {"obs", "var"} <= names:
        return "h5ad"
    if loom:
        msg = (
            f"{path} is a loom file; in Python, after pip install loompy: "
            f"scanpy.read_loom({str(path)!r}).write_h5ad('cells.h5ad')"
        )
        raise ValueError(msg)
    if "molecule_info" in path.name or "barcode_idx" in names:
        msg = f"{path} lists molecules; pass the 10x matrix beside it, filtered_feature_bc_matrix.h5"
        raise ValueError(msg)
    if counted:
        return "10x h5"
    if {"assays", "meta.data"} & names:
        msg = f"{path} is {_BY_NAME['.h5seurat']}"
        raise ValueError(msg)
    msg = (
        f"{path} is an HDF5 file with {', '.join(sorted(names)[:5]) or 'nothing'} in it, which is neither h5ad, h5mu "
        f"nor a 10x matrix; pass the path of {_KINDS}"
    )
    raise ValueError(msg)
