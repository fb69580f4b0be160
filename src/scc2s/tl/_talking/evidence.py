"""What stands beside an answer: cells that are shown, genes that a test finds higher, texts with their sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from scc2s._cells.groups import log_matrix
from scc2s._cells.sampling import shuffled
from scc2s._cells.scanpy_defaults import scanpy_defaults
from scc2s._logging import logger
from scc2s.tl._talking.topics import ALL, REST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anndata import AnnData

    from scc2s._cells.expression import Expression
    from scc2s.tl._talking.topics import Topic

_LEVEL = 0.05
GENE_COLUMNS = ["context", "group", "other", "gene", "score", "logfoldchange", "pval_adj"]


class Higher(NamedTuple):
    """Genes that are higher in a group than in another one, best first."""

    group: str
    other: str
    table: pd.DataFrame
    """``gene``, ``score``, ``logfoldchange``, ``pval_adj``."""

    @property
    def genes(self) -> list[str]:
        """Their names."""
        return self.table["gene"].tolist()

    def first(self, n: int) -> Higher:
        """The best `n`."""
        return self._replace(table=self.table.iloc[:n])


def cells_shown(
    data: AnnData, sides: Mapping[str, np.ndarray], sentences: Sequence[str], n_cells: int, random_state: int
) -> dict[str, np.ndarray]:
    """Cells with a sentence of each group, chosen by their names and the seed alone."""
    place = np.empty(data.n_obs, dtype=np.intp)
    place[shuffled(data.obs_names, random_state)] = np.arange(data.n_obs)
    out = {}
    for name, rows in sides.items():
        can = np.array([row for row in rows if sentences[row].strip()], dtype=np.intp)
        out[name] = can[np.argsort(place[can], kind="stable")][:n_cells]
    return out


def tested_genes(expressed: Expression, topics: Sequence[Topic], n_top: int) -> list[list[Higher]]:
    """For each topic the genes that differ by scanpy's test, with its own defaults, adjusted p below 0.05.

    A pair of groups is tested cell against cell of the two, in both directions; any other group against all other cells
    of the data. Groups of a single cell, or without others, are not tested and are left out (logged, unless a
    topic is about all cells of no group).
    """
    if all(_whole(topic, expressed.n_cells) for topic in topics):
        return [[] for _ in topics]
    X, names = log_matrix(expressed)
    single = {name: rows for topic in topics if not topic.other for name, rows in _named(topic).items()}
    alone = _ranked(X, names, single, None, n_top)
    out = []
    for topic in topics:
        if topic.other:
            sides = {name: topic.sides[name] for name in (topic.about, topic.other)}
            found = _ranked(X, names, sides, (topic.about, topic.other), n_top)
            pairs = ((topic.about, topic.other), (topic.other, topic.about))
            out.append([Higher(a, b, found[a]) for a, b in pairs if a in found])
        else:
            out.append([Higher(key[1], REST, alone[key]) for key in _named(topic) if key in alone])
    return out


def _whole(topic: Topic, n_cells: int) -> bool:
    """Whether a topic is about all cells, of no group."""
    return list(topic.sides) == [ALL] and len(topic.sides[ALL]) == n_cells


def _named(topic: Topic) -> dict[Any, np.ndarray]:
    return {(topic.name, side): rows for side, rows in topic.sides.items()}


def _ranked(
    X: Any, names: list[str], sides: Mapping[Any, np.ndarray], pair: tuple[str, str] | None, n: int
) -> dict[Any, pd.DataFrame]:
    """Genes higher in each group that can be tested: than in the other of a pair, else than in all other cells."""
    import scanpy as sc
    from anndata import AnnData

    rows = np.concatenate(list(sides.values())) if pair else np.arange(X.shape[0])
    codes = np.full(X.shape[0], -1)
    for code, some in enumerate(sides.values()):
        codes[some] = code
    keys = list(sides)
    tested = [i for i, some in enumerate(sides.values()) if 1 < len(some) < len(rows) - 1]
    for left, why in (
        ([key for key, some in sides.items() if len(some) == len(rows)], "there are no other cells"),
        ([key for i, key in enumerate(keys) if i not in tested and len(sides[key]) < len(rows)],
         "two cells are needed on both sides"),
    ):  # fmt: skip
        if left:
            logger.warning("no genes are tested in %s: %s", ", ".join(map(_said, left)), why)
    if not tested or (pair and len(tested) < 2):
        return {}
    labels = pd.Categorical.from_codes(codes[rows], categories=pd.Index([str(i) for i in range(len(keys))]))
    obs = pd.DataFrame({"group": labels}, index=np.arange(len(rows)).astype(str))
    cells = AnnData(X[rows] if pair else X, obs=obs, var=pd.DataFrame(index=names))
    with scanpy_defaults():
        sc.tl.rank_genes_groups(cells, "group", groups=[str(i) for i in tested], n_genes=min(n, len(names)))
    return {keys[i]: as_higher(sc.get.rank_genes_groups_df(cells, str(i), key="rank_genes_groups")) for i in tested}


def as_higher(found: pd.DataFrame) -> pd.DataFrame:
    """Genes of scanpy's table that are higher, with adjusted p below 0.05."""
    kept = found[(found["scores"] > 0) & (found["pvals_adj"] < _LEVEL)]
    return pd.DataFrame(
        {
            "gene": kept["names"].astype(str),
            "score": kept["scores"].astype(float),
            "logfoldchange": kept["logfoldchanges"].astype(float),
            "pval_adj": kept["pvals_adj"].astype(float),
        }
    )


def genes_table(contexts: Sequence[str], higher: Sequence[Sequence[Higher]]) -> pd.DataFrame:
    """The tested genes of all topics in one table."""
    parts = [
        one.table.assign(context=context, group=one.group, other=one.other)
        for context, some in zip(contexts, higher, strict=True)
        for one in some
        if len(one.table)
    ]
    out = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=GENE_COLUMNS)
    out = out[GENE_COLUMNS].astype(dict.fromkeys(GENE_COLUMNS[:4], object) | dict.fromkeys(GENE_COLUMNS[4:], float))
    return out.set_axis(out.index.astype(str))


def _said(key: Any) -> str:
    return str(key[1]) if isinstance(key, tuple) else str(key)
