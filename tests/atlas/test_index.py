"""Cells that are found by an index are those that are found by looking at all."""

from __future__ import annotations

import json
import os
import shutil
import sys

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from scc2s import atlas, tl
from scc2s.tl._searching import index as index_files
from scc2s.tl._searching.names import Names, write_names

pytest.importorskip("faiss")
pytest.importorskip("zarr")

N, WIDTH = 2500, 16
RECORD = {"params": {"pooling": "mean", "prompt": "{cell_sentence}"}, "model": {"id": "m", "weights_hash": "1f"}}


def written(path, X, **model):
    """A store of vectors with names and a column."""
    obs = pd.DataFrame(
        {
            "kind": pd.Categorical(np.where(np.arange(len(X)) % 2, "odd", "even")),
            "donor": pd.Categorical([None if i == 3 else "d1" for i in range(len(X))]),
            "age": np.arange(len(X)),
        },
        index=[f"cell {i}" for i in range(len(X))],
    )
    cells = ad.AnnData(
        obs=obs, obsm={"X_c2s": X}, uns={"c2s": {"embed": {**RECORD, "model": {**RECORD["model"], **model}}}}
    )
    cells.write_zarr(path) if path.suffix == ".zarr" else cells.write_h5ad(path)
    return cells


@pytest.fixture(scope="module")
def vectors():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(40, WIDTH))
    X = centres[rng.integers(40, size=N)] + 0.5 * rng.normal(size=(N, WIDTH))
    X[7], X[8, 3] = 0, np.nan
    return X.astype(np.float32)


@pytest.fixture(scope="module")
def made(vectors, tmp_path_factory):
    store = tmp_path_factory.mktemp("index") / "cells.zarr"
    written(store, vectors)
    atlas.index(store)
    return store


@pytest.fixture
def store(made, tmp_path):
    """A copy of its own for each test, with the index beside it."""
    for name in ("cells.zarr", "cells.zarr.index"):
        shutil.copytree(made.with_name(name), tmp_path / name)
    return tmp_path / "cells.zarr"


def best(X, rows):
    """The ten cells with the highest mean cosine with some, by the definition; and the median of all others."""
    with np.errstate(invalid="ignore", divide="ignore"):
        unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    scores = (unit @ unit[rows].T).mean(axis=1)
    scores[[*rows, 7, 8]] = -2
    order = np.argsort(-scores)[:10]
    return [f"cell {i}" for i in order], scores[order], np.median(scores[scores > -2])


@pytest.mark.parametrize("kind", ["zarr", "h5ad"])
@pytest.mark.parametrize("rows", [[3], [10, 11, 2400]])
def test_looking_at_all_cells_is_the_mean_cosine(vectors, tmp_path, kind, rows):
    written(tmp_path / f"cells.{kind}", vectors)
    found = atlas.search(tmp_path / f"cells.{kind}", [f"cell {i}" for i in rows], exact=True, keys=["kind"])
    cells, scores, background = best(vectors, rows)
    assert found["cell"].tolist() == cells
    np.testing.assert_allclose(found["score"], scores, atol=1e-5)
    assert found.attrs["background"] == pytest.approx(background, abs=1e-5)
    assert found["kind"].tolist() == ["odd" if int(cell.split()[1]) % 2 else "even" for cell in cells]


def test_the_index_finds_what_looking_at_all_finds(made, vectors):
    manifest = json.loads((index_files.folder_of(made, "X_c2s") / "manifest.json").read_text())
    assert manifest["n_lists"] == 64
    assert manifest["n_probe"] < manifest["n_lists"]
    assert manifest["n_without"] == 2
    hits, usual = 0, []
    asked = list(range(100, 300, 4))
    for row in asked:
        found = atlas.search(made, f"cell {row}")
        cells, scores, background = best(vectors, [row])
        assert f"cell {row}" not in set(found["cell"])
        np.testing.assert_allclose(found["score"].iloc[0], scores[0], atol=1e-3)
        hits += len(set(found["cell"]) & set(cells))
        usual.append(abs(found.attrs["background"] - background))
    assert hits / (10 * len(asked)) >= 0.97
    assert manifest["recall"] >= 0.99
    assert max(usual) < 0.05


def test_cells_without_a_direction_are_never_found_and_never_asked(made):
    names = set(atlas.search(made, ["cell 3"], n_top=N)["cell"])
    assert not {"cell 7", "cell 8", "cell 3"} & names
    for exact in (True, False):
        with pytest.raises(ValueError, match="none of the 2 cells of the query has a vector"):
            atlas.search(made, ["cell 7", "cell 8"], exact=exact)


