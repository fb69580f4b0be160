from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ._scaling_fit import fit_scaling

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from ._scaling_fit import Law, ScalingFit

_AXES = ("n_samples", "n_parameters")


@dataclass(frozen=True)
class Scaling:
    """Runs of :func:`scc2s.train.scaling`.

    Attributes
    ----------
    table
        One row a run: ``size`` (name of the model), ``regime``, ``fraction``, ``seed``, ``n_parameters`` (of the model,
        without adapters), ``n_trained`` (of them or of the adapters, what training changes), ``n_samples``,
        ``learning_rate``, ``n_steps``, ``seconds``, ``loss_before`` and ``loss`` (nats a token of the held-out
        completions, before and after training), ``loss_<task>`` where there are several, and what ``score=`` returned.
    folder
        Where the runs lie.

    Examples
    --------
    >>> import pandas as pd
    >>> runs = pd.DataFrame({"size": "small", "regime": "full", "n_samples": [100, 300, 600, 1000]})
    >>> runs = runs.assign(n_parameters=100_000, loss=[2.10, 1.86, 1.71, 1.60])
    >>> round(Scaling(runs, "runs/scaling").fit().parameters["b_n_samples"], 1)
    -0.5
    """

    table: pd.DataFrame
    folder: str

    def fit(
        self,
        *,
        regime: str | None = None,
        size: str | None = None,
        over: Sequence[str] | None = None,
        value: str = "loss",
        law: Law = "log",
        n_boot: int = 500,
        level: float = 0.95,
        random_state: int = 0,
    ) -> ScalingFit:
        """A curve through the runs of one regime, with intervals (:class:`ScalingFit`).

        Parameters
        ----------
        regime
            Runs of it; needed where there are several.
        size
            Runs of this model alone; ``None``: of all.
        over
            ``"n_samples"``, ``"n_parameters"`` or both; ``None``: those that differ between these runs.
        value
            Column of the table.
        law
            ``"log"``: linear in the logarithm of each of `over`. ``"power"``: saturating power law of one.
        n_boot, level, random_state
            Draws of the bootstrap, share of the intervals, seed.

        Raises
        ------
        ValueError
            If there are no such runs, or too few for a curve.
        """
        return fit_table(
            self.table, regime=regime, size=size, over=over, value=value, law=law, n_boot=n_boot, level=level,
            random_state=random_state,
        )  # fmt: skip

    def text(self) -> str:
        """What was run, in two lines, and what it does not show."""
        table = self.table
        spans = {name: f"{table[name].min():,} to {table[name].max():,}" for name in _AXES}
        return (
            f"{len(table)} runs: {table['size'].nunique()} models of {spans['n_parameters']} parameters, "
            f"{spans['n_samples']} samples, {' and '.join(sorted(table['regime'].unique()))}, "
            f"{table['seed'].nunique()} seed(s); held-out loss {table['loss'].min():.3g} to "
            f"{table['loss'].max():.3g}.\nThey say nothing of models, data or tasks beyond these."
        )


def fit_table(
    table: pd.DataFrame,
    *,
    regime: str | None = None,
    size: str | None = None,
    over: Sequence[str] | None = None,
    value: str = "loss",
    law: Law = "log",
    n_boot: int = 500,
    level: float = 0.95,
    random_state: int = 0,
) -> ScalingFit:
    """:meth:`Scaling.fit` for its table."""
    regimes = sorted(table["regime"].unique())
    if regime is None and len(regimes) > 1:
        msg = f"the runs are of several regimes, which one curve does not join; pass regime= one of {regimes}"
        raise ValueError(msg)
    chosen = table[(table["regime"] == regime) if regime is not None else np.ones(len(table), dtype=bool)]
    if size is not None:
        chosen = chosen[chosen["size"] == size]
    if not len(chosen):
        sizes = sorted(table["size"].unique())
        msg = f"there is no run of regime={regime!r}, size={size!r}; pass one of {regimes}, {sizes}"
        raise ValueError(msg)
    if value not in chosen:
        msg = f"the runs have no {value!r}; pass value= one of {[c for c in chosen if chosen[c].dtype.kind == 'f']}"
        raise ValueError(msg)
    if over is None:
        over = [name for name in _AXES if chosen[name].nunique() > 1] or [_AXES[0]]
    over = [over] if isinstance(over, str) else list(over)
    if unknown := [name for name in over if name not in _AXES]:
        msg = f"over={unknown[0]!r} is not known; pass {' or '.join(map(repr, _AXES))}"
        raise ValueError(msg)
    x = {name: chosen[name].to_numpy(dtype=float) for name in over}
    losses = chosen[value].to_numpy(dtype=float)
    return fit_scaling(x, losses, law=law, n_boot=n_boot, level=level, random_state=random_state)
