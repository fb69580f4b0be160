"""What a run was started with, and whether another one would go on with the same."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s.atlas._folder import read_json, write_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_OWN = ("token",)
_SHOWN = 5


class OtherSettingsError(ValueError):
    """A run was begun with other settings."""


@contextmanager
def planned(folder: Path, plan: Mapping[str, Any]) -> Iterator[None]:
    """Keep what is to be done in a folder, unless it turns out to be other than what was begun there."""
    before = read_json(folder / "plan.json")
    write_json(folder / "plan.json", plan)
    try:
        yield
    except OtherSettingsError:
        if before is not None:
            write_json(folder / "plan.json", before)
        raise


def told(record: Mapping[str, Any]) -> dict[str, Any]:
    """What a record says of how a result comes about: parameters and model."""
    return {name: _simple(record[name]) for name in ("params", "model", "gene_list") if name in record}


def refuse_other(before: Mapping[str, Any], now: Mapping[str, Any], out: str) -> None:
    """Refuse to go on with other settings than a run was started with.

    Raises
    ------
    OtherSettingsError
        It says which differ.
    """
    found = list(_differences(before, now))
    if found:
        more = f", and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        msg = (
            f"a run of {before['step']} into {out} was begun with other settings ({'; '.join(found[:_SHOWN])}{more}); "
            "call it with those it had, or pass restart=True to begin anew"
        )
        raise OtherSettingsError(msg)


def _differences(before: Any, now: Any, name: str = "") -> Iterator[str]:
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*before, *now]):
            if name or key not in _OWN:
                yield from _differences(before.get(key), now.get(key), f"{name}.{key}" if name else str(key))
    elif _simple(before) != _simple(now):
        yield f"{name} was {_short(before)}, and is {_short(now)}"


def _simple(value: Any) -> Any:
    """As JSON gives it back."""
    if isinstance(value, Mapping):
        return {str(key): _simple(one) for key, one in value.items()}
    if isinstance(value, np.ndarray):
        return _simple(value.tolist())
    if isinstance(value, list | tuple):
        return [_simple(one) for one in value]
    return value.item() if isinstance(value, np.generic) else value


def _short(value: Any) -> str:
    said = "not there" if value is None else repr(value)
    return said if len(said) < 80 else f"{said[:77]}..."
