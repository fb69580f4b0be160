from __future__ import annotations

import anndata as ad
import matplotlib.colors as mcolors
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from scipy import sparse

import scc2s


@pytest.fixture
def section() -> ad.AnnData:
    rng = np.random.default_rng(0)
    obs = pd.DataFrame(
        {"type": pd.Categorical(rng.choice(["B", "T"], 300)), "slide": rng.choice(["one", "two"], 300)},
        index=[f"cell{i}" for i in range(300)],
    )
    adata = ad.AnnData(np.ones((300, 2), dtype="float32"), obs=obs)
    adata.obsm["spatial"] = rng.uniform(0, 500, (300, 2))
    adata.uns["type_colors"] = ["#ff0000", "#0000ff"]
    scc2s.pp.neighborhoods(adata, radius=0.06, unit="mm", spatial_unit="um", groupby="slide", n_contexts=5)
    return adata


def places(collection) -> set[tuple[float, float]]:
    return {tuple(map(float, place)) for place in np.asarray(collection.get_offsets())}


@pytest.mark.parametrize("kind", ["neighborhood", "negative"])
def test_cells_of_the_context_are_ringed_in_their_section_and_the_circle_is_the_radius(section, kind) -> None:
    record = section.uns["c2s"]["neighborhoods"]
    name = record["table"].index[record["table"]["kind"] == kind][0]
    ax = scc2s.pl.neighborhood(section, name, show=False)
    everything, ringed, cross = ax.collections
    cells = record["cells"].loc[record["cells"]["context"] == name, "cell"]
    want = {tuple(map(float, section.obsm["spatial"][section.obs_names.get_loc(cell)])) for cell in cells}
    assert places(ringed) == want
    slide = record["table"].loc[name, "section"]
    assert len(everything.get_offsets()) == (section.obs["slide"] == slide).sum()
    (circle,) = ax.patches
    assert circle.radius == pytest.approx(60)
    center = section.obsm["spatial"][section.obs_names.get_loc(record["table"].loc[name, "center"])]
    assert places(cross) == {tuple(map(float, center))} == {tuple(map(float, circle.center))}
    inside = [np.hypot(*(np.array(place) - center)) <= 60 for place in want]
    assert all(inside) if kind == "neighborhood" else not any(inside)
    assert ax.get_xlabel() == "x (um)"
    assert ax.get_title() == f"{kind}: {len(want)} cells"


def test_types_have_the_colors_of_the_column(section) -> None:
    ax = scc2s.pl.neighborhood(section, color="type", show=False)
    shown = {c.get_label(): mcolors.to_hex(c.get_facecolors()[0]) for c in ax.collections if c.get_label() in "BT"}
    assert shown == {"B": "#ff0000", "T": "#0000ff"}
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["B", "T"]


@pytest.mark.parametrize("kind", ["neighborhood", "negative"])
def test_ringed_cells_have_the_color_of_their_value_and_are_larger(section, kind) -> None:
    record = section.uns["c2s"]["neighborhoods"]
    name = record["table"].index[record["table"]["kind"] == kind][0]
    section.obs.loc[record["cells"].query("context == @name")["cell"].iloc[0], "type"] = np.nan
    ax = scc2s.pl.neighborhood(section, name, color="type", show=False)
    *types, ringed, _ = ax.collections
    shade = {"B": "#ff0000", "T": "#0000ff", "nan": mcolors.to_hex("0.85")}
    want = [shade[str(section.obs.loc[cell, "type"])] for cell in record["cells"].query("context == @name")["cell"]]
    assert [mcolors.to_hex(color) for color in ringed.get_facecolors()] == want
    assert all(ringed.get_sizes()[0] > some.get_sizes()[0] for some in types)


def test_the_legend_has_what_is_in_the_picture_and_colors_are_those_of_scanpy(section) -> None:
    from scanpy.plotting.palettes import default_20

    record = section.uns["c2s"]["neighborhoods"]
    about = record["table"].query("kind == 'neighborhood'").iloc[0]
    points = section.obsm["spatial"]
    away = np.abs(points - points[section.obs_names.get_loc(about["center"])]).max(axis=1)
    section.obs["where"] = pd.Categorical(np.where(away < 200, "near", "far"), categories=["far", "near"])
    section.uns["where_colors"] = np.array(["#ff0000"])  # of another number of values
    ax = scc2s.pl.neighborhood(section, about.name, color="where", show=False)  # 4 x 60 to each side
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["far", "near"]
    colors = [mcolors.to_hex(c.get_facecolors()[0]) for c in ax.collections[:2]]
    assert colors == [mcolors.to_hex(shade) for shade in default_20[:2]]
    section.obs["where"] = pd.Categorical(np.where(away < 250, "near", "far"), categories=["far", "near"])
    ax = scc2s.pl.neighborhood(section, about.name, color="where", show=False)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["near"]
    negative = f"negative of {about['center']}"
    ax = scc2s.pl.neighborhood(section, negative, color="where", show=False)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["far", "near"]


def test_a_context_of_a_graph_has_no_circle(section) -> None:
    distance = np.linalg.norm(section.obsm["spatial"][:, None] - section.obsm["spatial"][None], axis=2)
    section.obsp["near"] = sparse.csr_matrix((distance < 50) & (distance > 0)).astype(float)
    scc2s.pp.neighborhoods(section, graph="near", key_added="by_graph")
    ax = scc2s.pl.neighborhood(section, contexts="by_graph", show=False)
    assert not ax.patches
    assert ax.get_xlabel() == "x"


def test_it_draws_on_given_axes_and_names_what_is_not_there(section) -> None:
    _, ax = plt.subplots()
    assert scc2s.pl.neighborhood(section, ax=ax) is ax
    with pytest.raises(KeyError, match="no context 'nowhere'"):
        scc2s.pl.neighborhood(section, "nowhere", show=False)
    with pytest.raises(KeyError, match="pass color="):
        scc2s.pl.neighborhood(section, color="nowhere", show=False)
    section.obs["many"] = section.obs_names
    with pytest.raises(ValueError, match="at most 102"):
        scc2s.pl.neighborhood(section, color="many", show=False)
    with pytest.raises(KeyError, match="no contexts 'other'"):
        scc2s.pl.neighborhood(section, contexts="other", show=False)
