"""Letting a model write cells: prompts in, sentences out. generate, perturb, fate, screen share it."""

from __future__ import annotations

from dataclasses import replace
from string import Formatter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from scc2s._logging import logger
from scc2s._settings import settings
from scc2s.metrics._validity import shares
from scc2s.sentences import Parsed, parse
from scc2s.sentences._split_cells import without_echo
from scc2s.tl._writing.room import tokens_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from anndata import AnnData
    from scipy import sparse

    from scc2s._cells.gene_words import GeneWords
    from scc2s.prompts import Task
    from scc2s.sentences import RankFit
    from scc2s.tl._asking.decoding import Decoding

PERTURBATION = "perturbation"
"""Field of a prompt that holds what is done to the cell."""


class Written(NamedTuple):
    """Cells that a model wrote, one row an answer."""

    texts: list[str]
    """The sentences as they were written."""
    parsed: Parsed
    """The genes read from them, as columns of ``.var``."""
    n_asked: np.ndarray
    """Genes that each prompt asked for."""
    n_vars: int
    """Genes of ``.var``."""

    @property
    def complete(self) -> np.ndarray:
        """Whether as many words were written as asked for."""
        return self.parsed.n_words >= self.n_asked

    def expression(self, fit: RankFit) -> sparse.csr_matrix:
        """float32, cells x genes, log-normalised: the genes put through the rank fit."""
        return fit.inverse(self.parsed.ranks, self.n_vars, n_jobs=settings.n_jobs)

    def validity(self) -> pd.DataFrame:
        """Numbers of words and of different genes, and shares: words that are genes, genes that are not repeats.

        The shares of a cell without words, or without genes, are NaN. ``complete``: all words asked for were written.
        """
        table = shares(self.parsed).rename(columns={"n_unique": "n_genes"})
        small = {"n_words": np.int32, "n_genes": np.int32, "valid": np.float32, "unique": np.float32}
        return table[list(small)].astype(small).assign(complete=self.complete)


def write_texts(
    model: Any,
    prompts: list[str],
    lengths: np.ndarray,
    genes: GeneWords,
    decoding: Decoding,
    draws: Sequence[int] | None,
    task: Task | None,
) -> list[str]:
    """One sentence for each prompt, cut after as many words as it asks for."""
    from scc2s.models import GeneVocabulary, answers

    if not prompts:
        return []
    opening = _opening(task) if decoding.constrain else ""
    vocabulary = GeneVocabulary(genes.in_sentences, lengths.tolist()) if decoding.constrain else None
    room = decoding.max_new_tokens
    if room is None and not decoding.constrain:
        room = tokens_for(model, genes.in_sentences, int(lengths.max()))
    found = answers(
        model,
        [prompt + opening for prompt in prompts],
        genes=vocabulary,
        max_new_tokens=room,
        sampling=decoding.sampling,
        random_state=decoding.random_state,
        draws=draws,
        cache=decoding.cache,
    )
    return [
        " ".join(_sentence(text, prompt, task).split()[:n])
        for text, prompt, n in zip(found, prompts, lengths, strict=True)
    ]


def _opening(task: Task | None) -> str:
    """Words of the response in front of the sentence: a constrained answer begins after them."""
    literal = next(iter(Formatter().parse(task.response)))[0] if task is not None else ""
    return literal.rstrip()


def _sentence(text: str, prompt: str, task: Task | None) -> str:
    """The sentence in an answer. A service that repeats the prompt must not pass its genes for an answer."""
    text = without_echo(text, prompt)
    return text if task is None else task.answer(text)


def read_cells(data: AnnData, genes: GeneWords, texts: list[str], lengths: np.ndarray) -> Written:
    """Genes of sentences; sentences shorter than asked for are counted in the log."""
    parsed = parse(texts, genes.words)
    written = Written(texts, replace(parsed, ranks=genes.columns[parsed.ranks]), lengths, data.n_vars)
    if n_short := int((~written.complete).sum()):
        logger.warning("%d of %d cells ended before all genes asked for were written", n_short, len(texts))
    return written
