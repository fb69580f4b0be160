"""Cell sentences and C2S-Scale language models for scanpy and AnnData."""

from importlib.metadata import version

from . import metrics, models, pl, pp, programs, prompts, sentences, tl
from ._attach import attach
from ._settings import settings

__version__ = version("scc2s")
__all__ = [
    "__version__",
    "attach",
    "metrics",
    "models",
    "pl",
    "pp",
    "programs",
    "prompts",
    "sentences",
    "settings",
    "tl",
]

attach()
