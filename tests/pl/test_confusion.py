from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import scc2s

if TYPE_CHECKING:
    import anndata as ad


def test_rows_are_shares_of_the_labels_compared_with(annotated: ad.AnnData) -> None:
    scc2s.tl.compare_labels(annotated, "c2s_cell_type", "truth", synonyms={"B/x": "b", "A": "a"})
    ax = scc2s.pl.confusion(annotated, show=False)
    np.testing.assert_allclose(ax.images[0].get_array(), [[2 / 3, 0, 1 / 3], [1 / 3, 2 / 3, 0]])
    assert [t.get_text() for t in ax.get_xticklabels()] == ["a", "b", "no label"]
    assert "agreement 0.67" in ax.get_title()
    assert "commonest label alone 0.50" in ax.get_title()
    assert {text.get_text() for text in ax.texts} >= {"n=3"}
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("c2s_cell_type", "truth")


def test_rows_have_the_colors_of_their_labels(annotated: ad.AnnData) -> None:
    scc2s.tl.compare_labels(annotated, "c2s_cell_type", "truth", n_boot=0)
    ax = scc2s.pl.confusion(annotated, show=False)
    assert ax.collections[0].get_facecolors()[:, :3].tolist() == [[0, 1, 0], [1, 0, 0]]


def test_the_last_comparison_is_drawn_and_others_by_name(annotated: ad.AnnData) -> None:
    scc2s.tl.compare_labels(annotated, "c2s_cell_type", "truth", key_added="first", n_boot=0)
    scc2s.tl.compare_labels(annotated, "truth", "c2s_cell_type", key_added="second", n_boot=0)
    assert scc2s.pl.confusion(annotated, show=False).get_ylabel() == "c2s_cell_type"
    assert scc2s.pl.confusion(annotated, key="first", show=False).get_ylabel() == "truth"


@pytest.mark.parametrize("key", [None, "x"])
def test_without_a_comparison_it_is_said_what_to_call(annotated: ad.AnnData, key: str | None) -> None:
    with pytest.raises(KeyError, match=r"sc\.tl\.c2s_compare_labels\(adata, a, b\)"):
        scc2s.pl.confusion(annotated, key=key, show=False)
