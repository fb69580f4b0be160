"""No label of a figure is cut, and none lies on another, at 5, 20 or 80 categories."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

import scc2s

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

MANY = (5, 20, 80)


def names(n: int) -> list[str]:
    """As long as names of cell types are."""
    kinds = ("CD4-positive, alpha-beta memory T cell", "B cell", "classical monocyte", "plasmacytoid dendritic cell")
    return [f"{kinds[i % 4]} {i}" for i in range(n)]


def cells(n: int) -> ad.AnnData:
    rng = np.random.default_rng(0)
    codes = np.concatenate([np.arange(n), rng.integers(0, n, 9 * n)])
    obs = pd.DataFrame({"known": pd.Categorical.from_codes(codes, names(n))}, index=[f"cell{i}" for i in range(10 * n)])
    wrong = np.where(rng.random(10 * n) < 0.3, rng.permutation(codes), codes)
    obs["found"] = pd.Categorical.from_codes(wrong, names(n))
    return ad.AnnData(rng.poisson(1.0, (10 * n, 5)).astype("float32"), obs=obs)


def labels(n: int) -> Axes:
    return scc2s.pl.labels(cells(n), "known", key="found", show=False)


def confusion(n: int) -> Axes:
    adata = cells(n)
    scc2s.tl.compare_labels(adata, "found", "known", n_boot=0)
    return scc2s.pl.confusion(adata, show=False)


def perturbation(n: int) -> Axes:
    table = pd.DataFrame(
        {"group": np.repeat(names(n), 3), "predictor": ["prediction", "control", "scrambled name"] * n}
    )
    table = table.assign(condition="IFN-beta", program_shift=np.linspace(0, 1, 3 * n))
    adata = ad.AnnData(np.ones((2, 2), dtype="float32"))
    adata.uns["c2s"] = {"perturb": {"perturbed": {"controls": table}}}
    return scc2s.pl.perturbation(adata, show=False)


def screened(n: int, *, neutral: bool) -> Axes:
    rng = np.random.default_rng(0)
    positive = np.arange(40) < 20
    effects = rng.normal(0, 0.3, (n, 1)) * np.where(positive, 1, 0.6) + rng.normal(0, 0.1, (n, 40))
    given = [f"{name} inhibitor" for name in names(n)]
    table = scc2s.metrics.screen_table(effects, given, positive=positive, neutral=~positive if neutral else None)
    return scc2s.pl.screen(ad.AnnData(np.ones((1, 1)), uns={"c2s": {"screen": table}}), show=False)


def neighborhood(n: int) -> Axes:
    adata = cells(n)
    side = 10 * (10 * n) ** 0.5
    adata.obsm["spatial"] = np.random.default_rng(1).uniform(0, side, (adata.n_obs, 2))
    scc2s.pp.neighborhoods(adata, radius=20, unit="um", spatial_unit="um", n_contexts=4, n_cells=3)
    table = adata.uns["c2s"]["neighborhoods"]["table"]
    return scc2s.pl.neighborhood(adata, str(table.index[table["label"] == "no"][0]), color="known", show=False)


def validity(n: int) -> Axes:
    obs = pd.DataFrame({"c2s_valid": [0.9, 1.0], "c2s_unique": [1.0, 0.5], "c2s_complete": True, "c2s_n_words": 20})
    one = ad.AnnData(np.ones((2, 1), dtype="float32"), obs=obs.set_index(pd.Index(["a", "b"])))
    return scc2s.pl.validity(dict.fromkeys(names(min(n, 20)), one), show=False)


def attention(n: int) -> Axes:
    genes = [f"HLA-DRB{i}-AS1" for i in range(n)]
    rows = [("cell0", a, b, i, j, 1 / (1 + j)) for i, a in enumerate(genes) for j, b in enumerate(genes) if j <= i]
    table = pd.DataFrame(rows, columns=["cell", "gene", "attends_to", "position", "position_to", "weight"])
    adata = ad.AnnData(np.ones((1, 1)), uns={"c2s": {"attention": table}})
    return scc2s.pl.attention(adata, n_genes=n, show=False)


def sentence(n: int) -> Axes:
    genes = [f"HLA-DRB{i}-AS1" for i in range(n)]
    adata = ad.AnnData(np.arange(n, 0, -1, dtype="float32")[None], var=pd.DataFrame(index=genes))
    scc2s.pp.sentences(adata)
    return scc2s.pl.sentence(adata, 0, n_genes=n, show=False)


PLOTS = {
    "labels": labels,
    "confusion": confusion,
    "perturbation": perturbation,
    "screen": lambda n: screened(n, neutral=True),
    "ranked screen": lambda n: screened(n, neutral=False),
    "neighborhood": neighborhood,
    "validity": validity,
    "attention": attention,
    "sentence": sentence,
}


@pytest.mark.parametrize("n", MANY)
@pytest.mark.parametrize("draw", PLOTS.values(), ids=PLOTS)
def test_no_label_is_cut_or_written_over(draw: Callable[[int], Axes], n: int) -> None:
    ax = draw(n)
    try:
        assert not cut(ax)
        assert not written_over(ax)
    finally:
        plt.close("all")


def cut(ax: Axes) -> list[str]:
    """Sides at which something that is drawn leaves the figure, by how many inches."""
    figure = ax.figure
    figure.canvas.draw()
    drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    over = {"left": -drawn.x0, "right": drawn.x1 - width, "bottom": -drawn.y0, "top": drawn.y1 - height}
    return [f"{side}: {inches:.2f}" for side, inches in over.items() if inches > 0.02]


def written_over(ax: Axes) -> list[tuple[str, str]]:
    """Texts inside of the Axes, and neighbours among labels of an axis, of which one begins before the other ends."""
    found = []
    for axis, at in ((ax.xaxis, "x"), (ax.yaxis, "y")):
        ticks = [text for text in axis.get_ticklabels() if shown(text)]
        size = max((text.get_fontsize() for text in ticks), default=0) * ax.figure.dpi / 72
        turned = any(text.get_rotation() for text in ticks)
        for a, b in zip(ticks, ticks[1:], strict=False):
            one, other = a.get_window_extent(), b.get_window_extent()
            if at == "x" and turned:  # rows of text, a line apart
                near = abs(other.x1 - one.x1) < 0.9 * size
            else:
                low, high = sorted((one, other), key=lambda box: getattr(box, f"{at}0"))
                near = getattr(low, f"{at}1") - getattr(high, f"{at}0") > 0.25 * size
            if near:
                found.append((a.get_text(), b.get_text()))
    inside = [text for text in ax.texts if shown(text)]
    for i, a in enumerate(inside):
        box = plt.Text.get_window_extent(a).padded(-1)  # without its line
        found += [(a.get_text(), b.get_text()) for b in inside[:i] if box.overlaps(plt.Text.get_window_extent(b))]
    return found


def shown(text: plt.Text) -> bool:
    return bool(text.get_text().strip()) and text.get_visible() and text.get_in_layout()