def test_a_mask_is_a_query_too(made):
    mask = np.zeros(N, dtype=bool)
    mask[[10, 11]] = True
    by_name = atlas.search(made, ["cell 11", "cell 10"])
    pd.testing.assert_frame_equal(atlas.search(made, mask), by_name)


def test_many_files_are_as_one_and_those_that_are_there_are_not_made_again(vectors, made, tmp_path, monkeypatch):
    monkeypatch.setattr(index_files, "SHARD", 1000)
    store = tmp_path / "cells.zarr"
    written(store, vectors)
    folder = atlas.index(store, recall=1.0)
    assert sorted(file.name for file in folder.glob("?.faiss")) == ["0.faiss", "1.faiss", "2.faiss"]
    whole = atlas.search(store, "cell 3", n_top=50)
    exact = atlas.search(store, "cell 3", n_top=50, exact=True)
    assert len(set(whole["cell"]) & set(exact["cell"])) >= 49
    (folder / "manifest.json").unlink()
    (folder / "2.faiss").unlink()
    with pytest.raises(FileNotFoundError, match="no whole index"):
        atlas.search(store, "cell 3")
    before = (folder / "0.faiss").stat().st_mtime_ns
    atlas.index(store, recall=1.0)
    assert (folder / "0.faiss").stat().st_mtime_ns == before
    pd.testing.assert_frame_equal(atlas.search(store, "cell 3", n_top=50), whole)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("value", "its values or the names of its cells are others"),
        ("name", "its values or the names of its cells are others"),
        ("model", "model.weights_hash was '1f', and is '2e'"),
        ("cells", "the number of cells was 2500, and is 2400"),
    ],
)
def test_an_index_of_an_earlier_embedding_is_refused_and_says_why(store, vectors, change, said):
    X = vectors.copy()
    X[5, 5] += change == "value"
    if change == "cells":
        X = X[:2400]
    shutil.rmtree(store)
    cells = written(store, X, **({"weights_hash": "2e"} if change == "model" else {}))
    if change == "name":
        shutil.rmtree(store)
        cells.obs_names = ["other", *cells.obs_names[1:]]
        cells.write_zarr(store)
    with pytest.raises(ValueError, match=r"index of .* is of an earlier obsm\['X_c2s'\] \(" + said) as caught:
        atlas.search(store, "cell 3")
    assert "scc2s.atlas.index(" in str(caught.value)
    atlas.index(store)
    assert len(atlas.search(store, "cell 3")) == 10


def test_a_copy_of_the_store_has_the_same_index(store):
    before = atlas.search(store, "cell 3")
    for file in store.rglob("*"):
        os.utime(file, (1, 1))
    pd.testing.assert_frame_equal(atlas.search(store, "cell 3"), before)
    manifest = json.loads((index_files.folder_of(store, "X_c2s") / "manifest.json").read_text())
    assert manifest["files"] == index_files.Reference(store, "X_c2s").state  # the next one need not read the values


def test_an_index_that_is_there_is_not_made_again(store):
    file = index_files.folder_of(store, "X_c2s") / "0.faiss"
    atlas.search(store, "cell 3")  # a copy, as the store is
    before = file.stat().st_mtime_ns
    atlas.index(store)
    assert file.stat().st_mtime_ns == before
    atlas.index(store, restart=True)
    assert file.stat().st_mtime_ns > before


def test_no_index_and_no_faiss_are_said_with_what_mends_it(vectors, made, tmp_path, monkeypatch):
    written(tmp_path / "cells.zarr", vectors[:100])
    with pytest.raises(FileNotFoundError, match=r"call scc2s\.atlas\.index\(.*exact=True"):
        atlas.search(tmp_path / "cells.zarr", "cell 3")
    monkeypatch.setitem(sys.modules, "faiss", None)
    for call in (lambda: atlas.index(tmp_path / "cells.zarr"), lambda: atlas.search(made, "cell 4")):
        with pytest.raises(ImportError, match=r"pip install 'scc2s\[atlas\]'"):
            call()


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda store: atlas.index(store, use_rep="X_pca"), KeyError, "no embedding 'X_pca'"),
        (lambda store: atlas.index(store.with_name("none.zarr")), FileNotFoundError, "there is no"),
        (lambda store: atlas.index(store, recall=0), ValueError, "recall=0 is a share"),
        (lambda store: atlas.search(store, ["cell 3", "nobody"]), KeyError, "no cell 'nobody'"),
        (lambda store: atlas.search(store, "nobody", exact=True), KeyError, "no cell 'nobody'"),
        (lambda store: atlas.search(store, []), ValueError, "holds no cell"),
        (lambda store: atlas.search(store, [True, False]), ValueError, "2 booleans for 2500 cells"),
        (lambda store: atlas.search(store, "cell 3", keys=["sex"]), KeyError, "no column 'sex'"),
        (lambda store: atlas.search(store, "cell 3", keys="kind"), TypeError, r"keys=\['kind'\]"),
        (lambda store: atlas.search(store, "cell 3", n_top=0), ValueError, "n_top"),
    ],
)
def test_what_makes_no_sense_is_refused(made, call, error, said):
    with pytest.raises(error, match=said):
        call(made)


