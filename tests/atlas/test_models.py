from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from tiny_gene_model import write_tiny_model

from scc2s import atlas, pp, tl
from scc2s.atlas._steps import KINDS

pytestmark = pytest.mark.slow

LABELS = ["B cell", "T cell", "Monocyte"]
UNIT = 32
"""Cells that are asked about together, here."""


@pytest.fixture(scope="module")
def cells(blood):
    """Cells that all have a sentence, and differ in a column that prompts name."""
    found = blood[np.arange(120) != 50].copy()
    found.obs["donor"] = pd.Categorical(np.where(np.arange(found.n_obs) % 3, "d1", "d2"))
    return found


@pytest.fixture(scope="module")
def model(cells, tmp_path_factory):
    return str(write_tiny_model(tmp_path_factory.mktemp("model") / "tiny", list(cells.var_names), labels=LABELS))


@pytest.fixture(autouse=True)
def small_units(monkeypatch):
    for name, kind in KINDS.items():
        if kind.unit:
            monkeypatch.setitem(KINDS, name, type(kind)(**{**vars(kind), "unit": UNIT}))


@pytest.fixture(scope="module")
def with_sentences(cells, client, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cells")
    cells.write_zarr(folder / "cells.zarr")
    return atlas.run(
        folder / "cells.zarr", [("sentences", {"n_genes": 30}), "rank_fit"], out=folder / "out.zarr", client=client
    )


@pytest.fixture
def out(with_sentences, tmp_path):
    """A store of its own for each test."""
    import shutil

    shutil.copytree(with_sentences, tmp_path / "out.zarr")
    return tmp_path / "out.zarr"


@pytest.fixture
def expected(cells):
    found = cells.copy()
    pp.sentences(found, n_genes=30, store="ranks")
    pp.rank_fit(found)
    return found


def by_unit(cells, function, **params):
    """The function on units of cells in memory, put together."""
    parts = []
    for start in range(0, cells.n_obs, UNIT):
        part = cells[start : start + UNIT].copy()
        function(part, **params)
        parts.append(part)
    return parts


def run(out, name, client, block_size, **params):
    atlas.run(out, [(name, params)], client=client, block_size=block_size)
    return ad.read_zarr(out)


@pytest.mark.parametrize("block_size", [1000, 32])
def test_embeddings_are_those_of_the_function_to_the_bit(out, expected, model, client, block_size):
    found = run(out, "embed", client, block_size, model=model)
    units = by_unit(expected, tl.embed, model=model)
    np.testing.assert_array_equal(found.obsm["X_c2s"], np.vstack([part.obsm["X_c2s"] for part in units]))
    tl.embed(expected, model=model)
    np.testing.assert_allclose(found.obsm["X_c2s"], expected.obsm["X_c2s"], rtol=0, atol=1e-5)
    record = found.uns["c2s"]["embed"]
    assert (
        record["model"]["weights"] == expected.uns["c2s"]["embed"]["model"]["weights"]
        if "weights" in record["model"]
        else True
    )
    assert record["params"]["n_cells"] == 119
    assert record["params"]["prompt"] == expected.uns["c2s"]["embed"]["params"]["prompt"]


@pytest.mark.parametrize("prompt", [None, "{cell_sentence} {donor} is"])
def test_labels_and_trust_are_as_in_memory_whatever_the_blocks(out, expected, model, client, prompt, tmp_path):
    import shutil

    other = shutil.copytree(out, tmp_path / "other.zarr")
    params = {"model": model, "labels": LABELS} | ({} if prompt is None else {"prompt": prompt})
    found, again = (run(path, "annotate", client, size, **params) for path, size in ((out, 1000), (other, 32)))
    tl.annotate(expected, **params)
    for name in ("c2s_cell_type", "c2s_cell_type_prob", "c2s_cell_type_entropy", "c2s_cell_type_trust"):
        pd.testing.assert_series_equal(found.obs[name], again.obs[name], check_exact=True)
    pd.testing.assert_frame_equal(
        found.obsm["c2s_cell_type_probs"], again.obsm["c2s_cell_type_probs"], check_exact=True
    )
    pd.testing.assert_series_equal(found.obs["c2s_cell_type"], expected.obs["c2s_cell_type"])
    for name in ("c2s_cell_type_prob", "c2s_cell_type_entropy", "c2s_cell_type_trust"):
        np.testing.assert_allclose(found.obs[name], expected.obs[name], atol=1e-5)
    np.testing.assert_allclose(found.obsm["c2s_cell_type_probs"], expected.obsm["c2s_cell_type_probs"], atol=1e-5)
    ours, theirs = found.uns["c2s"]["annotate"], expected.uns["c2s"]["annotate"]
    assert ours["verdict"] == theirs["verdict"]
    np.testing.assert_allclose(ours["controls"], theirs["controls"], atol=1e-4)
    assert list(ours["params"]["labels"]) == LABELS


def test_written_answers_and_their_labels_come_out_the_same(out, expected, model, client):
    params = {"model": model, "labels": LABELS, "mode": "generate", "max_new_tokens": 4, "controls": False}
    found = run(out, "annotate", client, 64, **params)
    tl.annotate(expected, **params)
    assert found.obs["c2s_cell_type_raw"].astype(str).tolist() == expected.obs["c2s_cell_type_raw"].astype(str).tolist()
    assert found.obs["c2s_cell_type"].astype(str).tolist() == expected.obs["c2s_cell_type"].astype(str).tolist()
    assert list(found.obs["c2s_cell_type"].cat.categories) == list(expected.obs["c2s_cell_type"].cat.categories)


def test_perplexities_are_those_of_the_function_and_the_total_is_of_all_cells(out, expected, model, client):
    params = {"model": model, "prompt": "A cell:"}
    found = run(out, "perplexity", client, 64, **params)
    units = by_unit(expected, tl.perplexity, **params)
    for name in ("", "_shuffled", "_log_likelihood"):
        column = f"c2s_perplexity{name}"
        np.testing.assert_array_equal(found.obs[column], np.concatenate([part.obs[column] for part in units]))
    tl.perplexity(expected, **params)
    ours, theirs = found.uns["c2s"]["perplexity"]["params"], expected.uns["c2s"]["perplexity"]["params"]
    for name in ("perplexity", "perplexity_shuffled"):
        assert ours[name] == pytest.approx(theirs[name], rel=1e-6)


def test_perturbed_cells_are_those_of_the_function_and_stand_beside_controls(out, expected, model, client):
    params = {"model": model, "perturbation": "IFN-beta", "prompt": "{cell_sentence} {perturbation}:", "n_genes": 8,
              "n_control_cells": 25, "n_boot": 0}  # fmt: skip
    found = run(out, "perturb", client, 64, **params)
    units = by_unit(expected, tl.perturb, **params, controls=False)
    layer = sparse.vstack([part.layers["c2s_perturbed"] for part in units], format="csr")
    assert (found.layers["c2s_perturbed"] != layer).nnz == 0
    sentences = [text for part in units for text in part.obs["c2s_perturbed_sentence"]]
    assert found.obs["c2s_perturbed_sentence"].astype(str).tolist() == sentences
    record = found.uns["c2s"]["perturb"]["perturbed"]
    assert record["params"]["n_asked"] == record["params"]["n_cells"] == 119
    assert record["controls"]["n_pred"].max() == 25
    assert record["verdict"]


def test_cells_that_have_no_perturbation_are_left_out_also_where_a_whole_unit_has_none(out, expected, model, client):
    import zarr
    from anndata.io import write_elem

    from scc2s.atlas._finish import quiet

    names = np.where(np.arange(119) < UNIT, None, np.where(np.arange(119) % 2, "TNF", "IFN-beta"))
    with quiet():
        write_elem(zarr.open_group(out / "obs", mode="r+"), "told", pd.Categorical(names))
    group = zarr.open_group(out, mode="r+", use_consolidated=False)
    group["obs"].attrs["column-order"] = [*group["obs"].attrs["column-order"], "told"]
    params = {"model": model, "perturbation_key": "told", "prompt": "{cell_sentence} {perturbation}:", "n_genes": 5,
              "controls": False}  # fmt: skip
    found = run(out, "perturb", client, 32, **params)
    expected.obs["told"] = pd.Categorical(names)
    tl.perturb(expected, **params)
    assert found.obs["c2s_perturbed_sentence"].astype(str).tolist() == expected.obs["c2s_perturbed_sentence"].tolist()
    assert (found.layers["c2s_perturbed"] != expected.layers["c2s_perturbed"]).nnz == 0
    for name in ("perturbation", "n_words", "valid", "complete"):
        pd.testing.assert_series_equal(
            found.obs[f"c2s_perturbed_{name}"], expected.obs[f"c2s_perturbed_{name}"], check_exact=True
        )
    ours, theirs = (some.uns["c2s"]["perturb"]["perturbed"]["params"] for some in (found, expected))
    assert list(ours["perturbation"]) == list(theirs["perturbation"]) == ["IFN-beta", "TNF"]
    for name in ("n_cells", "n_asked", "n_incomplete", "share_valid"):
        assert ours[name] == theirs[name]


def test_cells_without_a_sentence_are_refused_before_the_model_is_loaded(store, client, model, tmp_path):
    out = atlas.run(store, [("sentences", {"n_genes": 30})], out=tmp_path / "out.zarr", client=client)
    with pytest.raises(ValueError, match="1 cells have an empty sentence"):
        atlas.embed(out, model="no such model", client=client)


def test_no_sentences_and_a_model_in_memory_are_refused(store, client, tmp_path):
    with pytest.raises(KeyError, match=r"call scc2s\.atlas\.sentences"):
        atlas.embed(store, client=client)
    with pytest.raises(TypeError, match="by its name or folder"):
        atlas.embed(store, model=object(), client=client)


def test_new_cells_are_those_of_the_function_by_their_number(out, expected, model, client, tmp_path):
    params = {"model": model, "prompt": "A {cell_type}:", "n_genes": 6}
    obs = {"cell_type": ["B cell", "T cell"]}
    new = atlas.generate(out, 40, out=tmp_path / "new.zarr", obs=obs, client=client, block_size=32, **params)
    found, theirs = ad.read_zarr(new), tl.generate(expected, 40, obs=obs, controls=False, **params)
    assert found.obs["c2s_sentence"].astype(str).tolist() == theirs.obs["c2s_sentence"].tolist()
    assert (found.X != theirs.X).nnz == 0
    np.testing.assert_array_equal(found.obsm["c2s_ranks"], theirs.obsm["c2s_ranks"])
    assert found.obs["cell_type"].astype(str).tolist() == theirs.obs["cell_type"].tolist()
    assert found.uns["c2s"]["generate"]["params"]["share_valid"] == 1.0
    (tmp_path / "new.zarr.atlas" / "generate" / "done" / "1.json").unlink()
    atlas.resume(new, client=client)
    assert (ad.read_zarr(new).X != theirs.X).nnz == 0
    with pytest.raises(ValueError, match="holds other cells"):
        atlas.generate(out, 7, out=new, obs=obs, client=client, **params)
