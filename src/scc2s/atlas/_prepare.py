"""The store that results are written to: made from the names, columns and genes of the files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pandas as pd

from scc2s._cells.stored_rows import column_rows, table_rows, united
from scc2s._io import check_writable, replacing_folder
from scc2s.atlas._cell_names import write_names
from scc2s.atlas._finish import consolidate, quiet
from scc2s.atlas._source import Source, len_of
from scc2s.atlas._store import kind_of, opened, write_element

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def target_of(source: Source, store: str | Path, out: str | Path | None) -> Path:
    """Path of the store for the results, of which nothing is written yet.

    Parameters
    ----------
    source
        The files.
    store, out
        What the user named: where the cells are, and where results go (``None``: into the same store).

    Raises
    ------
    ValueError
        If results cannot go there, or files differ in their genes.
    FileNotFoundError, PermissionError
        If it cannot be written.
    """
    source.refuse_unlike()
    if out is None or Path(out).resolve() == Path(store).resolve():
        if kind_of(store) != "zarr":
            msg = f"results cannot be written into {store} (they go into a Zarr store); pass out='results.zarr'"
            raise ValueError(msg)
        check_writable(store, folder=True)
        return Path(store).resolve()
    where = Path(out)
    if where.suffix != ".zarr":
        msg = f"out={str(out)!r} is to be a Zarr store; pass a path that ends in .zarr"
        raise ValueError(msg)
    check_writable(where, folder=True)
    if _is_there(where):
        n = len_of(opened(where)["obs"])
        if n != source.n_obs:
            _refuse_other_cells(where, f"{n}, where there are {source.n_obs}")
    return where.resolve()


def prepare(
    source: Source, target: Path, index_unique: str | None = None, *, over: Callable[..., Iterable[Any]] = map
) -> None:
    """Write the store for the results, if it is not there.

    Parameters
    ----------
    source
        The files.
    target
        Path of the store.
    index_unique
        What stands between the name of a cell and that of its file; ``None``: names as they are.
    over
        ``map``, or what does the same in other processes: names of many cells take a while.

    Raises
    ------
    ValueError
        If several cells have one name, or columns of files cannot be put together.
    """
    if not _is_there(target):
        with replacing_folder(target) as new:
            _write(source, new, index_unique, over)


def _is_there(where: Path) -> bool:
    return where.exists() and any(where.iterdir())


def refuse_other_names(where: Path, first: str) -> None:
    """Refuse a store whose first cell is not called `first`.

    Raises
    ------
    ValueError
        With its path.
    """
    obs = opened(where)["obs"]
    if table_rows(obs, 0, 1, []).index[0] != first:
        _refuse_other_cells(where, f"its first is not {first!r}")


def _refuse_other_cells(where: Path, why: str) -> NoReturn:
    msg = f"{where} is there, and holds other cells ({why}); pass another out=, or remove it"
    raise ValueError(msg)


@quiet()
def _write(source: Source, path: Path, index_unique: str | None, over: Callable[..., Iterable[Any]]) -> None:
    """An AnnData without a matrix."""
    import zarr
    from anndata import AnnData, settings

    uns = {name: value for name in ("organism", "log1p", "c2s") if (value := _same(source, name)) is not None}
    # no cells yet: anndata itself writes what every store has
    with settings.override(zarr_write_format=3):
        AnnData(obs=table_rows(source.root()["obs"], 0, 0, []), var=source.var()).write_zarr(path)
    root = zarr.open_group(str(path), mode="r+", use_consolidated=False)
    write_element(root, "uns", uns)
    obs = root["obs"]
    write_names(source, path / "obs", str(obs.attrs["_index"]), index_unique, over)
    order = [str(name) for name in source.root()["obs"].attrs["column-order"]]
    for name in order:
        write_element(obs, name, _column(source, name))
    obs.attrs["column-order"] = order
    consolidate(str(path))


def _column(source: Source, name: str) -> Any:
    """A column of obs of all files; categories are united."""
    parts = []
    for number, length in enumerate(source.lengths):
        obs = source.root(number)["obs"]
        if name not in obs:
            msg = (
                f"{source.paths[number]} has no column {name!r} of obs, and {source.paths[0]} has; write it with that "
                "column, or the other without"
            )
            raise ValueError(msg)
        parts.append(column_rows(obs[name], 0, length))
    if len(parts) == 1:
        return parts[0]
    if all(isinstance(part, pd.Categorical) for part in parts):
        return united(parts)
    kinds = {_kind(part) for part in parts}
    if len(kinds) > 1:
        if kinds <= {"category", "text"}:
            return pd.Categorical(np.concatenate([np.asarray(part, dtype=object) for part in parts]))
        msg = f"the column {name!r} of obs is {' in one file and '.join(sorted(kinds))} in another; make them alike"
        raise ValueError(msg)
    return pd.concat([pd.Series(part) for part in parts], ignore_index=True).array if "nullable" in kinds else (
        np.concatenate(parts)
    )  # fmt: skip


def _kind(values: Any) -> str:
    if isinstance(values, pd.Categorical):
        return "category"
    if not isinstance(values, np.ndarray):
        return "nullable"
    return "text" if values.dtype.kind in "OUT" else "bool" if values.dtype.kind == "b" else "number"


def _same(source: Source, name: str) -> Any:
    """An entry of uns that all files agree on.

    Raises
    ------
    ValueError
        If they differ.
    """
    from anndata.io import read_elem

    found = []
    for number in range(len(source.paths)):
        root = source.root(number)
        there = "uns" in root and name in root["uns"]
        found.append(read_elem(root["uns"][name]) if there else None)
    if len(found) == 1:
        return found[0]
    if name == "c2s":  # results of files one by one say nothing of all
        return None
    if any(repr(one) != repr(found[0]) for one in found):
        msg = (
            f"files differ in uns[{name!r}] ({found[0]!r} in {source.paths[0]}); make it the same in all, or pass "
            "stores one by one"
        )
        raise ValueError(msg)
    return found[0]
