"""Genes that both sides of a comparison can hold, and their places: what is read, written and real counts alike."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from scc2s._cells.access import get_sentences
from scc2s._cells.written_words import may_hold, writable_words
from scc2s._logging import logger
from scc2s.sentences import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from anndata import AnnData

_OTHER = 0.05
"""Largest share of words of one side that the other side cannot hold."""
_AT_ONCE = 2048
"""Sentences that are read together, where only counts are kept."""


class Places(NamedTuple):
    """Genes of sentences, place by place."""

    ranks: np.ndarray
    """Cells x places: word at each place, -1 for a word that is not a gene of anything, and after the end."""
    n: np.ndarray
    """Places of each cell."""


@dataclass(frozen=True, kw_only=True)
class SharedGenes:
    """Words that sentences hold, which of them a model may write, and which both sides can hold.

    Were a word that only one side can hold left where it stands, the genes after it would have lower ranks on that side
    than on the other, and every prediction would differ from every real cell.
    """

    names: list[str]
    """Words: first those that the sentences of the data set may hold, then others that stand in sentences."""
    columns: np.ndarray
    """Column of ``.var`` of each word, -1 for none; then -1, which index -1 picks."""
    writable: np.ndarray
    """Which words a model may write; then True, for words that it makes up."""
    shared: np.ndarray
    """Which words both sides can hold; then True."""

    @classmethod
    def of(
        cls,
        adata: AnnData,
        rows: np.ndarray,
        sentence_key: str,
        *,
        constrain: bool,
        truth: tuple[AnnData, np.ndarray] | None = None,
    ) -> SharedGenes:
        """Of cells that are asked about, and of the real cells that the answers are compared with.

        Parameters
        ----------
        adata, rows
            Cells that are asked about.
        sentence_key
            Name of the sentences.
        constrain
            Whether the model may only write genes of ``.var`` that the sentences may hold.
        truth
            Real cells, and which rows of them.

        Raises
        ------
        ValueError
            If no gene of ``.var`` is in the sentences, or those of `truth` are of other genes.
        """
        genes = writable_words(adata, sentence_key)
        own = _sentences(adata, rows, sentence_key)
        other = None if truth is None else _sentences(*truth, sentence_key)
        apart = None if truth is None or truth[0] is adata else truth[0]
        wide = [] if apart is None else writable_words(apart, sentence_key).words
        stand = {word for sentence in (*own, *(other or ())) for word in sentence.split()}
        known = {word.casefold() for word in genes.words}  # a word in other capitals is the same gene
        extra = [word for word in dict.fromkeys((*wide, *sorted(stand))) if word.casefold() not in known]
        names = [*genes.words, *extra]
        columns = np.r_[genes.columns[:-1], np.full(len(extra) + 1, -1)].astype(np.int32)
        may = set(genes.in_sentences)
        held = np.array([*(name in may for name in names), True])
        writable = held if constrain else np.ones(len(names) + 1, dtype=bool)
        found = cls(names=names, columns=columns, writable=writable, shared=held)
        _say_absent(found, own)
        if apart is not None and other is not None:
            there = may_hold(apart, sentence_key, other)
            _refuse_other(own, there, other, may_hold(adata, sentence_key, own))
            both = held & np.array([*(name.casefold() in there for name in names), True])
            found = replace(found, shared=both)
        return found

    @property
    def in_var(self) -> dict[str, int]:
        """Words that both sides can hold and that stand for a gene of ``.var``, with its column."""
        columns = np.where(self.shared, self.columns, -1)[:-1].tolist()
        return {name: column for name, column in zip(self.names, columns, strict=True) if column >= 0}

    def places(self, texts: Sequence[str], most: np.ndarray | None = None) -> Places:
        """Genes of sentences that are shared, in places that both sides count in the same way.

        Parameters
        ----------
        texts
            Sentences, of real or written cells.
        most
            Genes that a model was asked for, of each: so many words that it may write are taken. ``None``: all.

        Returns
        -------
        The genes; ``n`` is the number of writable words that were taken.
        """
        parsed = parse(texts, self.names)
        ranks, n = parsed.ranks, parsed.n_words - parsed.n_valid + parsed.n_unique
        ranks, n = _without(ranks, n, ~self.writable)
        if most is not None:
            n = np.minimum(n, most)
            ranks = np.where(np.arange(ranks.shape[1]) < n[:, None], ranks, -1)
        return Places(_without(ranks, n, ~self.shared)[0], n)

    def n_writable(self, texts: Sequence[str]) -> np.ndarray:
        """Words of each sentence that a model may write."""
        parts = [self.places(texts[at : at + _AT_ONCE]).n for at in range(0, len(texts), _AT_ONCE)]
        return np.concatenate([np.empty(0, dtype=np.int64), *parts])


def _without(ranks: np.ndarray, n: np.ndarray, dropped: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Genes after those that are `dropped` move up."""
    out = dropped[ranks] & (ranks >= 0)
    if not out.any():
        return ranks, n
    order = np.argsort(out, axis=1, kind="stable")
    return np.take_along_axis(np.where(out, -1, ranks), order, axis=1), n - out.sum(axis=1)


