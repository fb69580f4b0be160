"""What a step wrote to a block of cells: values by place, put together again from parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData


@dataclass(frozen=True)
class Collected:
    """Results of some cells."""

    values: dict[str, Any] = field(default_factory=dict)
    """By place, such as ``"obs:c2s_cell_type"``: an array, Categorical, table or CSR matrix; one row a cell."""
    records: dict[tuple[str, ...], dict[str, Any]] = field(default_factory=dict)
    """How they came about, by path in ``uns["c2s"]``."""
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    """What else is kept of a block, for the end of the step."""


def collect(adata: AnnData, before: Mapping[str, Any]) -> Collected:
    """What is new in ``adata``, whose ``uns["c2s"]`` was `before`."""
    records: dict[tuple[str, ...], dict[str, Any]] = {}
    for key, value in adata.uns.get("c2s", {}).items():
        earlier = before.get(key)
        if value is earlier:
            continue
        if "params" in value:
            records[(key,)] = value
            continue
        for name, inner in value.items():
            if not isinstance(earlier, Mapping) or inner is not earlier.get(name):
                records[key, name] = inner
    values: dict[str, Any] = {}
    for record in records.values():
        for place in map(str, np.atleast_1d(record.get("written", []))):
            slot, _, name = place.partition(":")
            values[place] = _value(getattr(adata, slot)[name])
    return Collected(values, records)


def joined(parts: Sequence[Collected]) -> Collected:
    """Parts of a block, one after another; records are those of the first, with numbers merged."""
    if len(parts) == 1:
        return parts[0]
    values = {place: concatenated([part.values[place] for part in parts]) for place in parts[0].values}
    records = {
        path: {**record, "params": merged_params([part.records[path]["params"] for part in parts])}
        for path, record in parts[0].records.items()
    }
    return Collected(values, records)


def concatenated(parts: Sequence[Any]) -> Any:
    """Values of one place."""
    first = parts[0]
    if isinstance(first, pd.Categorical):
        names = categories([list(part.categories) for part in parts])
        return pd.Categorical(
            np.concatenate([np.asarray(part, dtype=object) for part in parts]), categories=names, ordered=first.ordered
        )
    if isinstance(first, pd.DataFrame):
        return pd.concat(parts)
    if sparse.issparse(first):
        return sparse.vstack(parts, format="csr")
    return np.concatenate(parts)


def categories(lists: Sequence[Sequence[Any]], order: Sequence[Any] = ()) -> list[Any]:
    """Categories of all parts: those of `order` first, in that order, others after them, sorted."""
    found = set().union(*lists)
    first = [name for name in dict.fromkeys(order) if name in found]
    return [*first, *sorted(found.difference(first))]


def merged_params(params: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Parameters of parts as those of the whole: counts (``n_...``) are added up, lists of what was met are united."""
    found = dict(params[0])
    for name in COUNTS:
        if any(name in some for some in params):
            found[name] = sum(int(some.get(name, 0)) for some in params)
    for name in MET:
        lists = [some[name] for some in params if isinstance(some.get(name), np.ndarray | list)]
        if lists:
            found[name] = np.array(sorted({str(value) for some in lists for value in some}), dtype=object)
    return found


COUNTS = ("n_empty", "n_cells", "n_shortened", "n_unread_words", "n_incomplete")
"""Parameters that count cells or words of a block."""
MET = ("organism",)
"""Parameters that list what was met in a block."""


def _value(value: Any) -> Any:
    if isinstance(value, pd.Series):
        return value.array if isinstance(value.dtype, pd.CategoricalDtype) else value.to_numpy()
    if isinstance(value, pd.DataFrame) or sparse.issparse(value):
        return value
    return np.asarray(value)
