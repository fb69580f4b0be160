from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container

_PREFIX = "c2s_"


def either_name(key: str, known: Container[str]) -> str:
    """The one of ``"perturbed"`` and ``"c2s_perturbed"`` that is known: tools write a result under both.

    Parameters
    ----------
    key
        Name as the user gives it, with or without ``c2s_`` before it; it is left as it is where that is known, and
        where neither is.
    known
        Names that there are.
    """
    other = key.removeprefix(_PREFIX) if key.startswith(_PREFIX) else _PREFIX + key
    return other if key not in known and other in known else key
