"""Letting a model write cells: prompts in, sentences and expression out. generate, perturb, fate, screen share it."""

from __future__ import annotations

from dataclasses import replace
from string import Formatter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from scc2s._cells.access import get_sentences
from scc2s._cells.gene_words import words_of
from scc2s._logging import logger
from scc2s._settings import settings
from scc2s.metrics._validity import shares
from scc2s.sentences import Parsed, parse
from scc2s.sentences._split_cells import without_echo
from scc2s.tl._asking.decoding import Decoding
from scc2s.tl._asking.question import ask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from anndata import AnnData
    from scipy import sparse

    from scc2s._cells.gene_words import GeneWords
    from scc2s.models import Model
    from scc2s.prompts import Task
    from scc2s.sentences import RankFit

__all__ = ["Decoding", "Written", "respond", "write_cells"]

PERTURBATION = "perturbation"
"""Field of a prompt that holds what is done to the cell."""


class Written(NamedTuple):
    """Cells that a model wrote, one row a prompt."""

    texts: list[str]
    """The sentences as they were written."""
    parsed: Parsed
    """The genes read from them, as columns of ``.var``."""
    expression: sparse.csr_matrix
    """float32, cells x genes, log-normalised: the genes put through the rank fit."""
    n_asked: np.ndarray
    """Genes that each prompt asked for."""
    n_shortened: int = 0
    """Prompts that lost genes of the cell they show, to fit the model's context."""

    @property
    def complete(self) -> np.ndarray:
        """Whether as many words were written as asked for."""
        return self.parsed.n_words >= self.n_asked

    def validity(self) -> pd.DataFrame:
        """Numbers of words and of different genes, and shares: words that are genes, genes that are no repeats.

        The shares of a cell without words, or without genes, are NaN. ``complete``: all words asked for were written.
        """
        table = shares(self.parsed).rename(columns={"n_unique": "n_genes"})
        small = {"n_words": np.int32, "n_genes": np.int32, "valid": np.float32, "unique": np.float32}
        return table[list(small)].astype(small).assign(complete=self.complete)


def write_cells(
    data: AnnData,
    model: Model,
    prompts: Sequence[str],
    *,
    n_genes: int | Sequence[int],
    decoding: Decoding,
    fit: RankFit,
    draws: Sequence[int] | None = None,
    task: Task | None = None,
    sentence_key: str = "c2s_sentence",
) -> Written:
    """Let a model write one cell for each prompt, and read it back.

    Parameters
    ----------
    data
        Whose genes the cells consist of, written as its sentences are.
    model
        Model that generates.
    prompts
        Texts to go on from.
    n_genes
        Genes to write: one number, or one for each prompt.
    decoding
        How. With ``constrain=False`` an answer is cut behind `n_genes` words.
    fit
        The line from rank to expression.
    draws
        Number of the draw of each prompt; with another number the same prompt gives another cell.
    task
        Its response tells what stands around the sentence in an answer.
    sentence_key
        Name of the sentences of `data`.

    Returns
    -------
    One row for each prompt. A model that ended early gives a shorter sentence (logged).
    """
    genes = words_of(data, sentence_key)
    lengths = np.broadcast_to(np.asarray(n_genes, dtype=np.int64), (len(prompts),))
    texts = write_texts(model, list(prompts), lengths, genes, decoding, draws, task)
    return read_cells(data, genes, fit, texts, lengths)


def respond(
    data: AnnData,
    model: Model,
    task: Task,
    rows: np.ndarray,
    perturbations: Sequence[str],
    *,
    decoding: Decoding,
    fit: RankFit,
    organism: str | None = None,
    sentence_key: str = "c2s_sentence",
    draws: Sequence[int] | None = None,
    fields: Mapping[str, Sequence[str]] | None = None,
) -> Written:
    """What a model says that cells become under perturbations.

    Parameters
    ----------
    data
        Cells with sentences.
    model
        Model that generates.
    task
        Prompt with ``{cell_sentence}`` and ``{perturbation}``.
    rows
        Rows of `data`, repeats allowed.
    perturbations
        Name for each row.
    decoding
        How it writes; ``n_genes=None`` asks for as many genes as the prompt shows.
    fit
        The line from rank to expression.
    organism, sentence_key
        As in :func:`scc2s.tl.perturb`.
    draws
        Number of the draw of each row.
    fields
        Values of other fields of the prompt, one for each row; fields not given are columns of ``.obs``.

    Returns
    -------
    One row for each of `rows`; a cell without a sentence is not asked and stays without one.
    """
    refuse_without(task, PERTURBATION)
    return ask_cells(
        data,
        model,
        task,
        np.asarray(rows, dtype=np.int64),
        {PERTURBATION: list(perturbations), **(fields or {})},
        decoding=decoding,
        fit=fit,
        organism=organism,
        sentence_key=sentence_key,
        draws=draws,
    )


