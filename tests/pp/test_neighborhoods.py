from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.spatial.distance import cdist

import scc2s
from scc2s._cells.contexts import get_contexts

UM = {"unit": "um", "spatial_unit": "um"}


def slide(n: int = 400, seed: int = 0, side: float = 1000.0) -> ad.AnnData:
    """Cells of chance on two sections of the same coordinates."""
    rng = np.random.default_rng(seed)
    obs = pd.DataFrame(
        {"type": rng.choice(["B", "T", "NK"], n, p=[0.5, 0.3, 0.2]), "section": rng.choice(["s1", "s2"], n)},
        index=[f"cell{i}" for i in range(n)],
    )
    found = ad.AnnData(sparse.csr_matrix((n, 3), dtype=np.float32), obs=obs)
    found.obsm["spatial"] = rng.uniform(0, side, (n, 2))
    return found


def drawn(adata: ad.AnnData, key: str = "neighborhoods") -> tuple[pd.DataFrame, list[np.ndarray]]:
    contexts = get_contexts(adata, key)
    return contexts.table, contexts.rows(adata)


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10**6), radius=st.floats(40, 150))
def test_a_neighbourhood_is_all_cells_within_the_radius_and_a_negative_is_none(seed: int, radius: float) -> None:
    adata = slide(seed=seed)
    scc2s.pp.neighborhoods(adata, radius=radius, groupby="section", n_contexts=60, random_state=seed, **UM)
    table, rows = drawn(adata)
    assert set(table["kind"]) == {"neighborhood", "negative"}
    distance = cdist(adata.obsm["spatial"], adata.obsm["spatial"])
    distance[adata.obs["section"].to_numpy()[:, None] != adata.obs["section"].to_numpy()[None]] = np.inf
    size = {}
    for (_, context), cells in zip(table.iterrows(), rows, strict=True):
        near = np.flatnonzero(distance[adata.obs_names.get_loc(context["center"])] <= radius)
        assert (adata.obs["section"].iloc[cells] == context["section"]).all()
        assert len(set(cells)) == len(cells) == context["n_cells"]
        if context["label"] == "yes":
            assert sorted(cells) == near.tolist()
            assert context["n_neighbors"] == len(near) - 1
            size[context["center"]] = len(cells)
        else:
            assert not set(cells) & set(near)
            assert len(cells) == size[context["center"]]
            assert (distance[np.ix_(cells, cells)].max(axis=1) > radius).all()  # of no centre a neighbourhood


def test_matched_negatives_have_the_same_types() -> None:
    adata = slide()
    scc2s.pp.neighborhoods(adata, radius=100, matched="type", n_contexts=50, n_negatives=2, **UM)
    table, rows = drawn(adata)
    types = [sorted(adata.obs["type"].iloc[cells]) for cells in rows]
    of = {(c, k): t for c, k, t in zip(table["center"], table["kind"], types, strict=True)}
    kinds = table["kind"].value_counts()
    assert kinds["negative"] == 2 * kinds["neighborhood"] == kinds["matched negative"]
    for center in table["center"].unique():
        assert of[center, "matched negative"] == of[center, "neighborhood"]
    assert any(of[c, "negative"] != of[c, "neighborhood"] for c in table["center"].unique())


@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 10**6), radius=st.floats(20, 45), wider=st.floats(1, 1.3))
def test_no_test_context_touches_training(seed: int, radius: float, wider: float) -> None:
    adata = slide(1200, seed)
    guard = wider * radius
    scc2s.pp.neighborhoods(
        adata, radius=radius, guard=guard, groupby="section", split="blocks", matched="type", n_contexts=None,
        random_state=seed, **UM,
    )  # fmt: skip
    table, rows = drawn(adata)
    assert set(table["split"]) == {"train", "test"}
    for section in ("s1", "s2"):
        here = (table["section"] == section).to_numpy()
        one, other = (
            np.unique(np.concatenate([rows[i] for i in np.flatnonzero(here & (table["split"] == part))]))
            for part in ("train", "test")
        )
        assert cdist(adata.obsm["spatial"][one], adata.obsm["spatial"][other]).min() > guard


