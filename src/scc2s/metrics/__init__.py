"""Scores on plain arrays."""

from ._labels import entropy, mean_by_group

__all__ = ["entropy", "mean_by_group"]
