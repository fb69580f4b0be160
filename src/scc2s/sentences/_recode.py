from __future__ import annotations

import numpy as np

from ._places import moved_up, place


class Recoded:
    """Ranked cells in the genes of another list, as if they had been written out as text and read back.

    What :func:`join` and then :func:`parse` give, without the text: a block of rows at a time, so that what is in
    memory besides the stored rows stays small.
    """

    def __init__(self, ranks: np.ndarray, gene_of: np.ndarray, *, shrinking: bool, keep_unknown: bool) -> None:
        """Take ranks of stored genes.

        Parameters
        ----------
        ranks
            Cells x places: stored gene at each place, -1 after the last.
        gene_of
            int32: gene of each stored one in the other list, -1 where it has none.
        shrinking, keep_unknown
            How genes that repeat, and those without a gene in the other list, are read: see :func:`parse`.

        Raises
        ------
        ValueError
            If ranks name a gene that is not stored.
        """
        if ranks.ndim != 2 or ranks.dtype.kind not in "iu" or int(ranks.max(initial=-1)) >= len(gene_of):
            msg = (
                f"the stored ranks (shape {ranks.shape}, {ranks.dtype}) do not fit the list of {len(gene_of)} genes "
                "beside them; call sc.pp.c2s_sentences(adata, store='ranks') again"
            )
            raise ValueError(msg)
        self._ranks = ranks
        self._gene_of = np.append(gene_of, np.int32(-1))
        self._n_genes = int(gene_of.max(initial=-1)) + 1
        self._shrinking, self._keep_unknown = shrinking, keep_unknown
        self._plain = np.zeros(len(ranks), dtype=bool)
        """Rows that were looked at, and have their genes where they belong."""
        self.n_words = np.zeros(len(ranks), np.int64)
        """Genes that each cell stores, for rows that were asked for."""
        self.n_valid = np.zeros(len(ranks), np.int64)
        """Those of them that the other list has."""

    def __call__(self, start: int, stop: int) -> np.ndarray:
        """Genes of some cells by place, -1 where none stands."""
        part = self._ranks[start:stop].astype(np.int32, copy=False)
        if self._plain[start:stop].all():
            return self._gene_of[part]
        there = part >= 0
        n_words = np.count_nonzero(there, axis=1)
        holes = bool((there[:, 1:] > there[:, :-1]).any()) or int(part.min(initial=0)) < -1  # not as we write them
        out = self._gene_of[moved_up(part) if holes else part]
        n_valid, n_unique = place(
            out, n_words, self._n_genes, shrinking=self._shrinking, keep_unknown=self._keep_unknown
        )
        self.n_words[start:stop], self.n_valid[start:stop] = n_words, n_valid
        if not holes:
            self._plain[start:stop] = (n_unique == n_valid) & (self._keep_unknown | (n_valid == n_words))
        return out
