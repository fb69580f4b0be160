"""Cell sentences and C2S-Scale language models for scanpy and AnnData."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._attach import attach, attach_when_imported
from ._settings import settings

if TYPE_CHECKING:
    from . import app, atlas, io, metrics, models, ontology, pl, pp, programs, prompts, sentences, tl, train
    from ._cite import cite

    __version__: str

__all__ = [
    "__version__",
    "app",
    "atlas",
    "attach",
    "cite",
    "io",
    "metrics",
    "models",
    "ontology",
    "pl",
    "pp",
    "programs",
    "prompts",
    "sentences",
    "settings",
    "tl",
    "train",
]


def __getattr__(name: str) -> Any:
    """Parts are imported when they are first asked for, so that ``scc2s --help`` waits for none."""
    if name == "__version__":
        from importlib.metadata import version

        return version("scc2s")
    if name == "cite":
        from ._cite import cite

        return cite
    if name in __all__:
        from importlib import import_module

        return import_module(f"scc2s.{name}")
    msg = f"module 'scc2s' has no attribute {name!r}; it has {', '.join(__all__)}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return __all__


attach_when_imported()
