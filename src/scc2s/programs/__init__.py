"""Gene programs: lists of genes with a name and a source, their place in a data set, and their score in cells."""

from ._gmt import from_gmt
from ._markers import cell_type_markers
from ._program import Program, as_program, get, names
from ._score import Match, match, score

__all__ = ["Match", "Program", "as_program", "cell_type_markers", "from_gmt", "get", "match", "names", "score"]
