"""Cells read from a file and written to one, whatever kind it is."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from ._kinds import is_zarr, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anndata import AnnData
    from mudata import MuData

    from ._kinds import Kind

_OF_CELLS = (".h5ad", ".zarr", ".h5mu")
WITH_MODALITIES = ("h5mu", "zarr of a MuData")


class Read(NamedTuple):
    """What a file held."""

    cells: AnnData
    """To work on: a modality of `whole`, where there is one."""
    whole: MuData | None = None


def check_target(target: Path, *, cells: bool = True, table: bool = False, kind: Kind | None = None) -> None:
    """Refuse a target that cannot be written, before any work is done.

    Parameters
    ----------
    target
        File, or folder of a Zarr store.
    cells
        Whether a command writes cells.
    table
        Whether it writes a table.
    kind
        What the cells are read from, where the same is written; ``None``: they are new.
    """
    from scc2s._io import check_writable

    ending = target.suffix.lower()
    known = [end for end in _OF_CELLS if cells and (end != ".h5mu" or kind in WITH_MODALITIES)]
    known += [".csv"] if table else []
    if ending not in known:
        said = f"pass a path that ends in {' or '.join(known)}, not {target}"
        if ending == ".csv":
            msg = f"{target} is to be a table, and this command has none; {said}"
        elif ending == ".h5mu" and cells:
            msg = f"there is nothing to write but one AnnData, and an .h5mu file holds several; {said}"
        elif not cells:
            msg = f"this command writes a table; {said}"
        else:
            msg = f"the ending of a file says what it is to be; {said}"
        raise ValueError(msg)
    check_writable(target, folder=ending == ".zarr")
    if target.is_dir() and not is_zarr(target) and any(target.iterdir()):
        msg = f"{target} is a folder with something else in it than a Zarr store; pass another path, or remove it"
        raise ValueError(msg)


def read(source: Path, mod: str | None = None) -> Read:
    """The cells of a file of any kind in :data:`Kind`."""
    from scc2s._io import clear_leftovers

    clear_leftovers(source)  # puts a folder back that a killed process had moved away
    kind = kind_of(source)
    try:
        with _quiet():
            found = _read(source, kind)
    except Exception as error:  # h5py, anndata and scanpy raise many kinds, none of which names the file
        text = " ".join(str(error).split())[:300]
        msg = f"cannot read {source} as {kind} ({type(error).__name__}: {text}); {_mend(kind, error)}"
        raise OSError(msg) from error
    if kind not in WITH_MODALITIES:
        if mod is not None:
            msg = f"{source} holds no modalities, it is one AnnData; leave --mod out"
            raise ValueError(msg)
        return Read(found)
    names = list(found.mod)
    if mod is None:
        mod = "rna" if "rna" in names else names[0] if len(names) == 1 else None
    if mod not in names:
        what = "has no modality of that name" if mod is not None else "holds several modalities"
        msg = f"{source} {what}; pass --mod one of {', '.join(names)}"
        raise KeyError(msg)
    return Read(found.mod[mod], found)


def write(cells: AnnData, whole: MuData | None, target: Path) -> None:
    """Write in one step: ``.h5ad`` the cells alone, ``.h5mu`` all modalities, ``.zarr`` what was read."""
    from scc2s._io import replacing, replacing_folder, write_h5ad

    ending = target.suffix.lower()
    with _quiet():
        if ending == ".zarr":
            with replacing_folder(target) as new:
                (cells if whole is None else whole).write_zarr(new)
        elif ending == ".h5mu" and whole is not None:
            with replacing(target) as new:
                whole.write_h5mu(new)
        else:
            write_h5ad(cells, target)


def _read(source: Path, kind: Kind) -> Any:
    if kind == "h5ad":
        from anndata import read_h5ad

        return read_h5ad(source)
    if kind == "zarr":
        from anndata import read_zarr

        return read_zarr(source)
    if kind in WITH_MODALITIES:
        import mudata

        found = mudata.read_h5mu(source) if kind == "h5mu" else mudata.read_zarr(source)
        found._axis = int(found.axis)  # mudata reads a number of numpy, which zarr does not take back
        return found
    import scanpy as sc

    return sc.read_10x_h5(source) if kind == "10x h5" else sc.read_10x_mtx(source)


def _mend(kind: Kind, error: Exception) -> str:
    if type(error).__name__ == "IORegistryError" or "No read method registered" in str(error):
        from importlib.metadata import version

        return f"another version of anndata wrote it, here is {version('anndata')}; call pip install -U anndata"
    if kind == "10x folder":
        return "pass the folder with matrix.mtx, barcodes.tsv and features.tsv (or genes.tsv), as Cell Ranger writes it"
    return "copy or write it again"


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what file formats announce to developers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        for text in (r"Writing zarr v2", r"Variable names are not unique", r"Cannot join columns"):
            warnings.filterwarnings("ignore", message=text)
        yield
