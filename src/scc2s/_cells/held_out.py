"""Which part of the data a cell is in, where whole conditions, donors or studies are held out."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s.sentences import name_hashes

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

TRAIN, VAL, TEST = "train", "val", "test"
_SEPARATOR = re.compile(r"\s*\+\s*")


def condition_name(value: object, control: str | None = None) -> str:
    """A combination of perturbations, whatever order its parts are named in.

    Examples
    --------
    >>> condition_name("IL-6 + IFN-b"), condition_name("IFN-b+IL-6"), condition_name("IFN-b+ctrl", "ctrl")
    ('IFN-b+IL-6', 'IFN-b+IL-6', 'IFN-b')
    """
    parts = {part for part in _SEPARATOR.split(str(value).strip()) if part}
    if len(parts) > 1 and control is not None:
        parts.discard(control)
    return "+".join(sorted(parts))


def parts_of(condition: str) -> list[str]:
    """Single perturbations of a combination that :func:`condition_name` gave."""
    return condition.split("+")


def shuffled_units(units: Iterable[Hashable], seed: int) -> list[Any]:
    """Different units in an order of chance that depends on their names alone.

    Examples
    --------
    >>> shuffled_units(["d1", "d2", "d3"], 0) == shuffled_units(["d3", "d1", "d2", "d1"], 0)
    True
    """
    there = sorted(set(units), key=said)
    order = np.argsort(name_hashes([said(unit) for unit in there], seed=seed), kind="stable")
    return [there[i] for i in order.tolist()]


def number(share: float, n: int) -> int:
    """Units that a share is: the nearest whole number, at least one."""
    return max(1, math.floor(share * n + 0.5))


def assign(units: Sequence[Hashable | None], test: Iterable[Hashable], val: Iterable[Hashable]) -> np.ndarray:
    """Part of each cell by its unit; ``None`` for a cell whose unit is not known, which might be a held-out one."""
    where: dict[Hashable, str] = {**dict.fromkeys(val, VAL), **dict.fromkeys(test, TEST)}
    return np.array([None if unit is None else where.get(unit, TRAIN) for unit in units], dtype=object)


def said(unit: Hashable) -> str:
    """A unit in words.

    Examples
    --------
    >>> said(("B cell", "acute", "IFN-b"))
    'B cell, acute, IFN-b'
    """
    return ", ".join(map(str, unit)) if isinstance(unit, tuple) else str(unit)


def per_type(given: Mapping[str, Any], control: str | None, n_parts: int) -> list[tuple[str, ...]]:
    """Units of a mapping from types to what is held out in them: conditions, or (exposure, condition).

    Raises
    ------
    TypeError
        If it is not such a mapping.

    Examples
    --------
    >>> per_type({"B cell": "IFN-b", "NK cell": ["IL-6", "TNF"]}, None, 2)
    [('B cell', 'IFN-b'), ('NK cell', 'IL-6'), ('NK cell', 'TNF')]
    """
    found: list[tuple[str, ...]] = []
    for kind, entries in given.items():
        several = [entries] if isinstance(entries, str) or (n_parts == 3 and isinstance(entries, tuple)) else entries
        for entry in several:
            parts = (entry,) if isinstance(entry, str) else tuple(entry)
            if len(parts) != n_parts - 1:
                what = "a condition" if n_parts == 2 else "(exposure, condition)"
                msg = f"held_out= has {entry!r} for {kind!r}; pass held_out={{{kind!r}: [{what}, ...]}}"
                raise TypeError(msg)
            found.append((str(kind), *map(str, parts[:-1]), condition_name(parts[-1], control)))
    return found
