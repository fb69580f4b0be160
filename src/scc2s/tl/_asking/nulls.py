"""Questions of a tool asked again with other genes, or none: answers that owe nothing to the cell."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s._cells.sampling import shuffled
from scc2s.metrics import excess, null_report
from scc2s.prompts._answers import UNMAPPED
from scc2s.sentences import name_hashes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pandas as pd

    from scc2s.models import Model
    from scc2s.tl._asking.question import Question

SHUFFLED, OTHER, NONE = "genes shuffled", "another cell's genes", "no genes"
LEAST, MOST = 20, 200
"""Cells that are asked about again: fewer tell little, more hardly anything new."""


@dataclass(frozen=True)
class Nulls:
    """What the model says of a sample of the cells without their genes as they are."""

    report: pd.DataFrame
    """:func:`scc2s.metrics.null_report`."""
    sampled: np.ndarray
    """Cells of the sample, as positions among those asked about."""
    without: dict[tuple[str, ...], np.ndarray]
    """Answer without genes for each combination of the other fields."""
    n_asked: int
    """Questions that the model would not have been asked otherwise."""
    answers: np.ndarray
    """Answers to the sample: as asked, and to the three nulls; 4 x cells x labels."""

    def part(self, taken: Callable[[np.ndarray], np.ndarray]) -> Nulls:
        """The same of a part of the answers, such as one target of several.

        Parameters
        ----------
        taken
            Gives the part of answers, rows x its labels; rows that are NaN stay NaN.
        """
        answers = np.array([taken(rows) for rows in self.answers])
        without = {key: taken(row[None])[0] for key, row in self.without.items()}
        return Nulls(_report(answers), self.sampled, without, self.n_asked, answers)

    def trust(self, question: Question, own: np.ndarray, read: np.ndarray | None) -> np.ndarray:
        """How far each cell's answer is above what the model says anyway, 0 to 1; no model is asked.

        :func:`scc2s.metrics.excess` over the answer without genes, times `read`, the share of the cell's words that the
        model can have learned. Without an answer to a prompt without genes, over the mean answer to the cells.
        """
        null = own.mean(axis=0, keepdims=True) if len(own) else own
        if self.without:
            rows = list(self.without.values())
            mean = np.mean(rows, axis=0)
            one = len(question.fields) == 0 or len(rows) == 1 == len(set(_keys(question)))
            null = rows[0][None] if one else np.array([self.without.get(key, mean) for key in _keys(question)])
        return excess(own, null) * (1.0 if read is None else read)


@dataclass
class OfWhole:
    """Controls of a data set, of which the cells at hand are a part."""

    nulls: Nulls | None = None
    """What the model said of the sample of the whole; ``None``: it has not been asked."""
    n: int | None = None
    """Cells of that sample."""
    asked: list[Nulls] = field(default_factory=list)
    """Gets what is asked now."""


_WHOLE: ContextVar[OfWhole | None] = ContextVar("controls of the data set that cells are a part of", default=None)


@contextmanager
def as_part_of(whole: OfWhole | None) -> Iterator[None]:
    """Within, :func:`ask_nulls` is about a part of a data set: it asks about its sample once, and then knows."""
    token = _WHOLE.set(whole)
    try:
        yield
    finally:
        _WHOLE.reset(token)


def sample_size(n_cells: int, n_prompts: int) -> int:
    """Cells to ask about again, so that their questions are at most a tenth of all.

    Parameters
    ----------
    n_cells
        Cells that the model is asked about.
    n_prompts
        Different prompts without genes: 1 where the prompt holds nothing else of the cell.

    Returns
    -------
    At least 20, where there are so many: few cells cost more than a tenth. At most 200.

    Examples
    --------
    >>> sample_size(1000, 1), sample_size(50, 1), sample_size(8, 1), sample_size(10**6, 1)
    (99, 20, 8, 200)
    """
    room = n_cells // 10
    # With another cell's genes a question is one that was asked already, if nothing but genes tells the two apart.
    n = room - 1 if n_prompts == 1 else max((room - n_prompts) // 2, room // 3)
    return min(n_cells, MOST, max(LEAST, n))


def ask_nulls(
    question: Question,
    own: np.ndarray,
    ask: Callable[[Question], np.ndarray],
    *,
    names: Sequence[object],
    model: Model,
    n_answer_tokens: int,
    random_state: int,
) -> Nulls:
    """Ask about a sample of the cells again: genes shuffled, genes of another cell, no genes.

    Which cells, in which order, and whose genes they get depends on the names of the cells and the seed alone.

    Parameters
    ----------
    question
        As it was asked.
    own
        Probabilities of the labels, cells x labels, or votes.
    ask
        Gives the same of another question.
    names
        Name of each row of the AnnData.
    model, n_answer_tokens
        For prompts that have to fit its context.
    random_state
        Seed.
    """
    whole = _WHOLE.get()
    if whole is not None and whole.nulls is not None:
        return whole.nulls
    texts = question.rendered.texts
    there = [str(name) for name in np.asarray(names, dtype=object)[question.cells]]
    order = shuffled(there, random_state, ties=texts)
    n = sample_size(len(texts), len(set(_keys(question))))
    if whole is not None and whole.n is not None:
        n = min(whole.n, len(texts))
    sampled, others = order[:n], np.roll(order, -1)[:n]
    words = {i: question.shown(i) for i in (*sampled.tolist(), *others.tolist())}
    mixed = [_in_another_order(words[i], there[i], random_state) for i in sampled.tolist()]
    sentences = [*mixed, *(words[i] for i in others.tolist()), *([question.nothing] * n)]
    again = _about(question, np.tile(sampled, 3), sentences, model, n_answer_tokens)
    wanted = dict.fromkeys(again.rendered.texts, np.full(own.shape[1], np.nan))
    found = {text: row for text, row in zip(texts, own, strict=True) if text in wanted}
    # A prompt of the genes alone is empty without them, and nothing can be asked.
    missing = dict.fromkeys(text for text in again.rendered.texts if text.strip() and text not in found)
    new = [again.rendered.texts.index(text) for text in missing]
    if new:
        found |= dict(zip(missing, ask(again.some(np.array(new))), strict=True))
    wanted |= found
    rows = np.array([wanted[text] for text in again.rendered.texts]).reshape(3, n, own.shape[1])
    if len(texts) < 2:
        rows[1] = np.nan  # there is no other cell
    keys = _keys(question.some(sampled))
    without = {key: row for key, row in zip(keys, rows[2], strict=True) if not np.isnan(row).any()}
    every = np.concatenate([own[sampled][None], rows])
    nulls = Nulls(_report(every), sampled, without, len(new), every)
    if whole is not None:
        whole.asked.append(nulls)
    return nulls


def as_votes(matched: Sequence[str], labels: Sequence[str]) -> np.ndarray:
    """Written answers as rows of 0 and 1 over the labels and ``"unmapped"``, which stands for any other answer.

    Examples
    --------
    >>> as_votes(["B cell", "no idea"], ["B cell"]).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    columns = list(dict.fromkeys([*labels, UNMAPPED]))
    place = {label: i for i, label in enumerate(columns)}
    votes = np.zeros((len(matched), len(columns)))
    votes[np.arange(len(matched)), [place.get(label, place[UNMAPPED]) for label in matched]] = 1.0
    return votes


def _report(answers: np.ndarray) -> pd.DataFrame:
    return null_report(answers[0], dict(zip((SHUFFLED, OTHER, NONE), answers[1:], strict=True)))


def _in_another_order(shown: str | list[str], name: str, seed: int) -> str | list[str]:
    rng = np.random.default_rng(int(name_hashes([name], seed=seed)[0]))

    def mixed(sentence: str) -> str:
        words = sentence.split()
        return " ".join(words[i] for i in rng.permutation(len(words)))

    return mixed(shown) if isinstance(shown, str) else [mixed(one) for one in shown]


def _keys(question: Question) -> list[tuple[str, ...]]:
    """What tells prompts apart when the genes are gone."""
    if not question.fields:
        return [()] * len(question.cells)
    return list(zip(*question.fields.values(), strict=True))


def _about(
    question: Question, rows: np.ndarray, sentences: Sequence[str | list[str]], model: Any, n_answer_tokens: int
) -> Question:
    """Questions about other sentences, the rest as in `rows` of a question."""
    found = question.some(rows)
    room = None if model.max_tokens is None else model.max_tokens - n_answer_tokens
    rendered = question.task.render(sentences, found.fields, count_tokens=model.count_tokens, max_tokens=room)
    return replace(found, rendered=rendered)