def _sentences(adata: AnnData, rows: np.ndarray, sentence_key: str) -> list[str]:
    sentences = get_sentences(adata, sentence_key)
    return [sentences[row] for row in rows.tolist()]


def _say_absent(genes: SharedGenes, sentences: list[str]) -> None:
    """Log how much of the sentences has no column in ``.var``, and how much of it no model may write."""
    n_words, n_raw, n_foreign, n_held = _counted(sentences, genes)
    if n_words and not n_held:
        msg = (
            "no word of the sentences is a gene of adata.var that a model may write; make sentences of its genes: "
            "sc.pp.c2s_sentences(adata, use_raw=False), with gene_symbols= where symbols stand in a column of var"
        )
        raise ValueError(msg)
    if n_raw:
        logger.warning(
            "%.1f %% of the words of the sentences are genes that .raw has and adata.var lacks: they are read, written "
            "and counted in the ranks, but layers and scores are of the genes of adata.var; for sentences of these "
            "alone call sc.pp.c2s_sentences(adata, use_raw=False) and sc.pp.c2s_rank_fit(adata, use_raw=False)",
            max(0.1, 100 * n_raw / n_words),
        )
    if n_foreign:
        logger.warning(
            "%.1f %% of the words of the sentences are not genes that a model may write: it reads them, but they are "
            "left out of every comparison, on both sides; for sentences of the genes of adata call "
            "sc.pp.c2s_sentences(adata)",
            max(0.1, 100 * n_foreign / n_words),
        )


def _counted(sentences: list[str], genes: SharedGenes) -> tuple[int, int, int, int]:
    """Words; those of ``.raw`` alone; those that no model may write; those of ``.var`` that both sides can hold."""
    n_words = n_raw = n_foreign = n_held = 0
    for at in range(0, len(sentences), _AT_ONCE):
        parsed = parse(sentences[at : at + _AT_ONCE], genes.names)
        found = parsed.ranks[parsed.ranks >= 0]
        held, in_var = genes.shared[found], genes.columns[found] >= 0
        n_words += int(parsed.n_words.sum())
        n_raw += int((held & ~in_var).sum())
        n_foreign += int((~held & ~in_var).sum())
        n_held += int((held & in_var).sum())
    return n_words, n_raw, n_foreign, n_held


def _refuse_other(own: Iterable[str], there: set[str], other: Iterable[str], here: set[str]) -> None:
    """Raise if sentences of one side hold many words that those of the other side cannot hold."""
    for name, sentences, known in (("adata", own, there), ("truth", other, here)):
        words = [word for sentence in sentences for word in sentence.split()]
        n_foreign = sum(word.casefold() not in known for word in words)
        if n_foreign > _OTHER * len(words):
            msg = (
                f"{100 * n_foreign / len(words):.0f} % of the words in the sentences of {name} are genes that those of "
                f"{'truth' if name == 'adata' else 'adata'} cannot hold, so their ranks do not compare; give both the "
                "same genes, and make both sentences in the same way: sc.pp.c2s_sentences(adata, ...) and "
                "sc.pp.c2s_sentences(truth, ...)"
            )
            raise ValueError(msg)
