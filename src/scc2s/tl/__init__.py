"""Ask a language model about cells: embed and label them, and let it write new ones."""

from ._annotate import annotate
from ._embed import embed
from ._fate import fate
from ._generate import generate
from ._perplexity import perplexity
from ._perturb import perturb

__all__ = ["annotate", "embed", "fate", "generate", "perplexity", "perturb"]
