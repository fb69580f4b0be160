"""What a model says that cells become: asking, averaging over draws, and the slots that the answers go to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from scc2s._cells.access import get_sentences
from scc2s._cells.fields import prompt_fields
from scc2s._cells.written_words import writable_words
from scc2s._settings import settings
from scc2s.tl._asking.cells import Cells
from scc2s.tl._asking.question import ask
from scc2s.tl._writing.room import room_for
from scc2s.tl._writing.write_cells import read_cells, write_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from anndata import AnnData

    from scc2s._cells.gene_words import GeneWords
    from scc2s.prompts import Task
    from scc2s.sentences import RankFit
    from scc2s.tl._asking.decoding import Decoding
    from scc2s.tl._writing.shared_genes import SharedGenes
    from scc2s.tl._writing.write_cells import Written


@dataclass(frozen=True, kw_only=True)
class Response:
    """Answers about some cells."""

    written: Written
    """All draws about the first cell, then those about the second, and so on."""
    n_draws: int
    """Answers about each cell."""
    n_shortened: int
    """Prompts that lost genes of the cell to fit the model's context."""
    fit: RankFit

    @property
    def sentences(self) -> list[str]:
        """Of the first draw."""
        return self.written.texts[:: self.n_draws]

    @property
    def n_asked(self) -> np.ndarray:
        """Genes that were asked for."""
        return self.written.n_asked[:: self.n_draws]

    def texts(self, cells: np.ndarray) -> list[str]:
        """All draws about some of the cells."""
        places = cells[:, None] * self.n_draws + np.arange(self.n_draws)
        return [self.written.texts[place] for place in places.ravel().tolist()]

    @cached_property
    def expression(self) -> sparse.csr_matrix:
        """float32, cells x genes: mean over the draws."""
        return mean_of_draws(self.written.expression(self.fit), self.n_draws)

    @cached_property
    def validity(self) -> pd.DataFrame:
        """As :meth:`Written.validity`, means over the draws; ``complete`` where all draws are."""
        cells = np.repeat(np.arange(len(self.n_asked)), self.n_draws)
        found = self.written.validity().groupby(cells).mean().astype(np.float32)
        found["complete"] = found["complete"] == 1
        return found


class Pair(NamedTuple):
    """The same cells as they were and as they were answered, in places that both count in the same way."""

    after: sparse.csr_matrix
    before: sparse.csr_matrix
    n: np.ndarray
    """Genes of each cell that the two are compared on, at most."""


