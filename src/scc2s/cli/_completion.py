"""What the shell offers for the value of an option."""

from __future__ import annotations


def models(incomplete: str) -> list[str]:
    """Names of the catalogue.

    Examples
    --------
    >>> models("scc")
    ['scc2s-mini']
    """
    from scc2s.models._catalogue import entries

    return [model["id"] for model in entries() if model["id"].startswith(incomplete)]


def backends(incomplete: str) -> list[str]:
    """Backends of :func:`scc2s.models.load`."""
    return _beginning(("torch", "onnx", "server"), incomplete)


def devices(incomplete: str) -> list[str]:
    """Devices of torch."""
    return _beginning(("auto", "cpu", "cuda", "mps"), incomplete)


def dtypes(incomplete: str) -> list[str]:
    """Number formats of weights."""
    return _beginning(("auto", "float32", "bfloat16", "float16"), incomplete)


def _beginning(names: tuple[str, ...], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
