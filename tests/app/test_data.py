"""What a client reads: it is what stands in the file, in the colours of scanpy."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from page_server import page, until

from scc2s import pp


@pytest.fixture
def cells(cells):
    cells.obs["day"] = pd.Timestamp("2026-01-01")  # of no kind that has colours
    return cells


def test_data_says_what_there_is(served, cells):
    found = served.get("/api/data").json
    assert (found["name"], found["n_obs"], found["n_vars"]) == ("small.h5ad", 96, 9)
    kinds = {one["name"]: one["kind"] for one in found["columns"]}
    assert {kinds[name] for name in ("type", "good")} == {"category"}
    assert (kinds["score"], kinds["note"], kinds["day"]) == ("number", "text", "other")
    assert [one["name"] for one in found["bases"]] == ["X_umap", "X_pca"]
    assert found["bases"][1]["dims"] == 5
    assert len(found["ramp"]) == 256
    assert not found["changed"]
    assert found["limits"]["waiting"] == 64


def test_coordinates_are_those_of_obsm(served, cells):
    found = served.get("/api/coordinates.bin?basis=X_umap")
    assert found.headers["x-shape"] == "96,2"
    places = np.frombuffer(found.body, "<f4").reshape(-1, 2)
    np.testing.assert_allclose(places, cells.obsm["X_umap"], rtol=1e-6)
    told = served.get("/api/coordinates?basis=X_umap").json
    np.testing.assert_allclose(told["low"], places.min(axis=0), rtol=1e-6)
    whole = served.get("/api/coordinates.bin?basis=X_pca&dims=all")
    assert np.frombuffer(whole.body, "<f4").shape == (96 * 5,)


def test_a_column_of_categories_has_codes_names_and_the_colors_of_uns(served, cells):
    told = served.get("/api/column?name=type").json
    codes = np.frombuffer(served.get("/api/column.bin?name=type").body, "<u2")
    assert [told["categories"][code] for code in codes] == cells.obs["type"].tolist()
    assert told["colors"] == ["#ff0000", "#000080"]
    assert told["counts"] == [48, 48]


def test_colors_are_those_that_scanpy_would_take(served, cells):
    told = served.get("/api/column?name=donor").json
    drawn = cells.copy()
    sc.pl.umap(drawn, color="donor", show=False)
    assert told["colors"] == [color.lower() for color in drawn.uns["donor_colors"]]
    assert "donor_colors" not in cells.uns, "looking changes nothing"


def test_many_categories_have_scanpys_larger_palettes():
    from scc2s.app._colors import colors_of

    for n in (11, 25, 90, 200):
        drawn = ad.AnnData(np.ones((n, 1), dtype="float32"))
        drawn.obs["kind"] = [f"k{i:03d}" for i in range(n)]
        drawn.obs["kind"] = drawn.obs["kind"].astype("category")
        drawn.obsm["X_umap"] = np.zeros((n, 2))
        sc.pl.umap(drawn, color="kind", show=False)
        assert [c[:7] for c in map(str.lower, drawn.uns["kind_colors"])] == colors_of("kind", ["x"] * n, {})


def test_missing_values_are_told(served, cells):
    cells.obs["type"] = cells.obs["type"].where(np.arange(96) > 3)
    with served.service.cells.changing():
        pass
    told = served.get("/api/column?name=type").json
    codes = np.frombuffer(served.get("/api/column.bin?name=type").body, "<u2")
    assert (codes[:4] == told["missing"]).all()
    assert told["n_missing"] == 4
    score = np.frombuffer(served.get("/api/column.bin?name=score").body, "<f4")
    np.testing.assert_array_equal(score, cells.obs["score"].to_numpy(dtype="f4"))
    told = served.get("/api/column?name=score").json
    assert (told["low"], told["high"], told["n_missing"]) == (0.5, 47.5, 14)


def test_booleans_and_texts_are_categories(served):
    assert served.get("/api/column?name=good").json["categories"] == ["False", "True"]
    assert served.get("/api/column?name=note").json["categories"] == ["note 0", "note 1", "note 2"]


def test_a_gene_is_read_from_where_scanpy_would(served, cells):
    values = np.frombuffer(served.get("/api/gene.bin?name=CD79A").body, "<f4")
    np.testing.assert_array_equal(values, cells[:, "CD79A"].X.toarray().ravel())
    assert served.get("/api/gene?name=CD79A").json["source"] == "X"
    cells.raw = cells.copy()
    cells.layers["half"] = cells.X / 2
    with served.service.cells.changing():
        cells.X = cells.X * 0
    assert served.get("/api/gene?name=CD79A").json["source"] == "raw.X"
    np.testing.assert_array_equal(np.frombuffer(served.get("/api/gene.bin?name=CD79A").body, "<f4"), values)
    half = np.frombuffer(served.get("/api/gene.bin?name=CD79A&layer=half").body, "<f4")
    np.testing.assert_array_equal(half, values / 2)


@pytest.mark.parametrize("kind", ["dense", "csc", "unsorted"])
def test_a_gene_is_the_same_in_any_form_of_matrix(cells, kind):
    from scc2s.app._view import View

    expected = cells[:, "ACTB"].X.toarray().ravel()
    if kind == "dense":
        cells.X = cells.X.toarray()
    elif kind == "csc":
        cells.X = cells.X.tocsc()
    else:
        X = cells.X
        for row in range(X.shape[0]):
            part = slice(X.indptr[row], X.indptr[row + 1])
            X.indices[part], X.data[part] = X.indices[part][::-1].copy(), X.data[part][::-1].copy()
        X.has_sorted_indices = False
    np.testing.assert_array_equal(View.of(cells, 0).gene("ACTB")[0], expected)


def test_a_cell_has_its_sentence_and_values(served, cells):
    found = served.get("/api/cells/5?n_genes=3").json
    assert found["name"] == "cell5"
    assert found["sentence"] == cells.obs["c2s_sentence"].iloc[5].split()[:3]
    assert found["obs"]["type"] == "T"
    assert "c2s_sentence" not in found["obs"]


def test_sentences_may_be_kept_as_ranks(cells):
    words = cells.obs["c2s_sentence"].iloc[5].split()
    del cells.obs["c2s_sentence"], cells.obs["c2s_n_genes"], cells.uns["c2s"]
    pp.sentences(cells, store="ranks")
    with page(cells, model="no-such-model") as served:
        assert served.get("/api/cells/5").json["sentence"] == words
        until(lambda: served.get("/api/data").json["model"]["state"] == "failed")
        assert "no-such-model" in served.get("/api/data").json["model"]["error"]


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/api/column?name=nothing", 404, "obs has no column 'nothing'; pass name= one of 'type'"),
        ("/api/column?name=day", 422, "has no colours; pass name="),
        ("/api/gene?name=cd79a", 404, "there is no gene 'cd79a' in X; pass name='CD79A'"),
        ("/api/gene?name=CD79A&layer=x", 404, "there is no layer 'x'"),
        ("/api/coordinates?basis=X_tsne", 404, "pass basis= one of 'X_umap'"),
        ("/api/cells/96", 404, "pass a number from 0 to 95"),
        ("/api/cells/-1", 404, "pass a number from 0 to 95"),
        ("/api/cells/abc", 422, "row: Input should be a valid integer"),
        ("/api/nothing", 404, "there is nothing at /api/nothing"),
        ("/api/ask", 405, "is not asked with GET"),
    ],
)
def test_errors_are_one_sentence_that_mends(served, path, status, said):
    found = served.get(path)
    assert found.status == status
    assert said in found.error


def test_too_many_values_have_no_colors(cells):
    from scc2s.app import _view

    view = _view.View.of(cells, 0)
    many = ad.AnnData(np.ones((70_000, 1), dtype="float32"))
    many.obs["barcode"] = [f"b{i}" for i in range(70_000)]
    view = _view.View.of(many, 0)
    with pytest.raises(ValueError, match="70000 different values; pass name= a column of fewer"):
        view.column("barcode")


def test_genes_are_found_by_how_they_begin(served):
    assert served.get("/api/genes?prefix=cd").json == ["CD3D", "CD3E", "CD79A"]
    assert served.get("/api/genes?prefix=cd&most=1").json == ["CD3D"]


def test_everything_is_described(served):
    found = served.get("/openapi.json").json
    assert {f"/api/{verb}" for verb in ("embed", "annotate", "caption", "ask", "generate", "perturb", "search")} <= set(
        found["paths"]
    )
    assert "text/event-stream" in found["paths"]["/api/ask"]["post"]["responses"]["200"]["content"]
