"""Plots that scanpy lacks; embeddings and labels go into ``sc.pl.umap`` as they are."""

from ._attention import attention
from ._calibration import calibration
from ._captions import captions
from ._confusion import confusion
from ._labels import labels
from ._neighborhood import neighborhood
from ._perturbation import perturbation
from ._rank_fit import rank_fit
from ._scaling import scaling
from ._screen import screen
from ._sentence import sentence
from ._validity import validity

__all__ = [
    "attention",
    "calibration",
    "captions",
    "confusion",
    "labels",
    "neighborhood",
    "perturbation",
    "rank_fit",
    "scaling",
    "screen",
    "sentence",
    "validity",
]
