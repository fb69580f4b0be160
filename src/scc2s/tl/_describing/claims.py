"""Whether the cells say what a text says of them: each gene and direction that it names, in a table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control

from scc2s.metrics._contrast import contrast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scc2s.prompts._statements import Statement

COLUMNS = ["kind", "name", "said", "group", "than", "share", "auroc", "pval_adj", "highest_in", "holds", "why"]
_LEVEL = 0.05
_MOSTLY = 0.5
"""Share of the cells from which on a gene that a text calls absent is there."""


@dataclass(frozen=True)
class Evidence:
    """Cells that a text is about.

    Parameters
    ----------
    X
        Cells x genes, log-normalised values of the genes that texts name; sparse or dense.
    genes
        Column of each gene.
    sides
        Rows of the cells of each group that a text may name. Those of a single one are held against `rest`.
    rest
        Rows of all other cells.
    about
        The group that a text without one is about; empty where there are several.
    other
        The group that this one is held against; empty: all others.
    """

    X: Any
    genes: Mapping[str, int]
    sides: Mapping[str, np.ndarray]
    rest: np.ndarray
    about: str = ""
    other: str = ""

    def cells(self, group: str) -> np.ndarray:
        """Rows of a group; of all groups without a name."""
        return self.sides[group] if group else np.concatenate(list(self.sides.values()))

    def others(self, group: str, than: str) -> np.ndarray:
        """Rows that a group is held against."""
        if than and than != group:
            return self.sides[than]
        if group == self.about and self.other:
            return self.sides[self.other]
        if self.other and group == self.other:
            return self.sides[self.about]
        rest = [rows for name, rows in self.sides.items() if name != group]
        return np.concatenate(rest) if rest else self.rest


def claims(said: Sequence[Statement], cells: Evidence, *, min_share: float) -> pd.DataFrame:
    """Look at each statement (scc2s definition).

    ``"expressed"`` and ``"named"`` hold where the gene is above 0 in at least `min_share` of the group's cells,
    ``"absent"`` where it is in fewer; it is contradicted from half of the cells on. ``"up"`` and ``"down"`` hold where
    the values differ in that direction (Mann and Whitney's test; p values by Benjamini and Hochberg over the statements
    below 0.05), are contradicted where they differ in the other, and open where they do not differ.

    Returns
    -------
    One row a statement: ``kind`` (``"gene"``), ``name``, ``said``, ``group``, ``than``, ``share``, ``auroc``,
    ``pval_adj``, ``highest_in``, ``holds`` (``"yes"``, ``"no"``, or empty where the cells leave it open), ``why``.
    """
    rows = [_measured(one, cells) for one in said]
    pvals = np.array([row["pval_adj"] for row in rows], dtype=float)
    tested = np.isfinite(pvals)
    pvals[tested] = false_discovery_control(pvals[tested]) if tested.any() else pvals[tested]
    for row, pval in zip(rows, pvals.tolist(), strict=True):
        row["pval_adj"] = pval
        row["holds"], row["why"] = _verdict(row, min_share)
    return pd.DataFrame(rows, columns=[*COLUMNS, "known"]).drop(columns="known")


def _measured(one: Statement, cells: Evidence) -> dict[str, Any]:
    group, than = one.group or cells.about, one.than
    if not one.group and one.than == cells.about and cells.other:
        group = cells.other  # "higher than in a" says so of the other one
    row: dict[str, Any] = {
        **{"kind": "gene", "name": one.gene, "said": one.said, "group": group, "than": than, "known": one.known},
        **dict.fromkeys(("share", "auroc", "pval_adj"), math.nan),
        "highest_in": "",
    }
    if not one.known or one.gene not in cells.genes:
        return row
    column = cells.X[:, [cells.genes[one.gene]]]
    mine = cells.cells(group)
    row["share"] = _share(column, mine)
    if group:
        others = cells.others(group, than)
        found = contrast(column, mine, others)
        row["auroc"] = float(found.auroc[0])
        if one.said in ("up", "down"):
            row["pval_adj"] = float(found.pvals[0])
    if len(cells.sides) > 1:
        means = {name: float(column[rows].mean()) if len(rows) else -math.inf for name, rows in cells.sides.items()}
        row["highest_in"] = max(means, key=lambda name: means[name])
    return row


def _share(column: Any, rows: np.ndarray) -> float:
    return float((column[rows] > 0).sum() / len(rows)) if len(rows) else math.nan


def _verdict(row: Mapping[str, Any], min_share: float) -> tuple[str, str]:
    if not row["known"]:
        return "no", "not a gene of the data"
    share, said = row["share"], row["said"]
    if math.isnan(share):
        return "", "not judged: not among the genes that were read, or no cells"
    place = row["group"] or "the cells"
    seen = f"above 0 in {share:.0%} of {place}"
    if said in ("expressed", "named"):
        return ("yes", "") if share >= min_share else ("no", seen)
    if said == "absent":
        return ("yes", "") if share < min_share else ("no" if share >= _MOSTLY else "", seen)
    return _difference(row, said)


def _difference(row: Mapping[str, Any], said: str) -> tuple[str, str]:
    auroc, pval = row["auroc"], row["pval_adj"]
    if not row["group"]:
        return "", "not judged: the text does not say where"
    if math.isnan(auroc):
        return "", "not judged: it takes two cells on both sides"
    numbers = f"area {auroc:.2f}, adjusted p {pval:.2g}"
    if pval >= _LEVEL or auroc == _MOSTLY:
        return "", f"no difference shown in {row['group']}: {numbers}"
    found = "up" if auroc > _MOSTLY else "down"
    if found == said:
        return "yes", ""
    return "no", f"{'higher' if found == 'up' else 'lower'} in {row['group']}: {numbers}"


def reasons(table: pd.DataFrame) -> str:
    """What the cells contradict, in one text; empty where nothing is."""
    wrong = table[table["holds"] == "no"]
    return "; ".join(f"{name} {said}: {why}" for name, said, why in wrong[["name", "said", "why"]].to_numpy())
