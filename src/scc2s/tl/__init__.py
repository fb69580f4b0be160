"""Ask a language model about cells: embed and label them, and let it write new ones."""

from typing import TYPE_CHECKING, Any

from ._abstract import abstract
from ._annotate import annotate
from ._ask import ask
from ._attention import attention
from ._benchmark import benchmark
from ._caption import caption
from ._chat import chat
from ._compare import compare
from ._compare_labels import compare_labels
from ._embed import embed
from ._evaluate import evaluate
from ._evaluate_perturbations import evaluate_perturbations
from ._experiments import experiments
from ._fate import fate
from ._gene_set import gene_set
from ._generate import generate
from ._generate_neighbor import generate_neighbor
from ._hypothesize import hypothesize
from ._importance import importance
from ._marker_labels import marker_labels
from ._match_bulk import match_bulk
from ._name_genes import name_genes
from ._perplexity import perplexity
from ._perturb import perturb
from ._program_score import program_score
from ._same_neighborhood import same_neighborhood
from ._same_niche import same_niche
from ._screen import screen
from ._search import search
from ._shortlist import shortlist
from ._stratify import stratify
from ._transfer_labels import transfer_labels

if TYPE_CHECKING:
    from scc2s.report import report

__all__ = [
    "abstract",
    "annotate",
    "ask",
    "attention",
    "benchmark",
    "caption",
    "chat",
    "compare",
    "compare_labels",
    "embed",
    "evaluate",
    "evaluate_perturbations",
    "experiments",
    "fate",
    "gene_set",
    "generate",
    "generate_neighbor",
    "hypothesize",
    "importance",
    "marker_labels",
    "match_bulk",
    "name_genes",
    "perplexity",
    "perturb",
    "program_score",
    "report",
    "same_neighborhood",
    "same_niche",
    "screen",
    "search",
    "shortlist",
    "stratify",
    "transfer_labels",
]


def __getattr__(name: str) -> Any:
    """``report`` stands above the tools and reads what they wrote: no tool may import it, but users find it here."""
    from scc2s._attach import from_above

    return from_above("tl", name)


def __dir__() -> list[str]:
    """With the names of :func:`__getattr__`."""
    return sorted({*globals(), *__all__})
