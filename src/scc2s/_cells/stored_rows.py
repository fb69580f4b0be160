"""Some rows of an element of an AnnData on disk, in Zarr or HDF5: nothing else of it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scc2s._cells.stored import csr_rows
from scc2s.sentences._blocks import refuse_damaged

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scipy import sparse


def encoding(element: Any) -> str:
    """What anndata says that an element is; arrays of old files say nothing."""
    found = element.attrs.get("encoding-type", "array" if hasattr(element, "shape") else "")
    return str(found)


def n_rows(element: Any) -> int:
    """Rows of a matrix or array.

    Raises
    ------
    ValueError
        If it is of another kind.
    """
    kind = encoding(element)
    if hasattr(element, "shape"):
        return int(element.shape[0])
    if kind in ("csr_matrix", "csc_matrix"):
        return int(element.attrs["shape"][0])
    if kind.startswith("nullable-"):  # names, as anndata 0.13 writes them
        return n_rows(element["values"])
    msg = f"{element.name} is a {kind or 'group'}, and no matrix; pass layer= or use_raw= with one"
    raise ValueError(msg)


def matrix_rows(element: Any, start: int, stop: int) -> np.ndarray | sparse.csr_matrix:
    """Rows of a matrix, dense or CSR, wherever the borders of its chunks are.

    Raises
    ------
    ValueError
        If it is stored by columns, or its arrays do not fit each other.
    """
    return rows_of(element)(start, stop)


def rows_of(element: Any) -> Callable[[int, int], np.ndarray | sparse.csr_matrix]:
    """What :func:`matrix_rows` gives of a matrix, by first row and the one after the last: its arrays are opened once.

    Raises
    ------
    ValueError
        If it is stored by columns.
    """
    if hasattr(element, "shape"):
        return lambda start, stop: np.asarray(element[start:stop])
    if encoding(element) != "csr_matrix":
        msg = (
            f"{element.name} is stored by columns ({encoding(element) or 'unknown'}), and its rows cannot be read one "
            "by one; write it by rows: adata.X = adata.X.tocsr(); adata.write_zarr(path)"
        )
        raise ValueError(msg)
    ends, columns, values = (element[name] for name in ("indptr", "indices", "data"))
    n_columns = int(element.attrs["shape"][1])

    def rows(start: int, stop: int) -> sparse.csr_matrix:
        found = csr_rows(ends, columns, values, start, stop, n_columns)
        refuse_damaged(found)
        return found

    return rows


def column_rows(element: Any, start: int, stop: int) -> Any:
    """Rows of a column of a table."""
    kind = encoding(element)
    if kind == "categorical":
        codes = np.asarray(element["codes"][start:stop])
        return pd.Categorical.from_codes(codes, categories_of(element), ordered=bool(element.attrs["ordered"]))
    if kind.startswith("nullable-"):
        values, mask = np.asarray(_values(element["values"], start, stop)), np.asarray(element["mask"][start:stop])
        if kind == "nullable-string-array":
            text = values.astype(object)
            text[mask] = None
            return text
        array = pd.arrays.BooleanArray if kind == "nullable-boolean" else pd.arrays.IntegerArray
        return array(values, mask)
    if not hasattr(element, "shape"):
        msg = f"{element.name} is a {kind or 'group'}, which is not known as a column; write it again with anndata"
        raise ValueError(msg)
    return _values(element, start, stop)


def categories_of(element: Any) -> pd.Index:
    """Categories of a column."""
    from anndata.io import read_elem

    found = np.asarray(read_elem(element["categories"]))
    index: pd.Index = pd.Index(found.astype(object) if found.dtype.kind in "OUT" else found)
    return index


def table_rows(element: Any, start: int, stop: int, columns: list[str] | None = None) -> pd.DataFrame:
    """Rows of a table: names, and `columns` (``None``: all)."""
    attrs = element.attrs
    called = str(attrs["_index"])
    name = None if called == "_index" else called
    index = pd.Index(column_rows(element[called], start, stop), dtype=object, name=name)
    named = [str(name) for name in attrs["column-order"]]
    wanted = named if columns is None else [name for name in columns if name in named]
    found = {name: column_rows(element[name], start, stop) for name in wanted}
    return pd.DataFrame({name: pd.Series(values, index=index) for name, values in found.items()}, index=index)


def _values(element: Any, start: int, stop: int) -> np.ndarray:
    if getattr(element.dtype, "kind", "") == "O" and hasattr(element, "asstr"):  # h5py
        return np.asarray(element.asstr()[start:stop], dtype=object)
    found = np.asarray(element[start:stop])
    return found.astype(object) if found.dtype.kind in "OUT" else found


def united(parts: Sequence[pd.Categorical]) -> pd.Categorical:
    """Categories of several parts as one: as they are where all have the same, else sorted.

    Raises
    ------
    ValueError
        If they are ordered, and differ.
    """
    first = list(parts[0].categories)
    alike = all(list(part.categories) == first and part.ordered == parts[0].ordered for part in parts)
    if not alike and any(part.ordered for part in parts):
        msg = "files differ in the order of categories; make them alike: column.cat.set_categories([...], ordered=True)"
        raise ValueError(msg)
    return pd.api.types.union_categoricals(list(parts), sort_categories=not alike)
