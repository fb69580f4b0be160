"""Language models: catalogue, loading, what they can do, stand-ins for tests. Torch is imported when one is loaded."""

from ._callable import CallableModel
from ._catalogue import catalogue
from ._estimate import Estimate, estimate
from ._load import load
from ._protocols import Embeds, Generates, LabelScores, Model, Scores
from ._replay import ReplayModel

__all__ = [
    "CallableModel",
    "Embeds",
    "Estimate",
    "Generates",
    "LabelScores",
    "Model",
    "ReplayModel",
    "Scores",
    "catalogue",
    "estimate",
    "load",
]
