"""Cells that do not fit into memory: steps of :mod:`scc2s.pp` and :mod:`scc2s.tl` block by block, by many workers."""

from ._annotate import annotate
from ._embed import embed
from ._from_batches import from_batches
from ._generate import generate
from ._index import index
from ._perplexity import perplexity
from ._perturb import perturb
from ._program_score import program_score
from ._rank_fit import rank_fit
from ._resume import resume
from ._run import run
from ._search import search
from ._sentences import sentences
from ._status import status

__all__ = [
    "annotate",
    "embed",
    "from_batches",
    "generate",
    "index",
    "perplexity",
    "perturb",
    "program_score",
    "rank_fit",
    "resume",
    "run",
    "search",
    "sentences",
    "status",
]
