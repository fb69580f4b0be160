from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import scc2s

if TYPE_CHECKING:
    import anndata as ad


@pytest.fixture
def known(annotated: ad.AnnData) -> ad.AnnData:
    """Five cells with probabilities, four of them right."""
    annotated.obs["known"] = ["B/x", "B/x", "A", "A", "B/x", None]
    annotated.uns["c2s"] = {"annotate": {"params": {"key_added": "c2s_cell_type", "labels": np.array(["B/x", "A"])}}}
    return annotated


def test_points_are_bins_and_cells_without_an_answer_do_not_count(known: ad.AnnData) -> None:
    ax = scc2s.pl.calibration(known, "known", show=False)
    x, y = ax.containers[-1].lines[0].get_data()
    np.testing.assert_allclose(x, [0.7, 0.8, 0.9])
    np.testing.assert_allclose(y, [0.5, 1, 1])
    assert "n=5" in ax.get_title()
    assert "right 0.80" in ax.get_title()


def test_labels_with_a_slash_are_those_of_the_record(known: ad.AnnData) -> None:
    del known.uns["c2s"]
    assert "right 0.40" in scc2s.pl.calibration(known, "known", show=False).get_title()


def test_given_axes_and_names_without_the_prefix_are_taken(known: ad.AnnData) -> None:
    from matplotlib import pyplot as plt

    _, ax = plt.subplots()
    assert scc2s.pl.calibration(known, "known", key="cell_type", bins="mass", n_bins=2, ax=ax) is ax


@pytest.mark.parametrize(
    ("groupby", "kwargs", "error", "message"),
    [
        ("x", {}, KeyError, "pass groupby="),
        ("known", {"key": "mine"}, KeyError, r"sc\.tl\.c2s_annotate"),
        ("none", {}, ValueError, "pass groupby="),
        ("known", {"n_bins": 0}, ValueError, "n_bins= from 1"),
    ],
)
def test_errors_name_what_to_call(known: ad.AnnData, groupby, kwargs, error, message) -> None:
    known.obs["none"] = None
    with pytest.raises(error, match=message):
        scc2s.pl.calibration(known, groupby, show=False, **kwargs)