def test_blocks_are_those_of_the_centre_and_of_one_side_only() -> None:
    adata = slide(1500)
    scc2s.pp.neighborhoods(adata, radius=30, split="blocks", block_size=250, n_contexts=None, **UM)
    table, _ = drawn(adata)
    assert (table.groupby("block")["split"].nunique() == 1).all()
    corner = adata.obsm["spatial"].min(axis=0)
    for _, context in table.iloc[:50].iterrows():
        place = (adata.obsm["spatial"][adata.obs_names.get_loc(context["center"])] - corner) // 250
        assert context["block"] == f"{int(place[0])},{int(place[1])}"
    share = (table.loc[table["kind"] == "neighborhood", "split"] == "test").mean()
    assert 0.1 < share < 0.4


@pytest.mark.parametrize("split", [None, "blocks"])
def test_the_order_of_rows_changes_nothing(split: str | None) -> None:
    adata = slide(800)
    options = {"radius": 50, "groupby": "section", "matched": "type", "split": split, "n_cells": 4, "n_contexts": 40}
    other = adata[np.random.default_rng(1).permutation(adata.n_obs)].copy()
    scc2s.pp.neighborhoods(adata, **options, **UM)
    scc2s.pp.neighborhoods(other, **options, **UM)
    one, two = (a.uns["c2s"]["neighborhoods"] for a in (adata, other))
    pd.testing.assert_frame_equal(one["table"], two["table"])
    pd.testing.assert_frame_equal(one["cells"], two["cells"])
    scc2s.pp.neighborhoods(other, random_state=1, **options, **UM)
    assert not one["cells"].equals(other.uns["c2s"]["neighborhoods"]["cells"])


def test_a_context_holds_at_most_n_cells_and_its_centre_at_no_fixed_place() -> None:
    adata = slide(800)
    scc2s.pp.neighborhoods(adata, radius=120, n_cells=5, n_contexts=200, **UM)
    contexts = get_contexts(adata, "neighborhoods")
    positive = contexts.table["label"] == "yes"
    places = [
        cells.index(center)
        for center, cells, is_one in zip(contexts.table["center"], contexts.cells, positive, strict=True)
        if is_one
    ]
    assert contexts.table["n_cells"].max() == 5
    assert contexts.table["n_neighbors"].max() > 5
    assert np.bincount([place for place in places if place >= 0], minlength=5).min() > 10


@pytest.mark.parametrize(
    ("coordinates", "unit", "radius"),
    [("mm", "um", 100.0), ("um", "mm", 0.1), ("nm", "um", 100.0), ("um", "µm", 100.0)],
)
def test_lengths_are_converted(coordinates: str, unit: str, radius: float) -> None:
    adata = slide()
    scc2s.pp.neighborhoods(adata, radius=100, **UM)
    scale = {"mm": 1e-3, "um": 1.0, "nm": 1e3}[coordinates]
    other = adata.copy()
    other.obsm["spatial"] = adata.obsm["spatial"] * scale
    scc2s.pp.neighborhoods(other, radius=radius, unit=unit, spatial_unit=coordinates)
    assert get_contexts(other, "neighborhoods").cells == get_contexts(adata, "neighborhoods").cells
    assert other.uns["c2s"]["neighborhoods"]["params"]["radius_in_spatial_unit"] == pytest.approx(100 * scale)


def test_pixels_have_the_size_that_is_given_or_stands_in_the_data() -> None:
    adata = slide()
    scc2s.pp.neighborhoods(adata, radius=18, unit="um", spatial_unit="pixel", um_per_unit=0.18)
    params = adata.uns["c2s"]["neighborhoods"]["params"]
    assert params["radius_in_spatial_unit"] == pytest.approx(100)
    scc2s.pp.neighborhoods(adata, radius=100, unit="px", spatial_unit="pixel")
    assert adata.uns["c2s"]["neighborhoods"]["params"]["radius_in_spatial_unit"] == 100
    adata.uns["spatial_unit"] = "micron"
    scc2s.pp.neighborhoods(adata, radius=100, unit="um")
    assert adata.uns["c2s"]["neighborhoods"]["params"]["spatial_unit_by"] == "uns['spatial_unit']"
    del adata.uns["spatial_unit"]
    adata.uns["spatial"] = {"lib": {"scalefactors": {"spot_diameter_fullres": 9.0, "microns_per_pixel": 0.5}}}
    scc2s.pp.neighborhoods(adata, radius=50, unit="um")
    assert adata.uns["c2s"]["neighborhoods"]["params"]["radius_in_spatial_unit"] == pytest.approx(100)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"radius": 20}, "has no unit; pass unit="),
        ({"radius": 20, "unit": "um"}, "nothing says what unit .* pass spatial_unit="),
        ({"radius": 20, "unit": "um", "spatial_unit": "pixel"}, "pass um_per_unit="),
        ({"radius": 20, "unit": "pixel", "spatial_unit": "um"}, "with unit='um'"),
        ({"radius": 20, "unit": "miles", "spatial_unit": "um"}, "is not a unit"),
        ({"radius": 20, "unit": "um", "spatial_unit": "mm", "um_per_unit": 5}, "leave um_per_unit out"),
        ({}, "pass one of radius="),
        ({"radius": 20, "graph": "g"}, "pass one of radius="),
        ({"graph": "g", "unit": "um"}, "leave unit="),
        ({"radius": 20, "guard": 10, **UM}, "tests would touch training"),
        ({"radius": 20, "split": "rows", **UM}, "pass split='blocks'"),
        ({"radius": 20, "test_share": 1.0, "split": "blocks", **UM}, "test_share"),
        ({"radius": 1e-6, **UM}, "no neighbourhood of 2 cells was found"),
        ({"radius": 900, "split": "blocks", **UM}, "single block"),
        ({"radius": 20, "key_added": "annotate", **UM}, "belongs to another tool"),
        ({"radius": -1, **UM}, "radius"),
    ],
)
def test_what_cannot_be_meant_is_refused(options: dict[str, object], message: str) -> None:
    adata = slide(100)
    with pytest.raises(ValueError, match=message):
        scc2s.pp.neighborhoods(adata, **options)
    assert "c2s" not in adata.uns


