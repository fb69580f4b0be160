from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.colors as mcolors
import numpy as np
import pytest
from matplotlib import pyplot as plt

import scc2s

if TYPE_CHECKING:
    import anndata as ad
    from matplotlib.axes import Axes


def heat(ax: Axes) -> np.ndarray:
    return np.ma.filled(ax.images[0].get_array().astype(float), np.nan)


def ticks(ax: Axes) -> tuple[list[str], list[str]]:
    return [t.get_text() for t in ax.get_xticklabels()], [t.get_text() for t in ax.get_yticklabels()]


def test_confusion_shows_the_share_of_each_groups_cells(annotated: ad.AnnData) -> None:
    ax = scc2s.pl.labels(annotated, "truth", show=False)
    assert ticks(ax) == (["B/x", "A"], ["b", "a", "never"])
    np.testing.assert_allclose(heat(ax), [[2 / 3, 1 / 3], [0, 1], [np.nan, np.nan]])


def test_labels_that_no_cell_got_keep_their_column(annotated: ad.AnnData) -> None:
    params = {"key_added": "c2s_cell_type", "labels": np.array(["A", "C", "B/x"])}
    annotated.uns["c2s"] = {"rank_fit": {"slope": -1.0}, "annotate": {"params": params}}
    ax = scc2s.pl.labels(annotated, "truth", show=False)
    assert ticks(ax)[0] == ["A", "C", "B/x"]
    np.testing.assert_allclose(heat(ax)[:2], [[1 / 3, 0, 2 / 3], [1, 0, 0]])


def test_probability_shows_the_mean_of_each_group_under_the_labels_as_given(annotated: ad.AnnData) -> None:
    annotated.uns["c2s"] = {"annotate": {"params": {"key_added": "c2s_cell_type", "labels": np.array(["B/x", "A"])}}}
    ax = scc2s.pl.labels(annotated, "truth", kind="probability", show=False)
    assert ticks(ax)[0] == ["B/x", "A"]
    np.testing.assert_allclose(heat(ax), [[0.6, 0.4], [0.2, 0.8], [np.nan, np.nan]])


def test_rows_have_the_colors_of_their_groups(annotated: ad.AnnData) -> None:
    ax = scc2s.pl.labels(annotated, "truth", show=False)
    shown = [mcolors.to_hex(c) for c in ax.collections[0].get_facecolors()]
    assert shown == annotated.uns["truth_colors"]
    del annotated.uns["truth_colors"]
    assert not scc2s.pl.labels(annotated, "truth", show=False).collections


def test_given_axes_are_drawn_on_and_not_shown(annotated: ad.AnnData, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(1))
    _, ax = plt.subplots()
    assert scc2s.pl.labels(annotated, "truth", ax=ax) is ax
    assert not shown
    scc2s.pl.labels(annotated, "truth", ax=ax, show=True)
    assert shown


def test_new_figure_is_shown_as_scanpy_would(annotated: ad.AnnData, monkeypatch: pytest.MonkeyPatch) -> None:
    import scanpy as sc

    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(1))
    before = sc.settings.autoshow
    try:
        for sc.settings.autoshow in (False, True):
            scc2s.pl.labels(annotated, "truth")
            assert bool(shown) is sc.settings.autoshow
    finally:
        sc.settings.autoshow = before


@pytest.mark.parametrize(
    ("kwargs", "error", "message"),
    [
        ({"groupby": "leiden"}, KeyError, "pass groupby="),
        ({"groupby": "truth", "key": "mine"}, KeyError, r"sc\.tl\.c2s_annotate"),
        ({"groupby": "truth", "kind": "bars"}, ValueError, "pass kind="),
        ({"groupby": "c2s_cell_type", "key": "truth", "kind": "probability"}, KeyError, "mode='score'"),
    ],
)
def test_errors_name_what_to_call(
    annotated: ad.AnnData, kwargs: dict[str, str], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        scc2s.pl.labels(annotated, **kwargs, show=False)


@pytest.mark.parametrize("kind", ["confusion", "probability"])
def test_each_row_says_how_many_cells_it_is_about(annotated: ad.AnnData, kind: str) -> None:
    ax = scc2s.pl.labels(annotated, "truth", kind=kind, show=False)
    n = {round(text.get_position()[1]): text.get_text() for text in ax.texts if text.get_text().startswith("n=")}
    assert n == {0: "n=3", 1: "n=2", 2: "n=0"}  # one cell of the second row has no label
