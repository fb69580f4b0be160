from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scc2s._cells.arguments import whole
from scc2s.metrics import perturbation_yardsticks
from scc2s.tl._comparing.panel import read_panel, target_columns

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData
    from mudata import MuData

    from scc2s.metrics._natural_units import Units
    from scc2s.tl._comparing.panel import Targets


def evaluate_perturbations(
    pred: AnnData | MuData,
    true: AnnData | MuData,
    *,
    groupby: str,
    control: AnnData | MuData | str,
    units: Units,
    true_units: Units | None = None,
    layer: str | None = None,
    true_layer: str | None = None,
    targets: Targets | None = None,
    contexts: str | None = None,
    n_repeats: int = 5,
    n_boot: int = 1000,
    random_state: int = 0,
    mod: str = "rna",
) -> pd.DataFrame:
    """Score predicted cells of many perturbations as the field does, between the mean response and a replicate.

    The six scores of the Virtual Cell Challenge 2026 (profile vcc2026 of cell-eval2 0.20.0): can perturbations be told
    apart, how far off is expression, do differentially expressed genes agree in direction, order, set and size. See
    :func:`scc2s.metrics.perturbation_yardsticks`, which this calls.

    Parameters
    ----------
    pred, true
        Predicted and real cells, over the same genes. As many of each perturbation in `pred` as in `true`.
    groupby
        Column of ``.obs`` of both with the perturbation.
    control
        Value of `groupby` that names the control cells of `true`, e.g. ``"ctrl"``, or an AnnData of real control cells.
        Cells of `pred` under this name are not used: effects begin at the real control cells on both sides.
    units
        What the values are: ``"counts"``; ``"log1p_cp10k"``, ln(1 + counts per 10,000); or ``"log10_cp10k"``, with the
        logarithm to base 10. Never guessed; values that cannot be in these units are refused. The challenge scores
        counts; with logarithms on a side the depth of cells is lost, and each cell weighs the same.
    true_units
        Units of `true` and `control`, where they are others than those of `pred`.
    layer, true_layer
        Layer of `pred` (of `true` and `control`) with expression; ``None``: ``.X``.
    targets
        Names of the genes that a perturbation acts on directly, by perturbation; no score looks at them, since a
        knockdown of the gene that is knocked down is not a prediction. ``None``: the gene that a perturbation is named
        after, where there is one; ``{}``: none.
    contexts
        Column of ``.obs`` of all sides, e.g. ``"cell_type"``: each value is scored on its own, with control cells of
        its own. ``None``: all cells are one context.
    n_repeats
        Draws that floors and ceiling are means of; 0: one for the floor, and no ceiling, so that nothing is scaled.
    n_boot
        Bootstrap samples for the intervals of the scaled scores; 0: none.
    random_state
        Seed of the draws, 0 or more.
    mod
        Modality, where a side is a MuData.

    Returns
    -------
    The table of :func:`scc2s.metrics.perturbation_yardsticks`: one row for each score and perturbation and one for
    their mean, with ``value``, ``floor`` (the mean response), ``floor_control`` (nothing happens), ``ceiling`` (a
    replicate) and ``scaled`` (0 at the floor, 1 at the ceiling). With `contexts`, a first column names the context.

    Raises
    ------
    KeyError
        A column, layer or target gene is not there.
    ValueError
        Sides with other genes, values that are not in the units stated, perturbations that `pred` lacks or that have
        fewer than 4 real cells, or no control cells.

    Examples
    --------
    >>> import scanpy as sc, scc2s, anndata as ad
    >>> rng = np.random.default_rng(0)
    >>> rates = rng.gamma(2, 4, (4, 60))
    >>> true = ad.AnnData(rng.poisson(np.repeat(rates, 30, 0)).astype("float32"))
    >>> true.obs["drug"] = np.repeat(["ctrl", "a", "b", "c"], 30)
    >>> table = sc.tl.c2s_evaluate_perturbations(true, true, groupby="drug", control="ctrl", units="counts")
    >>> bool(table.query("metric == 'sig_jaccard'")["value"].eq(1).all())
    True
    """
    whole("n_repeats", n_repeats, 0)
    whole("n_boot", n_boot, 0)
    whole("random_state", random_state, 0)
    sides = read_panel(
        pred,
        true,
        control,
        groupby=groupby,
        contexts=contexts,
        units=(units, true_units or units),
        layers=(layer, true_layer),
        mod=mod,
    )
    columns = target_columns(targets, sorted(set(sides.true.groups)), sides.genes)
    tables = {}
    for context in sorted(set(sides.true.contexts)):
        made, real, base = (side.of(side.contexts == context) for side in sides[:3])
        tables[context] = perturbation_yardsticks(
            made.X,
            real.X,
            base.X,
            pred_groups=made.groups.tolist(),
            true_groups=real.groups.tolist(),
            units=units,
            true_units=true_units,
            targets=columns,
            names=sides.genes,
            n_repeats=n_repeats,
            n_boot=n_boot,
            random_state=random_state,
        )
    return _together(tables) if contexts else tables[""]


def _together(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    for context, table in tables.items():
        table.insert(0, "context", np.full(len(table), context, dtype=object))
    return pd.concat(tables.values(), ignore_index=True)
