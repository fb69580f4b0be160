from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    """A value as h5ad and zarr hold it: ``None`` as ``"None"``, paths as text, tuples as arrays or lists of text."""
    if value is None:
        return "None"
    if isinstance(value, str):
        return str(value)  # writers know no subclass, such as torch's version
    if isinstance(value, bool | int | float | np.generic | np.ndarray):
        return value
    if isinstance(value, dict):
        return {str(k).replace("/", "|"): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        if value and all(isinstance(v, int | float) for v in value):
            return np.asarray(value)
        return np.asarray([str(v) for v in value], dtype=object)
    return str(value)


def entry(params: Mapping[str, Any], *, model: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """How a result came about: parameters, versions, model; as h5ad and zarr hold it."""
    found: dict[str, Any] = {"params": plain(dict(params)), "versions": versions()}
    if model is not None:
        found["model"] = plain(dict(model))
    return found


def record(adata: AnnData, key: str, params: Mapping[str, Any], *, model: Mapping[str, Any] | None = None) -> None:
    """Write :func:`entry` to ``adata.uns["c2s"][key]``."""
    adata.uns["c2s"] = {**adata.uns.get("c2s", {}), key: entry(params, model=model)}