@dataclass(frozen=True, kw_only=True)
class Asker:
    """A model, and all that is the same in every question about the cells of a data set."""

    data: AnnData
    model: Any
    task: Task
    decoding: Decoding
    fit: RankFit
    organism: str | None
    sentence_key: str
    genes: SharedGenes

    @cached_property
    def sentences(self) -> list[str]:
        """Of all cells."""
        return get_sentences(self.data, self.sentence_key)

    @cached_property
    def words(self) -> GeneWords:
        """That a model may write."""
        return writable_words(self.data, self.sentence_key)

    @cached_property
    def _known(self) -> dict[tuple[str, ...], dict[str, np.ndarray]]:
        return {}

    def _seen(self, rows: np.ndarray, given: Iterable[str]) -> Cells:
        """What prompts about these rows hold of the data, which is read once, however often it is asked for."""
        wanted = tuple(name for name in self.task.fields if name not in set(given))
        if wanted not in self._known:
            self._known[wanted] = prompt_fields(self.data, wanted, organism=self.organism)
        return Cells(sentences=self.sentences, rows=rows, fields=self._known[wanted])

    def ask(self, questions: Sequence[tuple[np.ndarray, Mapping[str, Sequence[Any]]]]) -> list[Response]:
        """Ask what cells become, all questions in one run, so that batches are full.

        Parameters
        ----------
        questions
            Rows of the cells, and fields of the prompt with one value for each of the rows.

        Returns
        -------
        Answers to each question. They are the same in any company: seeds come from prompt, draw and ``random_state``.
        """
        n = self.decoding.n_samples
        rows = np.repeat(np.concatenate([asked for asked, _ in questions]), n)
        given = {
            name: np.repeat(np.asarray([v for _, fields in questions for v in fields[name]], dtype=object), n).tolist()
            for name in questions[0][1]
        }
        draws = np.tile(np.arange(n), len(rows) // n)
        words = self.words
        question = ask(
            self.data,
            self.task,
            self.model,
            organism=self.organism,
            sentence_key=self.sentence_key,
            n_answer_tokens=room_for(self.model, self.task, words.in_sentences, self._longest(rows), self.decoding),
            given=given,
            seen=self._seen(rows, given),
        )
        lengths, shortened = np.zeros(len(rows), dtype=np.int64), np.zeros(len(rows), dtype=bool)
        shown = np.asarray(question.rendered.n_genes, dtype=np.int64)
        lengths[question.asked], shortened[question.asked] = self._lengths(question.cells, shown)
        texts = np.full(len(rows), "", dtype=object)
        texts[question.asked] = write_texts(
            self.model,
            question.rendered.texts,
            lengths[question.asked],
            words,
            self.decoding,
            draws[question.asked].tolist(),
            self.task,
        )
        parts = np.cumsum([0, *(n * len(asked) for asked, _ in questions)])
        return [
            Response(
                written=read_cells(self.data, words, texts[start:end].tolist(), lengths[start:end]),
                n_draws=n,
                n_shortened=int(shortened[start:end].sum()) // n,
                fit=self.fit,
            )
            for start, end in pairwise(parts.tolist())
        ]

    def _longest(self, rows: np.ndarray) -> int:
        """Genes of the longest answer."""
        if self.decoding.n_genes is not None:
            return self.decoding.n_genes
        sentences = [self.sentences[row] for row in np.unique(rows).tolist()]
        return max(1, int(self.genes.n_writable(sentences).max(initial=1)))

    def _lengths(self, rows: np.ndarray, shown: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Genes to write about each cell: as many as `shown` ones the model may write; and which prompts lost genes."""
        once, place = np.unique(np.column_stack([rows, shown]), axis=0, return_inverse=True)
        words = [self.sentences[row].split() for row in once[:, 0].tolist()]
        lost = once[:, 1] < np.array([len(row) for row in words], dtype=np.int64)
        if self.decoding.n_genes is not None:
            lengths = np.full(len(once), self.decoding.n_genes)
        else:
            texts = [" ".join(row[:n]) for row, n in zip(words, once[:, 1].tolist(), strict=True)]
            lengths = np.maximum(1, self.genes.n_writable(texts))
        return lengths[place.ravel()], lost[place.ravel()]

    def params(self) -> dict[str, Any]:
        """What a record of the result should hold."""
        return {
            "task": self.task.name,
            "prompt": self.task.template,
            "prompt_family": self.task.family,
            "organism": self.organism,
            "sentence_key": self.sentence_key,
            "n_genes": self.decoding.n_genes,
            **self.decoding.params(),
            "slope": self.fit.slope,
            "intercept": self.fit.intercept,
        }

    def compare(self, rows: np.ndarray, texts: Sequence[str], n_asked: np.ndarray, *, most: int | None = None) -> Pair:
        """Cells as they were beside the answers about them.

        Parameters
        ----------
        rows
            The cells.
        texts
            Answers about them, all draws of a cell together.
        n_asked
            Genes that were asked for, for each of `rows`.
        most
            Genes to compare on at most.

        Returns
        -------
        Both sides put through the same line: the first genes of a cell's own sentence that a model may write, at most
        as many as it was asked for, and as many of the answer; less genes that one side cannot hold.
        """
        limit = n_asked if most is None else np.minimum(n_asked, most)
        before = self.genes.places([self.sentences[row] for row in rows.tolist()], limit)
        n_draws = len(texts) // max(1, len(rows))
        after = self.genes.places(texts, np.repeat(before.n, n_draws))
        return Pair(mean_of_draws(self._expression(after.ranks), n_draws), self._expression(before.ranks), before.n)

    def real(self, sentences: Sequence[str], most: int) -> sparse.csr_matrix:
        """Other real cells in the same places: the first `most` genes of their sentences that a model may write."""
        return self._expression(self.genes.places(sentences, np.full(len(sentences), most)).ranks)

    def _expression(self, ranks: np.ndarray) -> sparse.csr_matrix:
        return self.fit.inverse(self.genes.columns[ranks], self.data.n_vars, n_jobs=settings.n_jobs)


def mean_of_draws(expression: sparse.csr_matrix, n_draws: int) -> sparse.csr_matrix:
    """Mean over each `n_draws` rows, float32."""
    if n_draws == 1:
        return expression
    n = expression.shape[0] // n_draws
    mean = sparse.kron(sparse.eye(n), np.full((1, n_draws), 1 / n_draws), format="csr") @ expression
    return mean.astype(np.float32).tocsr()


def slots_of(
    obs_names: pd.Index, stem: str, rows: np.ndarray, response: Response, asked: Mapping[str, Sequence[str | None]]
) -> tuple[dict[str, pd.Series], dict[str, sparse.csr_matrix]]:
    """Columns of obs and layer `stem` beside them; other cells get zeros, no sentence, and missing values."""
    n = len(obs_names)
    place = sparse.csr_matrix(
        (np.ones(len(rows), dtype=np.float32), (rows, np.arange(len(rows)))), shape=(n, len(rows))
    )
    columns: dict[str, pd.Series] = {}
    for name, values in (("sentence", response.sentences), *asked.items()):
        text = np.full(n, "" if name == "sentence" else None, dtype=object)
        text[rows] = values
        columns[f"{stem}_{name}"] = pd.Series(text, index=obs_names, dtype=object if name == "sentence" else "category")
    for name in response.validity.columns:
        numbers = np.zeros(n, dtype=bool) if name == "complete" else np.full(n, np.nan, dtype=np.float32)
        numbers[rows] = response.validity[name]
        columns[f"{stem}_{name}"] = pd.Series(numbers, index=obs_names)
    return columns, {stem: (place @ response.expression).tocsr()}
