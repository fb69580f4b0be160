"""Plots that scanpy lacks; embeddings and labels go into ``sc.pl.umap`` as they are."""

from ._labels import labels
from ._rank_fit import rank_fit
from ._sentence import sentence

__all__ = ["labels", "rank_fit", "sentence"]
