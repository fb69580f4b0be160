"""Cells that a model wrote, beside the real cells of the data set that are what was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scc2s._cells.access import get_sentences, sentence_slots
from scc2s._cells.sampling import some_of_each
from scc2s._settings import settings
from scc2s.metrics._compare import SCORES, Plan
from scc2s.sentences import parse
from scc2s.tl._comparing.groups import labels_of, names
from scc2s.tl._comparing.sides import Comparison, Reading, side_by_side
from scc2s.tl._comparing.table import say_below_sampler, score_table

if TYPE_CHECKING:
    from anndata import AnnData
    from scipy import sparse

    from scc2s._cells.gene_words import GeneWords
    from scc2s.sentences import RankFit

LEAST = 5
"""Generated cells of a condition that are compared with real ones."""
_METRICS = ("scfid", "energy_distance", "classifier_auroc", "spread", "gene_correlation", "knn_condition_accuracy")
_MOST = 200
"""Real cells of a condition, where there are not more than half as many generated ones."""
_N_COMPS, _N_REPEATS = 50, 3


def beside_real(
    data: AnnData,
    out: AnnData,
    asked: list[str],
    genes: GeneWords,
    line: RankFit,
    n_genes: int,
    *,
    sentence_key: str,
    random_state: int,
) -> tuple[pd.DataFrame | None, str]:
    """Table of scores, or ``None`` and why there is none. No question to the model.

    Real cells are those whose values of the columns `asked` are those of generated ones. Their sentences are cut to
    `n_genes` words and put through the same line, so that both sides are in the same units.

    Parameters
    ----------
    data
        Data set whose genes the cells have.
    out
        The cells.
    asked
        Columns that say what they are to be.
    genes, line
        Words that a sentence may hold, and their expression.
    n_genes
        Words that were asked for.
    sentence_key
        Name of the sentences of `data`.
    random_state
        Seed.
    """
    if absent := [name for name in asked if name not in data.obs]:
        return None, f"adata.obs has no column {absent[0]!r} that would say which real cells are alike"
    slots = sentence_slots(sentence_key)
    if slots.text not in data.obs and slots.ranks not in data.obsm:
        return None, "adata has no sentences: call sc.pp.c2s_sentences(adata) first"
    made, real = (names(labels_of(adata, asked, name)) for adata, name in ((out, "the new cells"), (data, "adata")))
    sizes = pd.Series(made).value_counts()
    enough = sizes.index[sizes >= LEAST]
    if not len(enough):
        return None, f"needs {LEAST} cells of a condition, has {sizes.max()}: pass n= at least {LEAST}"
    there = np.array([name if name in set(enough) else None for name in real], dtype=object)
    most = max(_MOST, 2 * int(sizes.max()))
    rows = some_of_each(there, data.obs_names.tolist(), most, random_state)
    if not len(rows):
        return None, f"no cell of adata is {enough[0]!r}" if asked else "adata has no cells"
    X = _through_line(get_sentences(data[rows], sentence_key), genes, line, n_genes, data.n_vars)
    kept = np.flatnonzero(np.isin(made, enough))
    reading = Reading("pca", {}, True, None, _N_COMPS, random_state)
    groups = {"pred": made[kept], "true": real[rows]}
    nothing: dict[str, Any] = dict.fromkeys(groups)
    cells, beside = side_by_side({"pred": out.X[kept], "true": X}, nothing, {}, groups, reading)
    there_are = sorted(set(groups["pred"].tolist()))
    sides = Comparison(cells["pred"], cells["true"], None, {name: (name,) for name in there_are}, beside)
    scores = {name: SCORES[name] for name in _METRICS if len(there_are) > 1 or SCORES[name].on != "groups"}
    plan = Plan(floor=True, ceiling=True, n_repeats=_N_REPEATS, random_state=random_state)
    table = score_table(scores, sides, {name: name for name in there_are}, plan, 0)
    say_below_sampler(table)
    return table, ""


def _through_line(
    sentences: list[str], genes: GeneWords, line: RankFit, n_genes: int, n_vars: int
) -> sparse.csr_matrix:
    cut = [" ".join(text.split()[:n_genes]) for text in sentences]
    return line.inverse(genes.columns[parse(cut, genes.words).ranks], n_vars, n_jobs=settings.n_jobs)