def test_missing_places_are_named() -> None:
    adata = slide(50)
    with pytest.raises(KeyError, match="call squidpy.gr.spatial_neighbors"):
        scc2s.pp.neighborhoods(adata, graph="spatial_connectivities")
    with pytest.raises(KeyError, match="pass groupby="):
        scc2s.pp.neighborhoods(adata, radius=20, groupby="slide", **UM)
    with pytest.raises(KeyError, match="pass matched="):
        scc2s.pp.neighborhoods(adata, radius=20, matched="slide", **UM)
    del adata.obsm["spatial"]
    with pytest.raises(KeyError, match=r"adata.obsm\['spatial'\] ="):
        scc2s.pp.neighborhoods(adata, radius=20, **UM)
    adata.obsm["spatial"] = np.full((50, 2), np.nan)
    with pytest.raises(ValueError, match="no cell has finite coordinates"):
        scc2s.pp.neighborhoods(adata, radius=20, **UM)
    adata.obsm["spatial"] = np.zeros((50, 1))
    with pytest.raises(ValueError, match="has shape"):
        scc2s.pp.neighborhoods(adata, radius=20, **UM)
    with pytest.raises(ValueError, match="no neighbourhood"):
        scc2s.pp.neighborhoods(slide(1), radius=20, **UM)


def test_cells_without_a_place_and_isolated_ones_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    adata = slide(300)
    adata.obsm["spatial"][:7] = np.nan
    adata.obsm["spatial"][7] = 1e5  # far from all
    adata.obs.loc["cell10", "section"] = None
    scc2s.pp.neighborhoods(adata, radius=200, groupby="section", n_contexts=None, **UM)
    params = adata.uns["c2s"]["neighborhoods"]["params"]
    assert (params["n_without_place"], params["n_isolated"]) == (8, 1)
    assert "7 of 300 cells have no finite coordinates" in caplog.text
    assert "1 of 300 cells are in no section" in caplog.text
    there = set(adata.uns["c2s"]["neighborhoods"]["cells"]["cell"])
    assert not there & {f"cell{i}" for i in (*range(7), 10)}


def test_equal_places_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    adata = slide(100)
    adata.obsm["spatial"][5] = adata.obsm["spatial"][6] = adata.obsm["spatial"][7]
    scc2s.pp.neighborhoods(adata, radius=200, **UM)
    assert "2 cells lie where another one does" in caplog.text


def test_a_unit_that_no_tissue_has_is_doubted(caplog: pytest.LogCaptureFixture) -> None:
    adata = slide()
    scc2s.pp.neighborhoods(adata, radius=100, unit="mm", spatial_unit="mm")
    assert "which no tissue has" in caplog.text


def test_several_sections_without_groupby_are_pointed_out(caplog: pytest.LogCaptureFixture) -> None:
    scc2s.pp.neighborhoods(slide(), radius=100, **UM)
    assert "pass groupby='section'" in caplog.text


