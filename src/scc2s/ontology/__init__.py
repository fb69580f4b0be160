"""Names of cell types and tissues as terms of the Cell Ontology and of Uberon (extra ``ontology``)."""

from ._match import match
from ._relate import relate
from ._synonyms import synonyms

__all__ = ["match", "relate", "synonyms"]
