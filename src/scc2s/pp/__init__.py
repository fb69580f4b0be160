from ._add_text import add_text
from ._batches import batches
from ._caption_samples import caption_samples
from ._check import check
from ._cluster_facts import cluster_facts
from ._context_adata import context_adata
from ._contexts import contexts
from ._corpus import corpus
from ._interactions import interactions
from ._match_labels import match_labels
from ._neighborhoods import neighborhoods
from ._niches import niches
from ._pairs import pairs
from ._pseudobulk import pseudobulk
from ._rank_fit import rank_fit
from ._recipe import recipe
from ._reconstruct import reconstruct
from ._samples import samples
from ._sentences import sentences
from ._split import split

__all__ = [
    "add_text",
    "batches",
    "caption_samples",
    "check",
    "cluster_facts",
    "context_adata",
    "contexts",
    "corpus",
    "interactions",
    "match_labels",
    "neighborhoods",
    "niches",
    "pairs",
    "pseudobulk",
    "rank_fit",
    "recipe",
    "reconstruct",
    "samples",
    "sentences",
    "split",
]