def test_a_graph_is_taken_in_place_of_a_radius() -> None:
    adata = slide(600)
    distance = cdist(adata.obsm["spatial"], adata.obsm["spatial"])
    joined = np.triu((distance <= 60) & (distance > 0)) * distance  # one direction, weights that are no ones
    adata.obsp["spatial_connectivities"] = sparse.csr_matrix(joined)
    scc2s.pp.neighborhoods(adata, graph="spatial_connectivities", n_contexts=30)
    scc2s.pp.neighborhoods(adata, radius=60, n_contexts=30, key_added="by_radius", **UM)
    assert get_contexts(adata, "neighborhoods").cells == get_contexts(adata, "by_radius").cells
    scc2s.pp.neighborhoods(adata, graph="spatial_connectivities", split="blocks", block_size=300, n_contexts=None)
    table, rows = drawn(adata)
    one, other = (
        np.unique(np.concatenate([rows[i] for i in np.flatnonzero(table["split"] == part)]))
        for part in ("train", "test")
    )
    assert distance[np.ix_(one, other)].min() > 60


def test_tables_of_spatialdata_are_read_as_they_are() -> None:
    adata = slide()
    adata.obs["region"] = pd.Categorical(adata.obs.pop("section"))
    adata.uns["spatialdata_attrs"] = {"region": ["s1", "s2"], "region_key": "region", "instance_key": "id"}
    scc2s.pp.neighborhoods(adata, radius=100, **UM)
    table, rows = drawn(adata)
    assert set(table["section"]) == {"s1", "s2"}
    assert all(adata.obs["region"].iloc[cells].nunique() == 1 for cells in rows)


@pytest.mark.parametrize("kind", ["h5ad", pytest.param("zarr", marks=pytest.mark.slow)])
def test_contexts_survive_files(kind: str, tmp_path) -> None:
    adata = slide()
    scc2s.pp.neighborhoods(adata, radius=80, matched="type", split="blocks", **UM)
    path = tmp_path / f"cells.{kind}"
    getattr(adata, f"write_{kind}")(path)
    back = (ad.read_h5ad if kind == "h5ad" else ad.read_zarr)(path)
    one, two = get_contexts(adata, "neighborhoods"), get_contexts(back, "neighborhoods")
    assert one.cells == two.cells
    assert one.table.astype(str).equals(two.table.astype(str))
    scc2s.pp.neighborhoods(back, radius=90, **UM)  # over what an earlier call left


def test_names_that_repeat_are_refused_and_copy_leaves_the_data_alone() -> None:
    adata = slide(100)
    out = scc2s.pp.neighborhoods(adata, radius=200, copy=True, **UM)
    assert "neighborhoods" in out.uns["c2s"]
    assert "c2s" not in adata.uns
    adata.obs_names = ["a"] * 100
    with pytest.raises(ValueError, match="obs_names_make_unique"):
        scc2s.pp.neighborhoods(adata, radius=200, **UM)


def test_too_few_cells_of_a_type_leave_the_matched_negative_out(caplog: pytest.LogCaptureFixture) -> None:
    adata = slide(200)
    adata.obs["type"] = "T"
    adata.obs.loc["cell0", "type"] = "rare"
    adata.obs.loc["cell1", "type"] = None
    scc2s.pp.neighborhoods(adata, radius=150, matched="type", n_contexts=None, **UM)
    table, rows = drawn(adata)
    positive = table[table["label"] == "yes"]
    matched = set(table.loc[table["kind"] == "matched negative", "center"])
    holding = {
        context["center"]
        for (_, context), cells in zip(table.iterrows(), rows, strict=True)
        if context["label"] == "yes" and {0, 1} & set(cells.tolist())
    }
    assert holding
    assert matched == set(positive["center"]) - holding
    assert f"{len(holding)} matched negatives could not be drawn" in caplog.text


def test_real_cells_have_the_neighbours_that_a_tree_finds(shared_data) -> None:
    from scipy.spatial import cKDTree

    adata = ad.read_h5ad(shared_data / "lung_merfish.h5ad")
    scc2s.pp.neighborhoods(adata, radius=20, matched="cell_type", split="blocks", n_contexts=None, **UM)
    table, rows = drawn(adata)
    points = np.asarray(adata.obsm["spatial"], dtype=float)
    tree = cKDTree(points)
    for (_, context), cells in zip(table.iloc[:300].iterrows(), rows, strict=False):
        near = tree.query_ball_point(points[adata.obs_names.get_loc(context["center"])], 20)
        assert set(near) == set(cells) if context["label"] == "yes" else not set(near) & set(cells)
    assert table["split"].value_counts()["test"] > 300