class TestReference:
    @pytest.fixture
    def query(self, vectors):
        cells = ad.AnnData(obs=pd.DataFrame(index=["a", "b"]), obsm={"X_c2s": vectors[[3, 10]]})
        cells.uns["c2s"] = {"embed": RECORD}
        return cells

    def test_cells_find_those_like_them_in_another_data_set(self, query, made, vectors):
        tl.search(query, ["a", "b"], reference=made, keys=["kind"])
        result = query.uns["c2s"]["search"]
        assert {"cell 3", "cell 10"} < set(result["table"]["cell"])  # another data set: these are not the query
        assert list(result["table"]) == ["cell", "score", "kind"]
        assert "c2s_search" not in query.obs
        assert result["params"]["n_query"] == 2
        assert result["params"]["recall"] >= 0.99
        tl.search(query, ["a", "b"], reference=made, exact=True, key_added="exact")
        exact = query.uns["c2s"]["search_exact"]
        assert set(exact["table"]["cell"]) == set(result["table"]["cell"])
        np.testing.assert_allclose(exact["table"]["score"], result["table"]["score"], atol=1e-3)
        assert abs(exact["params"]["background"] - result["params"]["background"]) < 0.05
        tl.search(query, ["a", "b"], reference=ad.read_zarr(made), key_added="memory")
        pd.testing.assert_frame_equal(query.uns["c2s"]["search_memory"]["table"], exact["table"])

    def test_results_survive_a_file(self, query, made, tmp_path):
        tl.search(query, ["a"], reference=made, keys=["kind", "donor", "age"])
        query.write_h5ad(tmp_path / "a.h5ad")
        found = query.uns["c2s"]["search"]["table"]
        assert found["cell"].iloc[0] == "cell 3"
        assert found["donor"].isna().tolist() == [True] + [False] * 9
        table = ad.read_h5ad(tmp_path / "a.h5ad").uns["c2s"]["search"]["table"]
        pd.testing.assert_frame_equal(
            table, query.uns["c2s"]["search"]["table"], check_dtype=False, check_categorical=False
        )

    def test_scores_of_an_earlier_search_do_not_stay(self, query, made):
        tl.search(query, ["a"])
        assert "c2s_search" in query.obs
        tl.search(query, ["a"], reference=made)
        assert "c2s_search" not in query.obs

    @pytest.mark.parametrize(
        ("params", "error", "said"),
        [
            ({"groupby": "x"}, ValueError, "groupby= is about all cells"),
            ({"query": "a text"}, ValueError, "reference= is for a query of cells"),
            ({"reference": 7}, TypeError, "reference is int"),
            ({"reference": None, "exact": True}, ValueError, "exact= is about another data set"),
            ({"keys": ["score"]}, ValueError, "a column of the table already"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, query, made, params, error, said):
        with pytest.raises(error, match=said):
            tl.search(query, **{"query": ["a"], "reference": made, **params})

    def test_embeddings_that_do_not_compare_are_refused_by_name(self, query, made):
        query.uns["c2s"] = {"embed": {**RECORD, "params": {"pooling": "last", "prompt": "{cell_sentence}"}}}
        with pytest.raises(ValueError, match="pooling is 'mean' of the reference, and 'last' of the query"):
            tl.search(query, ["a"], reference=made)
        query.uns.clear()
        query.obsm["X_c2s"] = query.obsm["X_c2s"][:, :4]
        with pytest.raises(ValueError, match="have 16 numbers, those of the query 4"):
            tl.search(query, ["a"], reference=made)


def test_names_of_any_kind_are_found_and_the_first_of_twins(tmp_path):
    names = np.array(["", "b", "zürich", "b", "\U0001f9ec"], dtype=object)
    write_names(tmp_path, [names[:2], names[2:]])
    kept = Names(tmp_path)
    assert kept.of(np.arange(5)).tolist() == names.tolist()
    assert kept.rows(["zürich", "b", "none", "", "\U0001f9ec"]).tolist() == [2, 1, -1, 0, 4]
