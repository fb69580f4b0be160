from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from scc2s import metrics
from scc2s._cells.access import get_adata
from scc2s._cells.columns import column

from ._axes import finish, new_axes
from ._keys import either_name
from ._labels import given_labels

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes
    from mudata import MuData


def calibration(
    adata: AnnData | MuData,
    groupby: str,
    *,
    key: str = "c2s_cell_type",
    n_bins: int = 10,
    bins: Literal["width", "mass"] = "width",
    mod: str = "rna",
    color: str = "C0",
    ax: Axes | None = None,
    show: bool | None = None,
) -> Axes:
    """Whether labels are right as often as their probability says: a reliability diagram.

    Points are bins of cells by the probability of their label: its mean across, the share of right labels up, with a
    95 % interval. On the diagonal the two agree; below it the labels are too sure. Bars show how many cells there are
    in each bin. The title has the expected calibration error (ECE), what calibrated labels of so many cells would give,
    and the Brier score (:func:`scc2s.metrics.calibration`).

    Parameters
    ----------
    adata
        Cells with probabilities, of :func:`scc2s.tl.annotate` or :func:`scc2s.tl.transfer_labels`.
    groupby
        Column of ``.obs``: known cell types, in the words of the labels. Cells without one, and cells without
        probabilities, do not count; a type that is none of the labels counts as wrong.
    key
        Name of the labels in ``.obs``.
    n_bins
        Number of bins.
    bins
        ``"width"``: of equal width. ``"mass"``: with about as many cells in each.
    mod
        Modality, where `adata` is a MuData.
    color
        Of the points.
    ax
        Axes to draw on; ``None`` makes a figure.
    show
        Show the figure; ``None`` does as ``scanpy.settings.autoshow`` says, and never with `ax`.

    Returns
    -------
    The Axes.

    Raises
    ------
    KeyError
        If probabilities or the column are not there.
    ValueError
        If no cell has both.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> cells = sc.datasets.pbmc68k_reduced()
    >>> adata = cells[::2].copy()
    >>> sc.tl.c2s_transfer_labels(adata, cells[1::2].copy(), label_key="bulk_labels", method="knn")
    >>> sc.pl.c2s_calibration(adata, "bulk_labels", key="c2s_transfer_label", show=False).get_xlabel()
    'probability of the label'
    """
    data = get_adata(adata, mod)
    name = either_name(f"{key}_probs", data.obsm)
    if name not in data.obsm:
        msg = f"adata.obsm has no {name!r}; call sc.tl.c2s_annotate(adata, mode='score') first, or pass key="
        raise KeyError(msg)
    true, probs = column(data, groupby, "groupby"), data.obsm[name]
    counted = true.notna().to_numpy() & ~probs.isna().any(axis=1).to_numpy()
    if not counted.any():
        msg = f"no cell has both a probability and a known type; pass groupby= another column than {groupby!r}"
        raise ValueError(msg)
    names = given_labels(data, name.removesuffix("_probs"))  # as columns of obsm they cannot hold a slash
    labels = names if len(names) == probs.shape[1] else list(probs.columns)
    found = metrics.calibration(
        probs.to_numpy(dtype=float)[counted],
        true[counted].astype(str).tolist(),
        labels=labels,
        n_bins=n_bins,
        bins=bins,
    )
    given = ax
    ax = new_axes(ax, figsize=(5.8, 4.2))
    _draw(ax, found, color)
    ax.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="probability of the label", ylabel="share that is right")
    ax.set_title(
        f"ECE {found.ece:.3f} (calibrated: {found.ece_if_calibrated:.3f}), Brier {found.brier:.2f}\n"
        f"right {found.accuracy:.2f}, mean probability {found.confidence:.2f}, n={found.n}",
        fontsize=10,
    )
    ax.spines[["top", "right"]].set_visible(False)
    return finish(ax, show, given=given)


def _draw(ax: Axes, found: metrics.Calibration, color: str) -> None:
    ax.plot([0, 1], [0, 1], color="0.6", lw=0.8, ls="--", zorder=1, label="calibrated")
    shares = found.table["n"] / found.n
    ax.bar(
        found.table["low"], shares, found.table["high"] - found.table["low"], align="edge", color="0.88",
        edgecolor="white", zorder=0, label="share of cells",
    )  # fmt: skip
    table = found.table[found.table["n"] > 0]
    middle = table["accuracy"].to_numpy(dtype=float)
    errors = np.abs(table[["accuracy_low", "accuracy_high"]].to_numpy(dtype=float).T - middle)
    ax.errorbar(
        table["confidence"].to_numpy(dtype=float), middle, yerr=errors, fmt="o-", ms=4, lw=1, color=color, zorder=2,
        label="right, 95 % interval",
    )  # fmt: skip
    ax.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
