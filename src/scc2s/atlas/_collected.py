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

COUNTS = ("n_empty", "n_cells", "n_asked", "n_shortened", "n_unread_words", "n_incomplete")
"""Parameters that count cells or words of a block."""
MET = ("organism", "perturbation", "perturbation_asked", "dose", "time", "labels")
"""Parameters that list what was met in a block."""
SHARES = ("share_valid", "share_unique")
"""Parameters that are means over the cells that were asked about."""


@dataclass(frozen=True)
class Collected:
    """Results of some cells."""

    values: dict[str, Any] = field(default_factory=dict)
    """By place, such as ``"obs:c2s_cell_type"``: an array, Categorical, table or CSR matrix; one row a cell."""
    records: dict[tuple[str, ...], dict[str, Any]] = field(default_factory=dict)
    """How they came about, by path in ``uns["c2s"]``."""
    arrays: list[dict[str, np.ndarray]] = field(default_factory=list)
    """What else is kept of each piece, for the end of the step."""


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
            values[place] = value_of(getattr(adata, slot)[name])
    return Collected(values, records)


def blank(layout: Mapping[str, Mapping[str, Any]], n: int) -> Collected:
    """Cells that nothing was asked about."""
    values: dict[str, Any] = {}
    for place, spec in layout.items():
        if spec["kind"] == "category":
            values[place] = pd.Categorical([None] * n, categories=[])
        elif spec["kind"] == "text":
            values[place] = np.full(n, "", dtype=object)
        elif spec["kind"] == "sparse":
            values[place] = sparse.csr_matrix((n, spec["width"]), dtype=spec["dtype"])
        else:
            dtype = np.dtype(spec["dtype"])
            values[place] = np.full((n, *spec["tail"]), np.nan if dtype.kind == "f" else 0, dtype=dtype)
    return Collected(values)


def joined(parts: Sequence[Collected]) -> Collected:
    """Parts of a block, one after another."""
    if len(parts) == 1:
        return parts[0]
    values = {place: concatenated([part.values[place] for part in parts]) for place in parts[0].values}
    return Collected(values, {}, [piece for part in parts for piece in part.arrays])


def concatenated(parts: Sequence[Any]) -> Any:
    """Values of one place."""
    first = parts[0]
    if isinstance(first, pd.Categorical):
        every = np.concatenate([np.asarray(part, dtype=object) for part in parts])
        names = categories([[str(name) for name in part.categories] for part in parts])
        return pd.Categorical(every, categories=names, ordered=first.ordered)
    if isinstance(first, pd.DataFrame):
        return pd.concat(parts)
    if sparse.issparse(first):
        return sparse.vstack(parts, format="csr")
    return np.concatenate(parts)


def categories(lists: Sequence[Sequence[str]], order: Sequence[str] = ()) -> list[str]:
    """Categories of all parts: those of `order` first, in that order, others after them, sorted.

    Examples
    --------
    >>> categories([["B", "A"], ["D", "C"]], order=["D", "A"])
    ['D', 'A', 'B', 'C']
    """
    found = set().union(*lists)
    first = [name for name in dict.fromkeys(order) if name in found]
    return [*first, *sorted(found.difference(first))]


def counted(part: Collected) -> dict[str, dict[str, Any]]:
    """Parameters of a part that are of its cells alone, by path of the record, and the number of its cells."""
    n = max((value.shape[0] for value in part.values.values()), default=0)
    return {
        "/".join(path): {
            **{name: record["params"][name] for name in (*COUNTS, *MET, *SHARES) if name in record["params"]},
            "n": n,
        }
        for path, record in part.records.items()
    }


def merged(params: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Parameters of parts as those of the whole: counts are added up, lists of what was met are united.

    Examples
    --------
    >>> merged([{"n_empty": 1, "organism": ["Mus musculus"]}, {"n_empty": 2, "organism": ["Homo sapiens"]}])
    {'n_empty': 3, 'organism': array(['Homo sapiens', 'Mus musculus'], dtype=object)}
    """
    found: dict[str, Any] = {}
    for name in COUNTS:
        if any(name in some for some in params):
            found[name] = sum(int(some.get(name, 0)) for some in params)
    for name in MET:
        there = [some[name] for some in params if name in some]
        if there and all(_plain(one) == _plain(there[0]) for one in there):
            found[name] = np.array(there[0], dtype=object) if isinstance(there[0], list) else there[0]
        elif there:
            every = {str(value) for one in there for value in np.atleast_1d(one) if str(value) != "None"}
            found[name] = np.array(sorted(every), dtype=object)
    for name in SHARES:
        pairs = [(float(some[name]), int(some.get("n_asked", some.get("n", 1)))) for some in params if name in some]
        told = [(share, n) for share, n in pairs if not np.isnan(share)]
        if told:
            found[name] = sum(share * n for share, n in told) / sum(n for _, n in told)
    return found


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


def value_of(value: Any) -> Any:
    if isinstance(value, pd.Series):
        return value.array if isinstance(value.dtype, pd.CategoricalDtype) else value.to_numpy()
    if isinstance(value, pd.DataFrame):
        return value
    return value.tocsr() if sparse.issparse(value) else np.asarray(value)
