from __future__ import annotations

import json

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from scc2s import atlas, pp, tl

GENES = ["CD3D", "CD3E", "CD2", "LYZ"]
SENTENCES = ("sentences", {"n_genes": 40})


def in_memory(cells, **params):
    cells = cells.copy()
    pp.sentences(cells, n_genes=40, store="ranks", **params)
    return cells


def same_sentences(found, expected):
    assert found.obsm["c2s_ranks"].dtype == np.int32
    np.testing.assert_array_equal(found.obsm["c2s_ranks"], expected.obsm["c2s_ranks"])
    for name in ("c2s_n_genes", "c2s_gene_list"):
        pd.testing.assert_series_equal(found.obs[name], expected.obs[name], check_names=False)


def blocks_of(out, step):
    folder = out.with_name(f"{out.name}.atlas") / step
    return {file.name: file.stat().st_mtime_ns for file in (folder / "done").iterdir()}


@pytest.mark.slow
@pytest.mark.parametrize("block_size", [1000, 37])
def test_all_steps_on_expression_are_as_in_memory_to_the_bit(store, blood, client, tmp_path, block_size):
    expected = in_memory(blood)
    pp.rank_fit(expected)
    tl.program_score(expected, GENES, key_added="t_cells")
    out = atlas.run(
        store,
        [SENTENCES, "rank_fit", ("program_score", {"program": GENES, "key_added": "t_cells"})],
        out=tmp_path / "out.zarr",
        client=client,
        block_size=block_size,
    )
    found = ad.read_zarr(out)
    same_sentences(found, expected)
    pd.testing.assert_series_equal(found.obs["t_cells"], expected.obs["t_cells"], check_exact=True)
    for key in ("sentences", "rank_fit", "t_cells"):
        ours, theirs = found.uns["c2s"][key], expected.uns["c2s"][key]
        assert set(ours) == {*theirs, "atlas"}
        for name, value in theirs.items():
            if name not in ("params", "versions"):
                np.testing.assert_array_equal(np.asarray(ours[name]), np.asarray(value), err_msg=name)
        assert set(ours["params"]) == set(theirs["params"])
        assert ours["params"].get("n_empty") == theirs["params"].get("n_empty")
    assert found.X is None
    assert list(found.obs_names) == list(blood.obs_names)
    assert list(found.var_names) == list(blood.var_names)
    assert found.obs["bulk_labels"].equals(blood.obs["bulk_labels"])


def test_a_lazy_reader_opens_what_was_written_and_gets_the_same(store, blood, client, tmp_path):
    pytest.importorskip("xarray")
    out = atlas.run(store, [SENTENCES], out=tmp_path / "out.zarr", client=client)
    lazy = ad.experimental.read_lazy(out)
    same_sentences(lazy.to_memory(), in_memory(blood))
    assert lazy.uns["c2s"]["sentences"]["params"]["n_genes"] == 40


@pytest.mark.slow
def test_results_go_into_the_store_itself_and_leave_it_as_it_was(store, blood, client):
    assert atlas.run(store, [SENTENCES], client=client) == store.resolve()
    found = ad.read_zarr(store)
    same_sentences(found, in_memory(blood))
    assert (found.X != blood.X).nnz == 0
    assert list(found.obs) == [*blood.obs, "c2s_gene_list", "c2s_n_genes"]
    atlas.run(store, [("sentences", {"n_genes": 40, "key_added": "top_sentence"})], client=client)
    assert "top_ranks" in ad.read_zarr(store).obsm


def test_texts_come_on_request(store, blood, client, tmp_path):
    out = atlas.run(store, [("sentences", {"n_genes": 5, "store": "text"})], out=tmp_path / "out.zarr", client=client)
    expected = blood.copy()
    pp.sentences(expected, n_genes=5)
    found = ad.read_zarr(out).obs["c2s_sentence"]
    assert found.astype(str).tolist() == expected.obs["c2s_sentence"].tolist()


@pytest.mark.slow
def test_what_is_done_is_not_done_again(store, client, tmp_path):
    out = atlas.run(store, [SENTENCES], out=tmp_path / "out.zarr", client=client, block_size=50)
    before = blocks_of(out, "sentences")
    assert len(before) == 3
    atlas.run(store, [SENTENCES], out=out, client=client, block_size=50)
    atlas.resume(out, client=client)
    assert blocks_of(out, "sentences") == before


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["cut", "lost", "unmarked", "half a mark", "category"])
def test_only_what_was_damaged_is_done_again_and_the_result_is_the_same(store, blood, client, tmp_path, damage):
    out = atlas.run(store, [SENTENCES], out=tmp_path / "out.zarr", client=client, block_size=50)
    before = blocks_of(out, "sentences")
    mark = out.with_name("out.zarr.atlas") / "sentences" / "done" / "1.json"
    number = "0" if damage == "cut" else "1"
    chunk = out / "obsm" / "c2s_ranks" / "c" / number / "0"
    if damage == "cut":
        chunk.write_bytes(chunk.read_bytes()[:20])
    elif damage == "lost":
        chunk.unlink()
    elif damage == "unmarked":
        mark.unlink()
    elif damage == "half a mark":
        mark.write_text(mark.read_text()[:20])
    else:
        names = out / "obs" / "c2s_gene_list" / "categories" / "c" / "0"
        names.write_bytes(names.read_bytes()[:5])
    atlas.resume(out, client=client)
    same_sentences(ad.read_zarr(out), in_memory(blood))
    after = blocks_of(out, "sentences")
    changed = {name for name in before if before[name] != after[name]}
    assert changed == (set() if damage == "category" else {f"{number}.json"})


