"""Embed and label cells with a language model."""

from ._annotate import annotate
from ._embed import embed

__all__ = ["annotate", "embed"]
