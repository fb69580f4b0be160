from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

import scc2s

NAMES = ["b", "t", "x/y", "far"]


@pytest.fixture
def captioned() -> ad.AnnData:
    """Four groups of five cells in the corners of an embedding, with captions; that of "t" is flagged."""
    rng = np.random.default_rng(0)
    corners = np.repeat([[0, 0], [0, 10], [10, 0], [10, 10]], 5, axis=0)
    obs = pd.DataFrame({"group": pd.Categorical(np.repeat(NAMES, 5))}, index=[f"c{i}" for i in range(20)])
    adata = ad.AnnData(np.ones((20, 1), dtype="float32"), obs=obs, var=pd.DataFrame(index=["A"]))
    adata.obsm["X_umap"] = corners + rng.normal(scale=0.2, size=(20, 2))
    adata.uns["group_colors"] = ["#ff0000", "#00ff00", "#0000ff", "#888888"]
    adata.uns["c2s"] = {
        "caption": {"params": {"groupby": "group"}},
        "captions": pd.DataFrame(
            {
                "group": np.repeat(NAMES, 2),
                "caption": [0, 1] * 4,
                "text": [f"The {i}th caption, which is long enough to need a second line of text." for i in range(8)],
                "flagged": [False, False, True, False, False, False, False, True],
                "why": ["", "", "hardly expressed here: CD3D", "", "not judged", "", "", "x"],
            }
        ),
    }
    return adata


def boxes(ax: plt.Axes) -> dict[str, plt.Annotation]:
    return {text.get_text().partition(":")[0]: text for text in ax.texts}


def test_each_group_has_its_first_caption_wrapped(captioned: ad.AnnData) -> None:
    found = boxes(scc2s.pl.captions(captioned, width=30, show=False))
    assert set(found) == set(NAMES)
    text = found["b"].get_text()
    assert text.replace("\n", " ") == "b: The 0th caption, which is long enough to need a second line of text."
    assert max(map(len, text.splitlines())) <= 30


def test_no_text_lies_over_the_cells_or_over_another_text(captioned: ad.AnnData) -> None:
    ax = scc2s.pl.captions(captioned, show=False)
    ax.figure.canvas.draw()
    extents = [text.get_bbox_patch().get_window_extent() for text in ax.texts]
    points = ax.transData.transform(captioned.obsm["X_umap"])
    for i, extent in enumerate(extents):
        assert not any(extent.contains(*point) for point in points)
        assert not any(extent.overlaps(other) for other in extents[i + 1 :])
        assert ax.get_window_extent().expanded(1.02, 1.02).containsx(extent.x0)


def test_line_ends_at_a_cell_of_the_group(captioned: ad.AnnData) -> None:
    for group, text in boxes(scc2s.pl.captions(captioned, show=False)).items():
        members = captioned.obsm["X_umap"][(captioned.obs["group"] == group).to_numpy()]
        assert any(np.allclose(text.xy, member) for member in members)


def test_flagged_caption_says_why_in_a_dashed_frame(captioned: ad.AnnData) -> None:
    found = boxes(scc2s.pl.captions(captioned, show=False))
    assert found["t"].get_text().endswith("[hardly expressed here: CD3D]")
    assert {name for name, text in found.items() if text.get_bbox_patch().get_linestyle() == "--"} == {"t"}


def test_frames_have_the_colors_of_their_groups(captioned: ad.AnnData) -> None:
    from matplotlib.colors import to_hex

    found = boxes(scc2s.pl.captions(captioned, show=False))
    order = captioned.obs["group"].cat.categories
    shown = [to_hex(found[name].get_bbox_patch().get_edgecolor()) for name in order]
    assert shown == captioned.uns["group_colors"]


def test_other_names_other_basis_and_given_axes(captioned: ad.AnnData) -> None:
    ours = captioned.uns["c2s"]
    captioned.uns["c2s"] = {"mine": ours["captions"], "caption_mine": ours["caption"]}
    captioned.obsm["X_pca"] = captioned.obsm.pop("X_umap")
    _, ax = plt.subplots()
    assert scc2s.pl.captions(captioned, key="mine", basis="pca", ax=ax) is ax
    assert len(ax.texts) == 4


def test_groups_that_lost_their_cells_are_left_out(captioned: ad.AnnData) -> None:
    assert set(boxes(scc2s.pl.captions(captioned[:10].copy(), show=False))) == {"b", "t"}
    assert set(boxes(scc2s.pl.captions(captioned[:5].copy(), show=False))) == {"b"}


def test_bad_input_is_refused(captioned: ad.AnnData) -> None:
    with pytest.raises(KeyError, match="c2s_caption"):
        scc2s.pl.captions(captioned, key="nope")
    with pytest.raises(KeyError, match="sc.tl.umap"):
        scc2s.pl.captions(captioned, basis="tsne")
    del captioned.obs["group"]
    with pytest.raises(KeyError, match="no column 'group'"):
        scc2s.pl.captions(captioned)


def test_a_line_goes_round_cells_of_other_groups_where_it_can() -> None:
    from scc2s.pl._captions import _end

    own = np.array([[10.0, y] for y in np.linspace(0, 10, 21)])
    wall = np.array([[5.0, y] for y in np.linspace(-2, 7, 200)])  # between the text and the nearer cells of the group
    scale = np.array([10.0, 10.0])
    x, y = _end((0.0, 3.0), own, np.empty((0, 2)), scale)
    assert (x, y) == (10.0, 3.0)
    x, y = _end((0.0, 6.0), own, wall, scale)
    assert x == 10.0
    assert y > 8


def test_lines_run_under_the_cells(captioned: ad.AnnData) -> None:
    ax = scc2s.pl.captions(captioned, show=False)
    assert min(c.get_zorder() for c in ax.collections) > max(text.get_zorder() for text in ax.texts)