@pytest.mark.slow
def test_other_settings_are_refused_by_name_and_a_new_beginning_is_not(store, client, tmp_path):
    out = atlas.run(store, [SENTENCES], out=tmp_path / "out.zarr", client=client)
    with pytest.raises(ValueError, match=r"params\.n_genes was 40, and is 30.*restart=True"):
        atlas.run(store, [("sentences", {"n_genes": 30})], out=out, client=client)
    assert ad.read_zarr(out).obsm["c2s_ranks"].shape[1] == 40
    atlas.resume(out, client=client)  # what was refused is not what is gone on with
    atlas.run(store, [("sentences", {"n_genes": 30})], out=out, client=client, restart=True)
    assert ad.read_zarr(out).obsm["c2s_ranks"].shape[1] == 30


@pytest.mark.slow
def test_other_versions_are_refused_by_name(store, client, tmp_path):
    out = atlas.run(store, [SENTENCES], out=tmp_path / "out.zarr", client=client)
    file = out.with_name("out.zarr.atlas") / "sentences" / "manifest.json"
    manifest = json.loads(file.read_text())
    manifest["versions"]["numpy"] = "0.9"
    file.write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match=r"versions\.numpy was '0\.9'"):
        atlas.resume(out, client=client)


@pytest.mark.slow
def test_blocks_that_fail_are_listed_and_the_others_are_done(blood, client, tmp_path):
    bad = blood.copy()
    bad.X.data[bad.X.indptr[60]] = -1.0
    bad.write_zarr(tmp_path / "cells.zarr")
    with pytest.raises(RuntimeError, match=r"1 of 6 blocks of sentences failed 2 times.*cells 60 to 79.*negative"):
        atlas.run(
            tmp_path / "cells.zarr", [SENTENCES], out=tmp_path / "out.zarr", client=client, block_size=20, retries=1
        )
    found = atlas.status(tmp_path / "out.zarr").loc["sentences"]
    assert (found["state"], found["n_blocks"], found["n_done"], found["n_failed"]) == ("begun", 6, 5, 1)
    assert "negative" in found["error"]
    before = blocks_of(tmp_path / "out.zarr", "sentences")
    blood.write_zarr(tmp_path / "cells.zarr")
    out = atlas.resume(tmp_path / "out.zarr", client=client)
    same_sentences(ad.read_zarr(out), in_memory(blood))
    after = blocks_of(out, "sentences")
    assert {name for name in after if before.get(name) != after[name]} == {"3.json"}
    assert atlas.status(out).loc["sentences", "state"] == "done"


@pytest.mark.slow
def test_a_block_without_memory_is_halved_until_it_fits(store, blood, client, tmp_path, monkeypatch):
    real = pp.sentences

    def little_memory(cells, **params):
        if cells.n_obs > 20:
            raise MemoryError
        real(cells, **params)

    monkeypatch.setattr(pp, "sentences", little_memory)
    out = atlas.run(store, [SENTENCES], out=tmp_path / "out.zarr", client=client, block_size=60)
    monkeypatch.undo()
    same_sentences(ad.read_zarr(out), in_memory(blood))
    marks = (out.with_name("out.zarr.atlas") / "sentences" / "done").iterdir()
    assert {json.loads(mark.read_text())["pieces"] for mark in marks} == {4}


def test_what_the_function_refuses_is_refused_before_the_first_block(store, client, tmp_path):
    with pytest.raises(KeyError, match="there is no step|nothing"):
        atlas.run(store, [("sentences", {"layer": "nothing"})], out=tmp_path / "out.zarr", client=client)
    assert not (tmp_path / "out.zarr.atlas" / "sentences").exists()


def test_one_call_at_a_time_writes_to_a_store(store, client, tmp_path):
    from scc2s.atlas._folder import held, run_folder

    with held(run_folder(tmp_path / "out.zarr")), pytest.raises(RuntimeError, match="another process"):
        atlas.run(store, [SENTENCES], out=tmp_path / "out.zarr", client=client)


def test_nothing_to_resume_is_said(tmp_path):
    for call in (atlas.resume, atlas.status):
        with pytest.raises(FileNotFoundError, match=r"call scc2s\.atlas\.run"):
            call(tmp_path / "out.zarr")


@pytest.mark.parametrize("wrong", [{"n_workers": 2}, {"memory_limit": "1GB"}])
def test_options_of_workers_are_not_for_those_that_are_there(store, client, tmp_path, wrong):
    with pytest.raises(ValueError, match="leave them out"):
        atlas.run(store, [SENTENCES], out=tmp_path / "out.zarr", client=client, **wrong)


def test_a_scheduler_that_is_not_there_is_named(store, tmp_path):
    with pytest.raises(TypeError, match="is not a client"):
        atlas.run(store, [SENTENCES], out=tmp_path / "out.zarr", client=7)
