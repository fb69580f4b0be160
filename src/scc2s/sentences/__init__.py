"""Arrays to words and back: rank kernel, tie hash, text, parser, rank-expression fit. numpy, scipy, numba and Arrow."""

from ._blocks import InvalidValuesError
from ._cell_blocks import CellBlocks, cell_blocks
from ._fit import RankFit
from ._join import join
from ._join_cells import join_cells
from ._marginal import marginal_sentences
from ._names import name_hashes, words
from ._parse import Parsed, parse
from ._rank import rank
from ._split_cells import split_cells

__all__ = [
    "CellBlocks",
    "InvalidValuesError",
    "Parsed",
    "RankFit",
    "cell_blocks",
    "join",
    "join_cells",
    "marginal_sentences",
    "name_hashes",
    "parse",
    "rank",
    "split_cells",
    "words",
]
