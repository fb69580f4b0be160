"""Language models: catalogue, loading, what they can do, stand-ins for tests. Torch is imported when one is loaded."""

from ._answers import answers
from ._callable import CallableModel
from ._catalogue import catalogue
from ._errors import PartialAnswersError
from ._estimate import Estimate, estimate
from ._load import load
from ._onnx import export_onnx
from ._protocols import Embeds, Generates, LabelScores, Model, Reads, Scores, Talks, TextScores
from ._replay import ReplayModel
from ._replies import replies
from ._taught import Taught
from .decoding import GeneVocabulary, ResponseCache, Sampling

__all__ = [
    "CallableModel",
    "Embeds",
    "Estimate",
    "GeneVocabulary",
    "Generates",
    "LabelScores",
    "Model",
    "PartialAnswersError",
    "Reads",
    "ReplayModel",
    "ResponseCache",
    "Sampling",
    "Scores",
    "Talks",
    "Taught",
    "TextScores",
    "answers",
    "catalogue",
    "estimate",
    "export_onnx",
    "load",
    "replies",
]
