from ._check import check
from ._pairs import pairs
from ._pseudobulk import pseudobulk
from ._rank_fit import rank_fit
from ._recipe import recipe
from ._reconstruct import reconstruct
from ._samples import samples
from ._sentences import sentences
from ._split import split

__all__ = ["check", "pairs", "pseudobulk", "rank_fit", "recipe", "reconstruct", "samples", "sentences", "split"]
