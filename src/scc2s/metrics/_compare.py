"""One score of two samples, with what real cells and what nothing at all would reach, at the same number of cells."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ._arrays import matrix, profile
from ._classifier import classifier_auroc
from ._discrimination import discrimination
from ._energy import energy_distance
from ._gene_correlation import N_TOP, centred, most_varying, of_centred
from ._kendall import kendall_tau
from ._knn import knn_condition_accuracy
from ._mmd import median_width, mmd
from ._nearest_training import nearest_training
from ._overlap import gene_overlap
from ._pearson import delta_pearson, pearson
from ._scfid import scfid
from ._spread import spread
from ._wasserstein import wasserstein

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FLOORS = ("floor_marginal", "floor_thinned")
"""Real cells with something taken away."""
VALUES = ("value", "value_at_n", "ceiling", "floor_control", "floor_shuffled", *FLOORS)


class Score(NamedTuple):
    """How a score is computed."""

    of: Callable[..., float]
    better: str = "lower"
    """``"lower"``, ``"higher"``, or what is best where more and less are worse."""
    on: str = "rep"
    """``"rep"``: cells in a representation; ``"genes"``: their expression; ``"effect"``: this and that of a control;
    ``"train"``: a representation and training cells; ``"sentences"``: pairs of sentences, drawn; ``"groups"``: all
    groups at once; ``"within"``: expression of all groups together, less the mean of each."""
    least: int = 2
    """Cells that each side needs."""
    fit: Callable[[Any], Mapping[str, Any] | None] | None = None
    """What the score takes from the real cells of a group, so that prediction, floors and ceiling have the same:
    further arguments, or ``None`` where these cells do not give them."""

    @property
    def part(self) -> str:
        """What the score reads of the cells."""
        return {"effect": "genes", "within": "genes", "train": "rep", "groups": "rep"}.get(self.on, self.on)

    def value(self, a: Cells, b: Cells, third: Cells | None, arguments: Mapping[str, Any]) -> float:
        """Of cells `a` as prediction of `b`, with a `third` side: control cells for an effect, training cells."""
        given = [getattr(side, self.part) for side in (a, b)]
        if self.on == "effect" and third is not None:
            given.append(third.genes)
        if self.on == "train" and third is not None:
            given.insert(1, third.rep)
        return self.of(*given, **arguments)


def median_gamma(real: Any) -> dict[str, Any] | None:
    """A width for :func:`mmd` from real cells alone: a prediction far away does not widen it."""
    widths = median_width(matrix(real, "true"))
    return None if widths is None else {"gammas": widths}


def _tau(pred: Any, true: Any) -> float:
    return kendall_tau(profile(pred), profile(true))


def _overlap(pred: np.ndarray, true: np.ndarray) -> float:
    """Mean overlap of each predicted cell with the real cell at its place, real cells taken in turns."""
    return float(np.nanmean(gene_overlap(pred.tolist(), np.resize(true, len(pred)).tolist())))


def _knn(pred: Cells, true: Cells, groups: list[Any]) -> float:  # noqa: ARG001 - the same call for all
    return knn_condition_accuracy(true.rep, true.groups.tolist(), pred.rep, pred.groups.tolist())


def _nir(pred: Cells, true: Cells, groups: list[Any]) -> float:
    means = [np.stack([profile(side.rep[side.groups == group]) for group in groups]) for side in (pred, true)]
    return float(np.nanmean(discrimination(*means)))


SCORES: Mapping[str, Score] = {
    "scfid": Score(scfid),
    "mmd": Score(mmd, fit=median_gamma),
    "wasserstein": Score(wasserstein, least=1),
    "energy_distance": Score(energy_distance, least=1),
    "classifier_auroc": Score(classifier_auroc, "lower", "genes", 4),
    "spread": Score(spread, "1", "genes"),
    "gene_correlation": Score(of_centred, "higher", "within", 3),
    "nearest_training": Score(nearest_training, "0.5", "train", 1),
    "pearson": Score(pearson, "higher", "genes", 1),
    "kendall_tau": Score(_tau, "higher", "genes", 1),
    "delta_pearson": Score(delta_pearson, "higher", "effect", 1),
    "gene_overlap": Score(_overlap, "higher", "sentences", 1),
    "knn_condition_accuracy": Score(_knn, "higher", "groups"),
    "discrimination": Score(_nir, "higher", "groups"),
}


class Cells(NamedTuple):
    """Cells of one side. What no score asks for is ``None``."""

    groups: np.ndarray
    rep: Any = None
    """Cells x features, dense or CSR."""
    genes: Any = None
    """Cells x genes, dense or CSR."""
    sentences: np.ndarray | None = None

    def take(self, rows: np.ndarray) -> Cells:
        """Some of them."""
        rep, genes, sentences = (None if part is None else part[rows] for part in self[1:])
        return Cells(self.groups[rows], rep, genes, sentences)


class Control(NamedTuple):
    """Cells before, and which of them belong to which group."""

    cells: Cells
    rows: Mapping[Any, np.ndarray]


class Beside(NamedTuple):
    """What else stands beside the two sides."""

    floors: Mapping[str, Cells] = MappingProxyType({})
    """Real cells with something taken away, by name of `FLOORS`."""
    held: np.ndarray | None = None
    """Whether each real cell took no part in these; ``None``: all of them."""
    train: Cells | None = None
    """Cells that the model has read."""


class Plan(NamedTuple):
    """What is computed beside each value."""

    floor: bool
    ceiling: bool
    n_repeats: int
    random_state: int


NOTHING = Beside()
ALL = "all"
"""Name of the group of scores over all groups."""


def compare(
    name: str,
    score: Score,
    group: Any,
    pred: Cells,
    true: Cells,
    control: Control | None,
    plan: Plan,
    beside: Beside = NOTHING,
) -> dict[str, Any]:
    """Value, floors and ceiling of a score of one group.

    Floors and ceiling, and ``value_at_n`` beside them, are means over draws of the same number ``n`` of cells on each
    side: as many as there are predicted cells, at most half of the real ones.
    """
    made, real = pred.take(pred.groups == group), true.take(true.groups == group)
    base = None if control is None else control.cells.take(control.rows[group])
    row = _row(group, name, score, len(made.groups), len(real.groups))
    if (least := min(len(made.groups), len(real.groups))) < score.least:
        none = [name for name, n in (("pred", row["n_pred"]), ("true", row["n_true"])) if not n]
        why = f": {' and '.join(none)} has none of this group" if none else ""
        row["note"] = f"needs {_cells(score.least)} on each side, has {least}{why}"
        return row
    if score.on == "effect" and (base is None or not len(base.groups)):
        row["note"] = "needs control cells: pass control=" if base is None else "no control cells of this group"
        return row
    if score.on == "train" and beside.train is None:
        row["note"] = "needs the cells that the model was trained on: pass train="
        return row

    arguments = {} if score.fit is None else score.fit(real.rep)
    if arguments is None:
        row["note"] = "more than half of the real cells are equal, so there is no median distance: pass gammas= numbers"
        return row
    third = beside.train if score.on == "train" else base

    def value(a: Cells, b: Cells) -> float:
        return score.value(a, b, third, arguments)

    def draw(cells: Cells, most: int) -> Cells:
        return cells.take(rng.permutation(len(cells.groups))[:most])

    rng = np.random.default_rng(plan.random_state)
    n = len(real.groups)
    row["value"] = value(made, draw(real, n) if score.on == "sentences" else real)
    if not (plan.floor or plan.ceiling):
        return row
    held = real if beside.held is None else true.take((true.groups == group) & beside.held)
    pools = {key: cells.take(cells.groups == group) for key, cells in beside.floors.items() if plan.floor}
    pools = {key: pool for key, pool in pools.items() if getattr(pool, score.part) is not None and len(pool.groups)}
    n = min(len(made.groups), len(real.groups) // 2, *(len(side.groups) for side in (*pools.values(), held)))
    if n < score.least:
        row["note"] = "too few real cells to halve, so no floors and no ceiling"
        return row
    row["n"] = n
    found: dict[str, list[float]] = {key: [] for key in VALUES[1:]}
    several = (pred.groups != group).any()
    # The control against itself has no effect to correlate.
    has_base = score.on != "effect" and base is not None and len(base.groups) >= score.least
    for _ in range(plan.n_repeats):
        order = rng.permutation(len(real.groups))
        half, rest = real.take(order[:n]), real.take(order[n : 2 * n])
        found["value_at_n"].append(value(draw(made, n), half))
        if plan.ceiling:
            found["ceiling"].append(value(rest, half))
        if plan.floor and has_base and base is not None:
            found["floor_control"].append(value(draw(base, n), half))
        if plan.floor and several:
            found["floor_shuffled"].append(value(draw(pred, n), half))
    for key, pool in pools.items():
        rng = np.random.default_rng(plan.random_state)
        found[key] = [value(draw(pool, n), draw(held, n)) for _ in range(plan.n_repeats)]
    return row | {key: float(np.mean(values)) for key, values in found.items() if values}


def compare_within(
    name: str, score: Score, pred: Cells, true: Cells, plan: Plan, beside: Beside = NOTHING
) -> dict[str, Any]:
    """Value, floors and ceiling of a score of all groups together, each less its mean.

    Only groups that both sides have count. Floors and ceiling are as in :func:`compare`.
    """
    groups = [g for g in sorted(set(true.groups.tolist()), key=str) if (pred.groups == g).any()]
    shared = true.take(np.isin(true.groups, groups))
    genes = most_varying(shared.genes, shared.groups, N_TOP)

    def together(cells: Cells) -> Cells:
        some = cells.take(np.isin(cells.groups, groups))
        return Cells(np.full(len(some.groups), ALL, dtype=object), genes=centred(some.genes[:, genes], some.groups))

    floors = {key: together(cells) for key, cells in beside.floors.items() if cells.genes is not None}
    held = None if beside.held is None else beside.held[np.isin(true.groups, groups)]
    return compare(name, score, ALL, together(pred), together(true), None, plan, Beside(floors, held))


def compare_groups(
    name: str, score: Score, pred: Cells, true: Cells, control: Control | None, plan: Plan, beside: Beside = NOTHING
) -> dict[str, Any]:
    """Value, floors and ceiling of a score that compares groups with each other."""
    row = _row(ALL, name, score, len(pred.groups), len(true.groups))
    groups = [g for g in sorted(set(true.groups.tolist()), key=str) if (pred.groups == g).any()]
    if len(groups) < 2:
        row["note"] = "needs 2 groups that both sides have: pass groupby="
        return row
    if len(left := sorted({*pred.groups.tolist(), *true.groups.tolist()} - set(groups), key=str)):
        row["note"] = f"only on one side: {', '.join(map(str, left))}"
    pred = pred.take(np.isin(pred.groups, groups))
    rng = np.random.default_rng(plan.random_state)
    row["value"] = score.of(pred, true, groups)
    halves = [_halves(true, groups, rng) for _ in range(plan.n_repeats)]
    if plan.ceiling and all(len(set(half.groups.tolist())) == len(groups) for pair in halves for half in pair):
        row["value_at_n"] = float(np.mean([score.of(pred, real, groups) for _, real in halves]))
        row["ceiling"] = float(np.mean([score.of(made, real, groups) for made, real in halves]))
    if plan.floor:
        shuffled = [pred._replace(groups=rng.permutation(pred.groups)) for _ in range(plan.n_repeats)]
        row["floor_shuffled"] = float(np.mean([score.of(made, true, groups) for made in shuffled]))
        if control is not None and all(len(control.rows[group]) for group in groups):
            drawn = np.concatenate([rng.choice(control.rows[g], (pred.groups == g).sum()) for g in groups])
            asked = np.concatenate([pred.groups[pred.groups == g] for g in groups])
            row["floor_control"] = score.of(control.cells.take(drawn)._replace(groups=asked), true, groups)
        held = true if beside.held is None else true.take(beside.held)
        for key, cells in beside.floors.items():
            if cells.rep is not None and all((side.groups == g).any() for side in (cells, held) for g in groups):
                row[key] = score.of(cells.take(np.isin(cells.groups, groups)), held, groups)
    return row


def _row(group: Any, name: str, score: Score, n_pred: int, n_true: int) -> dict[str, Any]:
    row: dict[str, Any] = {"group": group, "metric": name, "better": score.better}
    row |= dict.fromkeys((*VALUES, "low", "high"), float("nan"))
    return row | {"n_pred": n_pred, "n_true": n_true, "n": 0, "note": ""}


def _cells(n: int) -> str:
    return f"{n} cell" if n == 1 else f"{n} cells"


def _halves(cells: Cells, groups: list[Any], rng: np.random.Generator) -> tuple[Cells, Cells]:
    """Two halves of each group."""
    first, second = [], []
    for group in groups:
        rows = rng.permutation(np.flatnonzero(cells.groups == group))
        first.append(rows[: len(rows) // 2])
        second.append(rows[len(rows) // 2 :])
    return cells.take(np.concatenate(first)), cells.take(np.concatenate(second))
