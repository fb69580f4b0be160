"""The cells that a report compares, by group."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PREDICTION, CONTROL = "prediction", "control"
OTHER_GROUPS, CEILING = "mean shift of other groups", "real cells, split half"


class SideCells(NamedTuple):
    """Cells of a group on one side."""

    X: np.ndarray
    """Cells x genes."""
    donors: np.ndarray | None

    def take(self, rows: np.ndarray) -> SideCells:
        """Some of them."""
        return SideCells(self.X[rows], None if self.donors is None else self.donors[rows])


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
        self.groups = sorted(set(self._data["pred"][1].tolist()), key=str)

    def cells(self, side: str, group: Any) -> SideCells:
        """Cells of a group, dense; none where the side has none."""
        if side not in self._data:
            return SideCells(np.empty((0, self._n_genes)), None)
        X, labels, donors = self._data[side]
        rows = np.flatnonzero(labels == group)
        some = X[rows]
        dense = np.asarray(some.toarray() if sparse.issparse(some) else some, dtype=np.float64)
        found = SideCells(dense, None if donors is None else donors[rows])
        return found.take(_by_content(found))

    def true_shifts(self) -> dict[Any, np.ndarray]:
        """Mean true shift of each group that has real and control cells."""
        found = {}
        for group in self.groups:
            real, base = self.cells("true", group).X, self.cells("control", group).X
            if len(real) and len(base):
                found[group] = real.mean(axis=0) - base.mean(axis=0)
        return found

    def predictors(self, group: Any, elsewhere: list[np.ndarray]) -> list[tuple[str, SideCells]]:
        """What is taken as prediction of a group; for the ceiling all real cells, still to be halved."""
        base = self.cells("control", group)
        found = [(PREDICTION, self.cells("pred", group)), (CONTROL, base)]
        if elsewhere:
            found.append((OTHER_GROUPS, base._replace(X=base.X + np.mean(elsewhere, axis=0))))
        found += [(name, self.cells(f"others: {name}", group)) for name in self._others]
        if "true" in self._data:
            found.append((CEILING, self.cells("true", group)))
        return found


def _by_content(cells: SideCells) -> np.ndarray:
    """An order of the cells that depends on what they hold alone, so that draws do not depend on the order of rows."""
    donors = [""] * len(cells.X) if cells.donors is None else cells.donors.tolist()
    keys = [
        hashlib.blake2b(row.tobytes(), digest_size=8).hexdigest() + str(donor)
        for row, donor in zip(cells.X + 0.0, donors, strict=True)  # -0.0 becomes 0.0
    ]
    return np.argsort(np.array(keys, dtype=str), kind="stable")


def _checked(name: str, given: tuple[Any, ...], with_donors: bool) -> tuple[Any, np.ndarray, np.ndarray | None]:
    X, *labels = given
    if with_donors and len(labels) < 2:
        msg = f"{name} has no donors; pass (cells, groups, donors)"
        raise ValueError(msg)
    arrays = [np.asarray(list(values), dtype=object) for values in labels[: 1 + with_donors]]
    for kind, values in zip(("group", "donor"), arrays, strict=False):
        if len(values) != X.shape[0]:
            msg = f"{name} has {X.shape[0]} cells and {len(values)} {kind}s; pass one {kind} for each cell"
            raise ValueError(msg)
        if kind == "donor" and any(value is None or value != value for value in values):
            msg = f"{name} has cells without a donor; leave them out, or pass donors=None"
            raise ValueError(msg)
    return sparse.csr_matrix(X) if sparse.issparse(X) else np.asarray(X), arrays[0], arrays[1] if with_donors else None
