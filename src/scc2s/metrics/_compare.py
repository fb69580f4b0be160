"""One score of two samples, with what real cells and what nothing at all would reach, at the same number of cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ._discrimination import discrimination
from ._energy import energy_distance
from ._kendall import kendall_tau
from ._knn import knn_condition_accuracy
from ._mmd import mmd
from ._overlap import gene_overlap
from ._pearson import delta_pearson, pearson
from ._scfid import scfid
from ._wasserstein import wasserstein

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Score(NamedTuple):
    """How a score is computed."""

    of: Callable[..., float]
    better: str
    """``"lower"`` or ``"higher"``."""
    on: str
    """``"rep"``: cells in a representation; ``"genes"``: mean profiles over genes; ``"effect"``: these and a control;
    ``"sentences"``: pairs of sentences, drawn; ``"groups"``: all groups at once."""
    least: int = 2
    """Cells that each side needs."""


def _tau(pred: np.ndarray, true: np.ndarray) -> float:
    return kendall_tau(pred.mean(axis=0), true.mean(axis=0))


def _overlap(pred: np.ndarray, true: np.ndarray) -> float:
    """Mean overlap of each predicted cell with the real cell at its place, real cells taken in turns."""
    return float(np.nanmean(gene_overlap(pred.tolist(), np.resize(true, len(pred)).tolist())))


SCORES: Mapping[str, Score] = {
    "scfid": Score(scfid, "lower", "rep"),
    "mmd": Score(mmd, "lower", "rep"),
    "wasserstein": Score(wasserstein, "lower", "rep", 1),
    "energy_distance": Score(energy_distance, "lower", "rep", 1),
    "pearson": Score(pearson, "higher", "genes", 1),
    "kendall_tau": Score(_tau, "higher", "genes", 1),
    "delta_pearson": Score(delta_pearson, "higher", "effect", 1),
    "gene_overlap": Score(_overlap, "higher", "sentences", 1),
    "knn_condition_accuracy": Score(knn_condition_accuracy, "higher", "groups"),
    "discrimination": Score(discrimination, "higher", "groups"),
}


class Cells(NamedTuple):
    """Cells of one side."""

    rep: np.ndarray
    genes: np.ndarray
    groups: np.ndarray
    sentences: np.ndarray

    def take(self, rows: np.ndarray) -> Cells:
        """Some of them."""
        return Cells(self.rep[rows], self.genes[rows], self.groups[rows], self.sentences[rows])


def compare(
    name: str, group: Any, pred: Cells, true: Cells, control: Cells | None, *, floor: bool, ceiling: bool,
    n_repeats: int, random_state: int,
) -> dict[str, Any]:  # fmt: skip
    """Value, floors and ceiling of a score of one group.

    Floors and ceiling, and ``value_at_n`` beside them, are means over draws of the same number ``n`` of cells on each
    side: as many as there are predicted cells, at most half of the real ones.
    """
    score = SCORES[name]
    here, there = np.flatnonzero(pred.groups == group), np.flatnonzero(true.groups == group)
    base = None if control is None else _control_rows(control, group)
    row: dict[str, Any] = {"group": group, "metric": name, "better": score.better}
    row |= dict.fromkeys(("value", "value_at_n", "ceiling", "floor_control", "floor_shuffled"), float("nan"))
    row |= {"n_pred": len(here), "n_true": len(there), "n": 0, "note": ""}
    if min(len(here), len(there)) < score.least:
        row["note"] = f"needs {score.least} cells on each side"
        return row
    if score.on == "effect" and (base is None or not len(base)):
        row["note"] = "needs control cells: pass control="
        return row

    def value(a: Cells, i: np.ndarray, b: Cells, j: np.ndarray) -> float:
        if score.on == "rep":
            return score.of(a.rep[i], b.rep[j])
        if score.on == "genes":
            return score.of(a.genes[i], b.genes[j])
        if score.on == "sentences":
            return score.of(a.sentences[i], b.sentences[j])
        return score.of(a.genes[i], b.genes[j], control.genes[base])  # type: ignore[union-attr]

    rng = np.random.default_rng(random_state)
    row["value"] = value(pred, here, true, rng.permutation(there))
    if not (floor or ceiling):
        return row
    n = min(len(here), len(there) // 2)
    if n < score.least:
        row["note"] = "too few real cells to halve, so no floors and no ceiling"
        return row
    row["n"] = n
    found: dict[str, list[float]] = {"value_at_n": [], "ceiling": [], "floor_control": [], "floor_shuffled": []}
    several = len(set(pred.groups.tolist())) > 1
    for _ in range(n_repeats):
        order = rng.permutation(there)
        half, rest = order[:n], order[n : 2 * n]
        found["value_at_n"].append(value(pred, rng.permutation(here)[:n], true, half))
        if ceiling:
            found["ceiling"].append(value(true, rest, true, half))
        # The control against itself has no effect to correlate.
        has_floor = score.on != "effect" and control is not None and base is not None and len(base) >= score.least
        if floor and has_floor:
            found["floor_control"].append(value(control, rng.permutation(base)[:n], true, half))
        if floor and several:
            found["floor_shuffled"].append(value(pred, rng.permutation(len(pred.groups))[:n], true, half))
    return row | {key: float(np.mean(values)) for key, values in found.items() if values}


def compare_groups(
    name: str, pred: Cells, true: Cells, control: Cells | None, *, floor: bool, ceiling: bool, n_repeats: int,
    random_state: int,
) -> dict[str, Any]:  # fmt: skip
    """Value, floors and ceiling of a score that compares groups with each other."""
    groups = [g for g in sorted(set(true.groups.tolist()), key=str) if (pred.groups == g).sum() > 0]
    row: dict[str, Any] = {"group": "all", "metric": name, "better": SCORES[name].better}
    row |= dict.fromkeys(("value", "value_at_n", "ceiling", "floor_control", "floor_shuffled"), float("nan"))
    row |= {"n_pred": len(pred.groups), "n_true": len(true.groups), "n": 0, "note": ""}
    if len(groups) < 2:
        row["note"] = "needs 2 groups that both sides have: pass groupby="
        return row
    pred = pred.take(np.flatnonzero(np.isin(pred.groups, groups)))
    rng = np.random.default_rng(random_state)

    def value(made: Cells, real: Cells) -> float:
        if name == "knn_condition_accuracy":
            return knn_condition_accuracy(real.rep, real.groups, made.rep, made.groups)
        means = [np.stack([side.rep[side.groups == g].mean(axis=0) for g in groups]) for side in (made, real)]
        return float(np.nanmean(discrimination(*means)))

    row["value"] = value(pred, true)
    halves = [_halves(true, groups, rng) for _ in range(n_repeats)]
    if ceiling and all(len(set(half.groups.tolist())) == len(groups) for pair in halves for half in pair):
        row["value_at_n"] = float(np.mean([value(pred, real) for _, real in halves]))
        row["ceiling"] = float(np.mean([value(made, real) for made, real in halves]))
    if floor:
        shuffled = [pred._replace(groups=rng.permutation(pred.groups)) for _ in range(n_repeats)]
        row["floor_shuffled"] = float(np.mean([value(made, true) for made in shuffled]))
        if control is not None and len(control.groups):
            rows = rng.choice(len(control.groups), len(pred.groups))
            row["floor_control"] = value(control.take(rows)._replace(groups=pred.groups), true)
    return row


def _halves(cells: Cells, groups: list[Any], rng: np.random.Generator) -> tuple[Cells, Cells]:
    """Two halves of each group."""
    first, second = [], []
    for group in groups:
        rows = rng.permutation(np.flatnonzero(cells.groups == group))
        first.append(rows[: len(rows) // 2])
        second.append(rows[len(rows) // 2 :])
    return cells.take(np.concatenate(first)), cells.take(np.concatenate(second))


def _control_rows(control: Cells, group: Any) -> np.ndarray:
    """Control cells of the group; all, where the control is not grouped."""
    own = np.flatnonzero(control.groups == group)
    return own if len(own) or len(set(control.groups.tolist())) > 1 else np.arange(len(control.groups))
