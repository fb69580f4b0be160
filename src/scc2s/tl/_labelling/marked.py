"""Markers that a data set has, and what they say about its cells."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from scc2s._cells.values import describe, log_blocks
from scc2s._logging import logger
from scc2s.programs import marker_scores
from scc2s.programs._gene_index import GeneIndex

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scc2s._cells.expression import Expression
    from scc2s.programs import Markers

LEAST = 2
"""Markers of a type that a data set must have, where more than one is known: one alone is often one noisy gene."""


class Marked(NamedTuple):
    """Types whose markers are in a data set."""

    labels: list[str]
    present: list[list[int]]
    """Columns of the markers of each type."""
    absent: list[list[int]]
    table: pd.DataFrame
    """A row for each marker of each type that was asked for, and how the data set writes it."""


def find_markers(markers: Mapping[str, Markers], names: Sequence[str]) -> Marked:
    """The markers among the genes `names`; types that have too few of them are left out, and the log names these.

    Raises
    ------
    ValueError
        If fewer than two types are left.
    """
    index = GeneIndex(names)
    out = Marked([], [], [], pd.DataFrame())
    rows, left, n_wanted, n_found, n_folded = [], [], 0, 0, 0
    for label, wanted in markers.items():
        present, _ = index.find(wanted.genes)
        absent, _ = index.find(wanted.absent)
        absent = [column for column in absent if column not in present]
        if len(present) >= min(LEAST, len(wanted.genes)):
            out.labels.append(label)
            out.present.append(present)
            out.absent.append(absent)
        else:
            left.append(label)
        n_wanted += len(wanted.genes)
        for kind, genes in (("present", wanted.genes), ("absent", wanted.absent)):
            for gene in genes:
                at = index.find([gene])[0]
                rows.append((label, gene, kind, names[at[0]] if at else ""))
                n_found += bool(at) and kind == "present"
                n_folded += bool(at) and names[at[0]] != gene
    if len(out.labels) < 2:
        msg = (
            f"{n_found} of {n_wanted} markers are in the data, and {len(out.labels)} of {len(markers)} cell types have "
            f"enough of them ({LEAST} each), so there is nothing to choose from; pass markers= with genes of this data "
            "(those of the package are human symbols), or gene_symbols= the column of adata.var with symbols"
        )
        raise ValueError(msg)
    if left:
        logger.warning(
            "under %d markers are in the data of %s: no cell can get %s", LEAST, ", ".join(left),
            "this label" if len(left) == 1 else "these labels",
        )  # fmt: skip
    if n_folded:
        logger.warning(
            "%d markers are written in other capitals in the data, and were taken for the same genes; in another "
            "organism genes of another name are missing, and those of the same name may mark other cells", n_folded,
        )  # fmt: skip
    table = pd.DataFrame(rows, columns=["label", "gene", "kind", "found_as"], dtype=object)
    table.index = table.index.astype(str)
    return out._replace(table=table)


def scores_of(expressed: Expression, marked: Marked, target_sum: float) -> tuple[np.ndarray, str]:
    """Score of each type in each cell (:func:`scc2s.programs.marker_scores`), and what the values were."""
    columns = sorted({column for lists in (*marked.present, *marked.absent) for column in lists})
    place = {column: i for i, column in enumerate(columns)}
    values = describe(expressed.blocks(2048))
    parts = [sparse.csr_matrix(block[:, columns]) for block in log_blocks(expressed, values, target_sum, math.e)]
    present, absent = (
        [np.array([place[column] for column in columns_of], dtype=np.intp) for columns_of in lists]
        for lists in (marked.present, marked.absent)
    )
    return marker_scores(sparse.vstack(parts, format="csr"), present, absent), values.kind


def best_labels(scores: np.ndarray, min_score: float, min_margin: float) -> tuple[np.ndarray, np.ndarray]:
    """Column of the best score of each row (-1 where it is not good enough), and how far it is above the second."""
    order = np.sort(scores, axis=1)
    margin = order[:, -1] - order[:, -2]
    good = (order[:, -1] > min_score) & (margin >= min_margin)
    return np.where(good, scores.argmax(axis=1), -1), margin
