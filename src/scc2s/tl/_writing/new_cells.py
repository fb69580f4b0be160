"""Cells that no data set holds: writing them, one or several a prompt, and their AnnData."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd

from scc2s._settings import settings
from scc2s.prompts._task import SENTENCE
from scc2s.sentences import parse, split_cells
from scc2s.tl._writing.samples import TYPE, types_of_cells
from scc2s.tl._writing.write_cells import write_texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scc2s._cells.gene_words import GeneWords
    from scc2s.models import Model
    from scc2s.prompts import Task
    from scc2s.sentences import RankFit
    from scc2s.tl._asking.decoding import Decoding
    from scc2s.tl._writing.write_cells import Written


def write_samples(
    model: Model,
    task: Task,
    contexts: list[str],
    n_genes: int,
    cells_per_sample: int,
    genes: GeneWords,
    decoding: Decoding,
) -> list[str]:
    """Sentences of all cells, sample by sample. Several cells of a sample stand one after another in its context."""
    lengths = np.full(len(contexts), n_genes)
    # the n-th prompt of the same words is the n-th draw
    draws = pd.Series(contexts, dtype=object).groupby(contexts).cumcount().tolist()
    if cells_per_sample == 1:
        return write_texts(model, contexts, lengths, genes, decoding, draws, task)
    cells = []
    before, _, after = task.cell.partition(f"{{{SENTENCE}}}")
    gap = before[len(before.rstrip()) :]
    for number in range(1, cells_per_sample + 1):
        contexts = [f"{context}\n{before.rstrip().format(number=number)}" for context in contexts]
        answers = write_texts(model, contexts, lengths, genes, decoding, draws, None)
        texts = [next(iter(split_cells(answer)), "") for answer in answers]  # a free answer may run on to the next cell
        end = after.format(number=number)
        contexts = [f"{context}{gap}{text}{end}" for context, text in zip(contexts, texts, strict=True)]
        cells.append(texts)
    return [text for sample in zip(*cells, strict=True) for text in sample]


def new_cells(
    data: ad.AnnData,
    table: pd.DataFrame,
    written: Written,
    line: RankFit,
    cells_per_sample: int,
    raw: Mapping[str, int] | None,
) -> ad.AnnData:
    """The cells with the genes of `data`, described by the rows of `table`.

    Parameters
    ----------
    data
        Data set whose genes they have.
    table, cells_per_sample
        A row for each sample.
    written, line
        What was written, and its expression.
    raw
        Words of the genes of ``data.raw`` with their columns: the cells get these too.
    """
    obs = table.loc[table.index.repeat(cells_per_sample)]
    if cells_per_sample > 1:
        obs = obs.assign(c2s_sample=obs.index)
    if (types := types_of_cells(table, cells_per_sample)) is not None:
        obs = obs.assign(**{TYPE: types})
    index = pd.RangeIndex(len(obs)).astype(str)
    own = {
        "c2s_sentence": pd.Series(written.texts, index=index, dtype=object),
        "c2s_n_genes": written.validity()["n_genes"].set_axis(index),
    }
    out = ad.AnnData(
        written.expression(line),
        obs=obs.set_axis(index).assign(**own),
        var=data.var.copy(),
        obsm={"c2s_ranks": written.parsed.ranks},
    )
    if raw is not None:
        columns = np.array([*raw.values(), -1], dtype=np.int32)
        ranks = columns[parse(written.texts, list(raw)).ranks]
        X = line.inverse(ranks, data.raw.n_vars, n_jobs=settings.n_jobs)
        out.raw = ad.AnnData(X, obs=out.obs[[]], var=data.raw.var.copy())
    return out
