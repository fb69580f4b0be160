"""The cells that a report compares, by group and, where they are known, by donor."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PREDICTION, CONTROL = "prediction", "control"
OTHER_GROUPS, OTHER_DONORS = "mean shift of other groups", "mean shift of other donors"
CEILING = "real cells, split half"
_REFERENCE = "reference"
"""Control cells of donors that nothing is predicted for."""


class SideCells(NamedTuple):
    """Cells of a group on one side."""

    X: np.ndarray
    """Cells x genes."""
    donors: np.ndarray | None


class Predictor(NamedTuple):
    """What is taken as prediction of a group, or of a donor of it."""

    name: str
    cells: SideCells
    paired: bool
    """Whether its rows are the control cells in the same order."""
    shift: np.ndarray | None = None
    """The shift of all cells where it is one and the same: 1 x genes."""


class Stratum(NamedTuple):
    """Cells of a group, or of one donor of it, and what is taken as their prediction."""

    base: SideCells
    real: SideCells
    predictors: list[Predictor]


class ReportSides:
    """Prediction, truth, control and other predictions, with the groups that the prediction has.

    Raises
    ------
    ValueError
        Other numbers of genes, or groups or donors that are not one for each cell.
    """

    def __init__(
        self,
        pred: Any,
        true: Any,
        control: Any,
        pred_groups: Sequence[Any],
        true_groups: Sequence[Any] | np.ndarray | None,
        control_groups: Sequence[Any],
        others: Mapping[str, tuple[Any, ...]],
        donors: Mapping[str, Sequence[Any] | np.ndarray | None] | None,
    ) -> None:
        given: dict[str, tuple[Any, ...]] = {"pred": (pred, pred_groups), "control": (control, control_groups)}
        if true is not None:
            given["true"] = (true, [] if true_groups is None else true_groups)
        if donors is not None:
            if lacking := [name for name in given if donors.get(name) is None]:
                msg = f"donors has none for {lacking[0]!r}; pass donors={{'pred': ..., 'true': ..., 'control': ...}}"
                raise ValueError(msg)
            given = {name: (*pair, donors[name]) for name, pair in given.items()}
        self._others = list(others)
        given |= {f"others: {name}": found for name, found in others.items()}
        widths = {name: found[0].shape[1] for name, found in given.items()}
        if len(set(widths.values())) > 1:
            msg = f"the sides have other numbers of genes ({widths}); take the same from all: adata[:, genes]"
            raise ValueError(msg)
        self._n_genes = next(iter(widths.values()))
        self._data = {name: _checked(name, found, donors is not None) for name, found in given.items()}
        self._split_reference()
        self._places = {name: _places(found[1]) for name, found in self._data.items()}
        self.groups = sorted(set(self._data["pred"][1].tolist()), key=str)
        self._paired = {name for name, found in self._data.items() if _same_cells(found, self._data["control"])}
        self._shifts = {group: self._true_shift(group) for group in self.groups}

    def elsewhere(self, group: Any) -> list[np.ndarray]:
        """Mean true shift of each other group that has real and control cells."""
        return [shift for other, shift in self._shifts.items() if other != group and shift is not None]

    def own(self, group: Any) -> np.ndarray | None:
        """Mean true shift of a group; ``None`` without real or control cells."""
        return self._shifts[group]

    def strata(self, group: Any) -> tuple[list[Stratum], bool]:
        """The donors of a group that have cells on all sides, at least two each; where none has, the group as it is.

        The second says whether they are donors.
        """
        by_donor = [self._stratum(group, donor) for donor in self._donors_of("pred", group)]
        sides = ("base", "real") if "true" in self._data else ("base",)
        whole = [
            one
            for one in by_donor
            if min(len(one.predictors[0].cells.X), *(len(getattr(one, side).X) for side in sides)) > 1
        ]
        return (whole, True) if whole else ([self._stratum(group, None)], False)

    def _stratum(self, group: Any, donor: Any) -> Stratum:
        names = ["pred", *(f"others: {name}" for name in self._others)]
        rows = {name: self._rows(name, group, donor) for name in ("control", *names)}
        together = [name for name in ("control", *names) if name == "control" or name in self._paired]
        order = _by_content([self._take(name, rows[name]) for name in together])
        found = {name: self._take(name, rows[name][order]) for name in together}
        for name in names:
            if name not in found:
                alone = self._take(name, rows[name])
                found[name] = self._take(name, rows[name][_by_content([alone])])
        base, real = found["control"], self._sorted("true", group, donor)
        predictors = [Predictor(PREDICTION, found["pred"], "pred" in self._paired), Predictor(CONTROL, base, True)]
        constant = {}
        if elsewhere := self.elsewhere(group):
            constant[OTHER_GROUPS] = np.mean(elsewhere, axis=0)
        if donor is not None and (shifts := self._shifts_of_other_donors(group, donor)):
            constant[OTHER_DONORS] = np.mean(shifts, axis=0)
        for name, shift in constant.items():
            predictors.append(Predictor(name, base._replace(X=base.X + shift), True, shift[None]))
        for name in self._others:
            side = f"others: {name}"
            predictors.append(Predictor(name, found[side], side in self._paired))
        if "true" in self._data:
            predictors.append(Predictor(CEILING, real, False))
        return Stratum(base, real, predictors)

    def _shifts_of_other_donors(self, group: Any, donor: Any) -> list[np.ndarray]:
        """Mean true shift of the same group in each other donor that has real and control cells, at least two each."""
        found = []
        for other in self._donors_of("true", group):
            if other == donor:
                continue
            side = "control" if len(self._rows("control", group, other)) else _REFERENCE
            real, base = self._sorted("true", group, other).X, self._sorted(side, group, other).X
            if min(len(real), len(base)) > 1:
                found.append(real.mean(axis=0) - base.mean(axis=0))
        return found

    def _true_shift(self, group: Any) -> np.ndarray | None:
        real, base = self._sorted("true", group, None).X, self._sorted("control", group, None).X
        return real.mean(axis=0) - base.mean(axis=0) if len(real) and len(base) else None

    def _split_reference(self) -> None:
        """Control cells of donors without a prediction become a side of their own."""
        X, labels, donors = self._data["control"]
        own = self._data["pred"][2]
        if donors is None or own is None or not set(own) & set(donors):
            return
        here = np.isin(donors, own)
        self._data["control"] = (X[here], labels[here], donors[here])
        self._data[_REFERENCE] = (X[~here], labels[~here], donors[~here])

    def _donors_of(self, side: str, group: Any) -> list[Any]:
        donors = self._data[side][2] if side in self._data else None
        return [] if donors is None else sorted(set(donors[self._rows(side, group, None)].tolist()), key=str)

    def _rows(self, side: str, group: Any, donor: Any) -> np.ndarray:
        here = self._places.get(side, {}).get(group, np.empty(0, dtype=np.intp))
        donors = self._data[side][2] if side in self._data else None
        return here if donor is None or donors is None else here[donors[here] == donor]

    def _take(self, side: str, rows: np.ndarray) -> SideCells:
        """Cells, dense."""
        if side not in self._data:
            return SideCells(np.empty((0, self._n_genes)), None)
        X, _, donors = self._data[side]
        some = X[rows]
        dense = np.asarray(some.toarray() if sparse.issparse(some) else some, dtype=np.float64)
        return SideCells(dense, None if donors is None else donors[rows])

    def _sorted(self, side: str, group: Any, donor: Any) -> SideCells:
        found = self._take(side, self._rows(side, group, donor))
        order = _by_content([found])
        return SideCells(found.X[order], None if found.donors is None else found.donors[order])


def _places(labels: np.ndarray) -> dict[Any, np.ndarray]:
    """Rows of each label, found once, since there may be as many labels as cells; a missing one is none."""
    found: dict[Any, list[int]] = {}
    for row, label in enumerate(labels.tolist()):
        if label == label:
            found.setdefault(label, []).append(row)
    return {label: np.array(rows, dtype=np.intp) for label, rows in found.items()}


def _same_cells(side: tuple[Any, ...], control: tuple[Any, ...]) -> bool:
    """Whether a side has as many cells as the control, of the same groups and donors in the same order."""
    pairs = zip(side[1:], control[1:], strict=True)
    return all(a is b or (a is not None and b is not None and np.array_equal(a, b)) for a, b in pairs)


def _by_content(sides: list[SideCells]) -> np.ndarray:
    """An order of the cells that depends on what they hold alone, so that draws do not depend on the order of rows."""
    keys = [""] * len(sides[0].X)
    for side in sides:
        donors = [""] * len(side.X) if side.donors is None else side.donors.tolist()
        keys = [
            key + hashlib.blake2b(row.tobytes(), digest_size=8).hexdigest() + str(donor)
            for key, row, donor in zip(keys, side.X + 0.0, donors, strict=True)  # -0.0 becomes 0.0
        ]
    return np.argsort(np.array(keys, dtype=str), kind="stable")


def _checked(name: str, given: tuple[Any, ...], with_donors: bool) -> tuple[Any, np.ndarray, np.ndarray | None]:
    X, *labels = given
    if with_donors and len(labels) < 2:
        msg = f"{name} has no donors; pass (cells, groups, donors)"
        raise ValueError(msg)
    arrays = [_objects(values) for values in labels[: 1 + with_donors]]
    for kind, values in zip(("group", "donor"), arrays, strict=False):
        if len(values) != X.shape[0]:
            msg = f"{name} has {X.shape[0]} cells and {len(values)} {kind}s; pass one {kind} for each cell"
            raise ValueError(msg)
        if kind == "donor" and any(value is None or value != value for value in values):
            msg = f"{name} has cells without a donor; leave them out, or pass donors=None"
            raise ValueError(msg)
    return sparse.csr_matrix(X) if sparse.issparse(X) else np.asarray(X), arrays[0], arrays[1] if with_donors else None


def _objects(values: Any) -> np.ndarray:
    return np.asarray(list(values), dtype=object)
