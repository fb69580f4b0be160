"""Gene programs: lists of genes with a name and a source, their place in a data set, and their score in cells."""

from ._gmt import from_gmt
from ._marker_scores import marker_scores
from ._markers import Markers, as_markers, markers
from ._program import Program, as_program, get, names
from ._score import Match, match, score

__all__ = [
    "Markers",
    "Match",
    "Program",
    "as_markers",
    "as_program",
    "from_gmt",
    "get",
    "marker_scores",
    "markers",
    "match",
    "names",
    "score",
]
