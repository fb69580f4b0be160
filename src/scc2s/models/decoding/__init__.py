"""How an answer is written: which genes it may consist of, how its words are drawn, and where answers are kept."""

from ._cache import ResponseCache
from ._sampling import Sampling
from ._vocabulary import GeneVocabulary

__all__ = ["GeneVocabulary", "ResponseCache", "Sampling"]
