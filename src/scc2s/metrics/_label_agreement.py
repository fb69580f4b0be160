from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._bootstrap import MIN_CLUSTERS, draws, interval_ends, say_too_few

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

MEASURES = ("agreement", "balanced agreement", "macro F1", "kappa", "adjusted Rand")


def label_agreement(
    found: Sequence[Any],
    reference: Sequence[Any],
    *,
    clusters: Sequence[Any] | None = None,
    n_boot: int = 1000,
    level: float = 0.95,
    random_state: int = 0,
) -> pd.DataFrame:
    """How far two labellings of the same cells agree, with what the commonest label alone gets, and intervals.

    Parameters
    ----------
    found
        Label of each cell; a missing one agrees with none, and is a label of its own for ``"adjusted Rand"``.
    reference
        The other labels, none missing; the truth, where there is one.
    clusters
        Cluster of each cell, e.g. its donor: whole clusters are drawn (:func:`bootstrap`). ``None``: cells are drawn,
        and the interval is too narrow for other donors.
    n_boot
        Bootstrap samples; 0: no intervals.
    level
        Of the intervals.
    random_state
        Seed.

    Returns
    -------
    A row for each measure, with ``value``, ``low``, ``high``, and ``floor``, its value where each cell gets the most
    frequent label of `reference`:

    ``"agreement"``
        Share of cells with the same label; the accuracy, where `reference` is the truth.
    ``"balanced agreement"``
        Mean over the labels of `reference` of the share of their cells with the same label.
    ``"macro F1"``
        Mean F1 over the labels of `reference`.
    ``"kappa"``
        Agreement beyond that of chance (Cohen 1960, Educational and Psychological Measurement 20:37).
    ``"adjusted Rand"``
        Agreement of the two partitions, whatever their labels are called: 0 for chance (Hubert and Arabie 1985, Journal
        of Classification 2:193).

    Raises
    ------
    ValueError
        Other lengths, no cells, missing labels in `reference`, or a cell without a cluster.

    Examples
    --------
    >>> table = label_agreement(["B", "T", "T", "T"], ["B", "B", "T", "T"], n_boot=0)
    >>> table.loc["agreement", ["value", "floor"]].tolist()
    [0.75, 0.5]
    """
    import pandas as pd

    a, b = pd.Series(list(found), dtype=object), pd.Series(list(reference), dtype=object)
    if len(a) != len(b) or not len(a) or n_boot < 0:
        msg = f"{len(a)} labels beside {len(b)} (n_boot={n_boot}); pass as many, at least one, and n_boot= from 0"
        raise ValueError(msg)
    if n_missing := int(b.isna().sum()):
        msg = f"{n_missing} labels of reference are missing; leave these cells out: adata[adata.obs[key].notna()]"
        raise ValueError(msg)
    kinds = sorted(set(b.astype(str)))
    columns = [*kinds, *sorted(set(a.dropna().astype(str)) - set(kinds)), None]
    place = {name: i for i, name in enumerate(columns)}
    row = np.array([place[str(value)] for value in b])
    col = np.array([place[None if pd.isna(value) else str(value)] for value in a])
    units = _units(clusters, len(a))
    tables = _tables(row, col, units, (len(kinds), len(columns)))
    whole = tables.sum(axis=0)
    values = _measures(whole)
    commonest = np.zeros_like(whole)
    commonest[:, whole.sum(axis=1).argmax()] = whole.sum(axis=1)
    samples = _samples(tables, whole, units is None, n_boot, random_state)
    n_units = len(a) if units is None else len(tables)
    low, high = interval_ends(values, samples, n_units, level)
    if n_boot and units is not None and n_units < MIN_CLUSTERS:
        say_too_few(n_units, "donors (or other clusters)")
    columns_out = {"value": values, "low": low, "high": high, "floor": _measures(commonest)}
    return pd.DataFrame(columns_out, index=list(MEASURES))


def _units(clusters: Sequence[Any] | None, n: int) -> np.ndarray | None:
    import pandas as pd

    if clusters is None:
        return None
    codes = np.asarray(pd.factorize(np.asarray(list(clusters), dtype=object), sort=False)[0])
    if len(codes) != n or (codes < 0).any():
        msg = f"{len(codes)} clusters for {n} cells, or a cell without one; pass clusters= one for each"
        raise ValueError(msg)
    return codes


def _tables(row: np.ndarray, col: np.ndarray, units: np.ndarray | None, shape: tuple[int, int]) -> np.ndarray:
    """Cells by label on both sides: units x labels x labels; one unit where cells are drawn."""
    at = np.zeros(len(row), dtype=np.intp) if units is None else units
    n = int(at.max()) + 1
    flat = np.bincount((at * shape[0] + row) * shape[1] + col, minlength=n * shape[0] * shape[1])
    return flat.reshape(n, *shape).astype(np.float64)


def _samples(tables: np.ndarray, whole: np.ndarray, cells: bool, n_boot: int, random_state: int) -> np.ndarray:
    """Measures of bootstrap samples. Drawing cells with replacement is drawing from the table that they make."""
    rng = np.random.default_rng(random_state)
    if not n_boot:
        return np.empty((0, len(MEASURES)))
    if cells:
        n = int(whole.sum())
        flat = rng.multinomial(n, whole.ravel() / n, n_boot).reshape(n_boot, *whole.shape)
        return np.array([_measures(table) for table in flat.astype(np.float64)])
    return np.array([_measures(tables[drawn].sum(axis=0)) for drawn in draws(rng, len(tables), n_boot)])


def _measures(table: np.ndarray) -> np.ndarray:
    """The measures of a table of counts whose first columns are the labels of its rows, in their order."""
    n, k = table.sum(), table.shape[0]
    truth, given = table.sum(axis=1), table.sum(axis=0)
    same = np.diagonal(table[:, :k])
    there = truth > 0  # a bootstrap sample may lack a label
    recall = np.divide(same, truth, out=np.zeros(k), where=there)
    f1 = 2 * same / np.maximum(truth + given[:k], 1)
    agreement = same.sum() / n
    chance = (truth * given[:k]).sum() / n**2
    kappa = (agreement - chance) / (1 - chance) if chance < 1 else 1.0
    return np.array([agreement, recall[there].mean(), f1[there].mean(), kappa, _adjusted_rand(table)])


def _adjusted_rand(table: np.ndarray) -> float:
    def pairs(counts: np.ndarray) -> float:
        return float((counts * (counts - 1)).sum() / 2)

    both, rows, columns = pairs(table), pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    every = pairs(np.array([table.sum()]))
    expected = rows * columns / every if every else 0.0
    most = (rows + columns) / 2
    return 1.0 if most == expected else (both - expected) / (most - expected)
