"""Cells that no data set holds: writing them, one or several a prompt, and their AnnData."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd

from scc2s._settings import settings
from scc2s.prompts._task import SENTENCE
from scc2s.sentences import parse, split_cells
from scc2s.tl._writing.write_cells import write_texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from scc2s._cells.gene_words import GeneWords
    from scc2s.models import Model
    from scc2s.prompts import Task
    from scc2s.sentences import RankFit
    from scc2s.tl._asking.decoding import Decoding
    from scc2s.tl._writing.write_cells import Written


_NUMBERS: ContextVar[Sequence[int] | None] = ContextVar("number of each draw among all of its prompt", default=None)


@contextmanager
def numbered(numbers: Sequence[int]) -> Iterator[None]:
    """Within, samples are a part of more, and these are their numbers among those of the same prompt."""
    token = _NUMBERS.set(numbers)
    try:
        yield
    finally:
        _NUMBERS.reset(token)


def write_samples(
    model: Model,
    task: Task,
    contexts: list[str],
    n_genes: int,
    sizes: Sequence[int] | None,
    genes: GeneWords,
    decoding: Decoding,
) -> list[str]:
    """Sentences of all cells, sample by sample. Several cells of a sample stand one after another in its context.

    Parameters
    ----------
    model, task
        Who is asked, in what words.
    contexts
        The prompt of each sample.
    n_genes
        Genes of each cell.
    sizes
        Cells of each sample; ``None``: a prompt is about one cell.
    genes, decoding
        What may be written, and how.
    """
    # the n-th prompt of the same words is the n-th draw
    known = _NUMBERS.get()
    draws = pd.Series(contexts, dtype=object).groupby(contexts).cumcount().tolist() if known is None else list(known)
    if sizes is None:
        return write_texts(model, contexts, np.full(len(contexts), n_genes), genes, decoding, draws, task)
    cells: list[list[str]] = [[] for _ in contexts]
    before, _, after = task.cell.partition(f"{{{SENTENCE}}}")
    gap = before[len(before.rstrip()) :]
    told = list(contexts)
    for number in range(1, max(sizes) + 1):
        asked = [i for i, size in enumerate(sizes) if size >= number]
        for i in asked:
            told[i] = f"{told[i]}\n{before.rstrip().format(number=number)}"
        answers = write_texts(
            model, [told[i] for i in asked], np.full(len(asked), n_genes), genes, decoding, [draws[i] for i in asked],
            None,
        )  # fmt: skip
        for i, answer in zip(asked, answers, strict=True):
            text = next(iter(split_cells(answer)), "")  # a free answer may run on to the next cell
            told[i] = f"{told[i]}{gap}{text}{after.format(number=number)}"
            cells[i].append(text)
    return [text for sample in cells for text in sample]


def new_cells(
    data: ad.AnnData,
    table: pd.DataFrame,
    written: Written,
    line: RankFit,
    raw: Mapping[str, int] | None,
) -> ad.AnnData:
    """The cells with the genes of `data`, each described by its row of `table`.

    Parameters
    ----------
    data
        Data set whose genes they have.
    table
        A row for each cell.
    written, line
        What was written, and its expression.
    raw
        Words of the genes of ``data.raw`` with their columns: the cells get these too.
    """
    index = pd.RangeIndex(len(table)).astype(str)
    own = {
        "c2s_sentence": pd.Series(written.texts, index=index, dtype=object),
        "c2s_n_genes": written.validity()["n_genes"].set_axis(index),
    }
    out = ad.AnnData(
        written.expression(line),
        obs=table.set_axis(index).assign(**own),
        var=data.var.copy(),
        obsm={"c2s_ranks": written.parsed.ranks},
    )
    if raw is not None:
        columns = np.array([*raw.values(), -1], dtype=np.int32)
        ranks = columns[parse(written.texts, list(raw)).ranks]
        X = line.inverse(ranks, data.raw.n_vars, n_jobs=settings.n_jobs)
        out.raw = ad.AnnData(X, obs=out.obs[[]], var=data.raw.var.copy())
    return out
