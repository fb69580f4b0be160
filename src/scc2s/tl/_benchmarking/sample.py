"""The cells of a benchmark, the same for all models."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from scc2s._cells.access import get_sentences
from scc2s._cells.columns import column, donors_of
from scc2s._cells.sampling import shuffled
from scc2s._logging import logger

if TYPE_CHECKING:
    from anndata import AnnData

N_FOLDS = 5
"""Parts of the cells of which each is told by the others, where no donors are known."""


class Sample(NamedTuple):
    """Cells that every model is asked about."""

    rows: np.ndarray
    labels: np.ndarray | None
    """Label of each, as text."""
    donors: np.ndarray | None

    @property
    def folds(self) -> np.ndarray:
        """Part of each cell: its donor, or one of five; each part is told by the others."""
        if self.donors is not None:
            return np.asarray(pd.factorize(self.donors, sort=True)[0])
        return np.arange(len(self.rows)) % N_FOLDS  # rows are in an order of chance


def sample_cells(
    data: AnnData,
    *,
    label_key: str | None,
    donor_key: str | None,
    n_cells: int,
    sentence_key: str,
    random_state: int,
) -> Sample:
    """At most `n_cells` of the cells with a sentence and, where labels are asked for, a label, drawn by their names.

    Raises
    ------
    KeyError
        If a column is not there.
    ValueError
        If fewer than two cells, or two labels, are left, or a cell has no donor.
    """
    sentences = get_sentences(data, sentence_key)
    there = np.array([bool(sentence.strip()) for sentence in sentences], dtype=bool)
    labels = None
    if label_key is not None:
        values = column(data, label_key, "label_key")
        known = values.notna().to_numpy()
        labels = values.astype(object).map(lambda value: str(value).strip()).to_numpy(dtype=object)
        if n_lost := int((~known).sum()):
            logger.warning("%d of %d cells have no label in %r, and are left out", n_lost, data.n_obs, label_key)
        there &= known
    order = shuffled(data.obs_names, random_state, ties=sentences)
    rows = order[there[order]][:n_cells]
    if len(rows) < 2:
        msg = f"{len(rows)} cells have a sentence{' and a label' if label_key else ''}, and 2 are needed; pass others"
        raise ValueError(msg)
    if labels is not None and len(set(labels[rows])) < 2:
        msg = f"the cells have one label, {labels[rows][0]!r}; pass label_key= a column with at least two"
        raise ValueError(msg)
    donors = donors_of(data[rows], donor_key)
    return Sample(rows, None if labels is None else labels[rows], donors)
