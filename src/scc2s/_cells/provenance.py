from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anndata import AnnData

_PACKAGES = ("scc2s", "anndata", "scanpy", "numpy", "torch", "transformers")
_version = cache(version)  # each call reads a file


def versions() -> dict[str, str]:
    """Versions of the packages that a result may depend on (read from metadata: nothing is imported)."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = _version(name)
        except PackageNotFoundError:
            continue
    return found


def plain(value: Any) -> Any:
    """A value as h5ad and zarr hold it: ``None`` as ``"None"``, paths as text, lists as arrays."""
    if value is None:
        return "None"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool | int | float | np.generic | np.ndarray):
        return value
    if isinstance(value, dict):
        return dict(zip(file_names([str(key) for key in value]), map(plain, value.values()), strict=True))
    if isinstance(value, list | tuple):
        if value and all(isinstance(v, int | float) for v in value):
            return np.asarray(value)
        return np.asarray([_text(str(v)) for v in value], dtype=object)
    return _text(str(value))


MOST_BYTES = 200
"""Of a name: file systems hold 255, and what is written adds to it."""


def file_names(names: Sequence[str]) -> list[str]:
    """Names as h5ad and zarr can hold them, none twice: ``/`` becomes ``|``, and a number tells equal ones apart.

    A name is cut where it is longer than the name of a file may be, which zarr makes of it.

    Examples
    --------
    >>> file_names(["a/b", "a|b", "", "_index"])
    ['a|b', 'a|b (2)', '(empty)', '_index (2)']
    """
    taken, found = {"_index"}, []
    for name in names:
        stem = _text(name).replace("/", "|").strip() or "(empty)"
        if len(stem.encode()) > MOST_BYTES:
            stem = stem.encode()[: MOST_BYTES - 3].decode("utf-8", "ignore").strip() + "..."
        if stem in (".", ".."):
            stem = f"({stem})"
        kept, n = stem, 2
        while kept in taken:
            kept, n = f"{stem} ({n})", n + 1
        taken.add(kept)
        found.append(kept)
    return found


def _text(value: str) -> str:
    """As a plain str that can be encoded, without NUL: writers know no subclass, such as torch's version."""
    return str(value).encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


def entry(params: Mapping[str, Any], *, model: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """How a result came about: parameters, versions, model; as h5ad and zarr hold it."""
    found: dict[str, Any] = {"params": plain(dict(params)), "versions": versions()}
    if model is not None:
        found["model"] = plain(dict(model))
    return found


def record(adata: AnnData, key: str, params: Mapping[str, Any], *, model: Mapping[str, Any] | None = None) -> None:
    """Write :func:`entry` to ``adata.uns["c2s"][key]``."""
    adata.uns["c2s"] = {**adata.uns.get("c2s", {}), key: entry(params, model=model)}
