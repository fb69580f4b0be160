"""Cells that no data set holds: writing them, one or several a prompt, and their AnnData."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd

from scc2s.sentences import split_cells
from scc2s.tl._writing.write_cells import write_texts

if TYPE_CHECKING:
    from scipy import sparse

    from scc2s._cells.gene_words import GeneWords
    from scc2s.models import Model
    from scc2s.prompts import Task
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
    for number in range(1, cells_per_sample + 1):
        contexts = [f"{context}\nCell {number}:" for context in contexts]
        answers = write_texts(model, contexts, lengths, genes, decoding, draws, None)
        texts = [next(iter(split_cells(answer)), "") for answer in answers]  # a free answer may run on to the next cell
        contexts = [f"{context} {text}" for context, text in zip(contexts, texts, strict=True)]
        cells.append(texts)
    return [text for sample in zip(*cells, strict=True) for text in sample]


def new_cells(
    data: ad.AnnData, table: pd.DataFrame, written: Written, expression: sparse.csr_matrix, cells_per_sample: int
) -> ad.AnnData:
    """The cells with the genes of `data`, described by the rows of `table`."""
    obs = table.loc[table.index.repeat(cells_per_sample)]
    if cells_per_sample > 1:
        obs = obs.assign(c2s_sample=obs.index)
    index = pd.RangeIndex(len(obs)).astype(str)
    validity = written.validity().add_prefix("c2s_").set_axis(index)
    sentences = pd.Series(written.texts, index=index, dtype=object, name="c2s_sentence")
    return ad.AnnData(
        expression,
        obs=pd.concat([obs.set_axis(index), sentences, validity], axis=1),
        var=data.var.copy(),
        obsm={"c2s_ranks": written.parsed.ranks},
    )
