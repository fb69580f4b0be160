from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class GeneVocabulary:
    """What a written cell sentence may consist of: these genes, none twice, and how many of them.

    Parameters
    ----------
    names
        Words of the genes, without white space (:func:`scc2s.sentences.words`).
    n_genes
        Genes to write: one number, or one for each prompt.
    exact
        Write exactly `n_genes`. If not, the model may end earlier, after at least one.

    Raises
    ------
    ValueError
        Names that are empty, repeated or hold white space, or more genes asked for than there are.
    TypeError
        Numbers of genes that are not whole.

    Examples
    --------
    >>> GeneVocabulary(["CD3D", "LYZ", "NKG7"], 2).lengths(4).tolist()
    [2, 2, 2, 2]
    """

    names: Sequence[str]
    n_genes: int | Sequence[int]
    exact: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        if wrong := [name for name in self.names if not name or name.split() != [name]]:
            msg = (
                f"{len(wrong)} gene names are empty or hold white space, e.g. {wrong[0]!r}; pass "
                "names=scc2s.sentences.words(names)"
            )
            raise ValueError(msg)
        if len(set(self.names)) < len(self.names):
            twice = [name for name, n in Counter(self.names).items() if n > 1]
            msg = f"{len(twice)} gene names come twice, e.g. {twice[0]!r}; pass each once: list(dict.fromkeys(names))"
            raise ValueError(msg)
        wanted = np.asarray(self.n_genes)
        if wanted.size and wanted.dtype.kind not in "iu":
            msg = f"n_genes={self.n_genes!r} is not a whole number; pass n_genes=int(...), or a list of them"
            raise TypeError(msg)
        if wanted.size and (wanted.min() < 1 or wanted.max() > len(self.names)):
            msg = (
                f"n_genes={int(wanted.max() if wanted.max() > len(self.names) else wanted.min())} genes cannot be "
                f"written from {len(self.names)} names without repeats; pass n_genes= from 1 to {len(self.names)}"
            )
            raise ValueError(msg)

    def lengths(self, n_prompts: int) -> np.ndarray:
        """Genes to write after each of `n_prompts` prompts.

        Raises
        ------
        ValueError
            As many numbers as prompts were expected.
        """
        wanted = np.asarray(self.n_genes, dtype=np.int64)
        if wanted.ndim and len(wanted) != n_prompts:
            msg = f"n_genes has {len(wanted)} numbers for {n_prompts} prompts; pass one number, or one for each prompt"
            raise ValueError(msg)
        return np.broadcast_to(wanted, (n_prompts,)).copy()

    def take(self, rows: Sequence[int]) -> GeneVocabulary:
        """The same for some of the prompts."""
        if isinstance(self.n_genes, int | np.integer):
            return self
        return GeneVocabulary(self.names, [int(self.n_genes[row]) for row in rows], self.exact)

    @cached_property
    def digest(self) -> str:
        """Hash of the names, in any order."""
        return hashlib.blake2b("\n".join(sorted(self.names)).encode(), digest_size=16).hexdigest()
