"""What a model says that cells become: asking, averaging over draws, and the slots that the answers go to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from scc2s._cells.access import get_sentences
from scc2s._cells.gene_words import words_of
from scc2s.tl._writing.write_cells import ask_cells, read_cells

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anndata import AnnData

    from scc2s.models import Model
    from scc2s.prompts import Task
    from scc2s.sentences import RankFit
    from scc2s.tl._writing.write_cells import Decoding


class Response(NamedTuple):
    """Answers about some cells."""

    sentences: list[str]
    """Of the first draw."""
    expression: sparse.csr_matrix
    """float32, cells x genes: mean over the draws."""
    validity: pd.DataFrame
    """As :meth:`Written.validity`, means over the draws; ``complete`` where all draws are."""
    n_asked: np.ndarray
    """Genes that were asked for."""
    n_shortened: int
    """Prompts that lost genes of the cell to fit the model's context."""


@dataclass(frozen=True)
class Asker:
    """A model, and all that is the same in every question about the cells of a data set."""

    data: AnnData
    model: Model
    task: Task
    decoding: Decoding
    fit: RankFit
    organism: str | None
    sentence_key: str

    def __call__(self, rows: np.ndarray, given: Mapping[str, Sequence[str]]) -> Response:
        """Ask what the cells in `rows` become; `given` are the fields of the prompt, one value for each of `rows`."""
        n = self.decoding.n_samples
        written = ask_cells(
            self.data,
            self.model,
            self.task,
            np.repeat(rows, n),
            {name: np.repeat(np.asarray(values, dtype=object), n).tolist() for name, values in given.items()},
            decoding=self.decoding,
            fit=self.fit,
            organism=self.organism,
            sentence_key=self.sentence_key,
            draws=np.tile(np.arange(n), len(rows)).tolist(),
        )
        validity = written.validity().groupby(np.repeat(np.arange(len(rows)), n)).mean().astype(np.float32)
        validity["complete"] = validity["complete"] == 1
        mean = sparse.kron(sparse.eye(len(rows)), np.full((1, n), 1 / n), format="csr") @ written.expression
        return Response(
            written.texts[::n],
            mean.astype(np.float32).tocsr(),
            validity,
            written.n_asked[::n],
            written.n_shortened // n,
        )

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

    def shown(self, data: AnnData, rows: np.ndarray, n_genes: np.ndarray) -> sparse.csr_matrix:
        """Real cells as a model would write them: their own sentences, cut at `n_genes`, put through the same line."""
        sentences = get_sentences(data, self.sentence_key)
        cut = [" ".join(sentences[row].split()[:n]) for row, n in zip(rows, n_genes, strict=True)]
        return read_cells(
            self.data, words_of(self.data, self.sentence_key), self.fit, cut, np.zeros(len(rows))
        ).expression


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