def ask_cells(
    data: AnnData,
    model: Model,
    task: Task,
    rows: np.ndarray,
    given: Mapping[str, Sequence[str]],
    *,
    decoding: Decoding,
    fit: RankFit,
    organism: str | None,
    sentence_key: str,
    draws: Sequence[int] | None,
) -> Written:
    """:func:`respond` for any fields, `given` for each of `rows`."""
    genes = words_of(data, sentence_key)
    longest = decoding.n_genes or _longest(data, rows, sentence_key)
    room = decoding.max_new_tokens or tokens_for(model, genes.in_sentences, longest)
    question = ask(
        data, task, model, organism=organism, sentence_key=sentence_key, n_answer_tokens=room, rows=rows, given=given
    )
    lengths = np.zeros(len(rows), dtype=np.int64)
    lengths[question.asked] = decoding.n_genes or np.clip(question.rendered.n_genes, 1, len(genes.in_sentences))
    texts = np.full(len(rows), "", dtype=object)
    texts[question.asked] = write_texts(
        model,
        question.rendered.texts,
        lengths[question.asked],
        genes,
        decoding,
        None if draws is None else [draws[i] for i in question.asked],
        task,
    )
    written = read_cells(data, genes, fit, texts.tolist(), lengths)
    return written._replace(n_shortened=question.rendered.n_shortened)


def refuse_without(task: Task, field: str) -> None:
    """Raise if the prompt does not say what happens to the cell."""
    if field not in task.fields:
        msg = (
            f"the prompt of task {task.name!r} has no {{{field}}}, so the model would not know what happens to the "
            "cell; add the field"
        )
        raise ValueError(msg)


def tokens_for(model: Model, words: Sequence[str], n_genes: int) -> int:
    """Tokens that `n_genes` of the words take, in all but about one cell of a thousand, were they drawn at random."""
    each = np.asarray(model.count_tokens([f" {word}" for word in words]), dtype=float)
    return int(np.ceil(n_genes * each.mean() + 3 * each.std() * np.sqrt(n_genes))) + 1


def write_texts(
    model: Any,
    prompts: list[str],
    lengths: np.ndarray,
    genes: GeneWords,
    decoding: Decoding,
    draws: Sequence[int] | None,
    task: Task | None,
) -> list[str]:
    """One sentence for each prompt, cut behind as many words as it asks for."""
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
    """Words of the response in front of the sentence: a constrained answer begins behind them."""
    literal = next(iter(Formatter().parse(task.response)))[0] if task is not None else ""
    return literal.rstrip()


def _sentence(text: str, prompt: str, task: Task | None) -> str:
    """The sentence in an answer. A service that repeats the prompt must not pass its genes for an answer."""
    text = without_echo(text, prompt)
    return text if task is None else task.answer(text)


def _longest(data: AnnData, rows: np.ndarray, sentence_key: str) -> int:
    sentences = get_sentences(data, sentence_key)
    return max((len(sentences[row].split()) for row in np.unique(rows)), default=0)


def read_cells(data: AnnData, genes: GeneWords, fit: RankFit, texts: list[str], lengths: np.ndarray) -> Written:
    """Genes and expression of sentences; those shorter than asked for are counted in the log."""
    parsed = parse(texts, genes.words)
    parsed = replace(parsed, ranks=genes.columns[parsed.ranks])
    written = Written(texts, parsed, fit.inverse(parsed.ranks, data.n_vars, n_jobs=settings.n_jobs), lengths)
    if n_short := int((~written.complete).sum()):
        logger.warning("%d of %d cells ended before all genes asked for were written", n_short, len(texts))
    return written
