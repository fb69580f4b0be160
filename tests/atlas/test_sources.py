from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from scc2s import atlas, pp
from scc2s._cells.stored_rows import matrix_rows, united
from scc2s.atlas._finish import quiet
from scc2s.atlas._source import Source

STEPS = [("sentences", {"n_genes": 20})]


def ranks(cells):
    cells = cells.copy()
    pp.sentences(cells, n_genes=20, store="ranks")
    return cells.obsm["c2s_ranks"]


@pytest.fixture
def parts(blood, tmp_path):
    """Two files: the second with its genes in another order, and a category that the first lacks."""
    folder = tmp_path / "files"
    folder.mkdir()
    first, second = blood[:70].copy(), blood[70:].copy()
    first.obs["donor"] = pd.Categorical(["d1"] * 70)
    second.obs["donor"] = pd.Categorical(["d3", "d2"] * 25)
    rng = np.random.default_rng(0)
    first.write_h5ad(folder / "a.h5ad")
    second[:, rng.permutation(second.n_vars)].copy().write_zarr(folder / "b.zarr")
    return folder


def test_files_of_a_folder_are_put_together_by_the_names_of_genes(parts, blood, client, tmp_path):
    out = atlas.run(parts, STEPS, out=tmp_path / "out.zarr", client=client, block_size=50)
    found = ad.read_zarr(out)
    np.testing.assert_array_equal(found.obsm["c2s_ranks"], ranks(blood))
    assert list(found.obs_names) == list(blood.obs_names)
    assert list(found.obs["donor"].cat.categories) == ["d1", "d2", "d3"]
    assert found.obs["donor"].tolist() == ["d1"] * 70 + ["d3", "d2"] * 25


def test_other_genes_are_refused_by_name(parts, blood, client, tmp_path):
    blood[:5, 1:].copy().write_h5ad(parts / "c.h5ad")
    with pytest.raises(ValueError, match=rf"1 genes only in .*a\.h5ad \({blood.var_names[0]}"):
        atlas.run(parts, STEPS, out=tmp_path / "out.zarr", client=client)
    assert not (tmp_path / "out.zarr").exists()


@pytest.mark.slow
def test_cells_of_the_same_name_are_refused_until_they_are_told_apart(blood, client, tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    for name in ("a", "b"):
        blood[:10].copy().write_h5ad(folder / f"{name}.h5ad")
    with pytest.raises(ValueError, match="index_unique='-'"):
        atlas.run(folder, STEPS, out=tmp_path / "out.zarr", client=client)
    out = atlas.run(folder, STEPS, out=tmp_path / "out.zarr", client=client, index_unique="-")
    names = ad.read_zarr(out).obs_names
    assert names[0] == f"{blood.obs_names[0]}-a"
    assert names[10] == f"{blood.obs_names[0]}-b"


def test_a_column_that_a_file_lacks_is_named(parts, blood, client, tmp_path):
    other = blood[:3].copy()
    other.obs_names = ["x", "y", "z"]
    other.write_h5ad(parts / "c.h5ad")
    with pytest.raises(ValueError, match=r"c\.h5ad has no column 'donor'"):
        atlas.run(parts, STEPS, out=tmp_path / "out.zarr", client=client)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["h5ad", "zarr v2", "zarr v3", "sharded", "dense", "layer", "raw"])
def test_every_kind_of_store_gives_the_same(blood, client, tmp_path, kind):
    cells, params = blood.copy(), {}
    path = tmp_path / ("cells.h5ad" if kind == "h5ad" else "cells.zarr")
    if kind == "dense":
        cells.X = cells.X.toarray()
    elif kind == "layer":
        cells.layers["counts"], params = cells.X.copy(), {"layer": "counts"}
        cells.X = None
    elif kind == "raw":
        cells.raw = cells.copy()
        cells = cells[:, :50].copy()
    if kind == "h5ad":
        cells.write_h5ad(path)
    else:
        with ad.settings.override(zarr_write_format=2 if kind == "zarr v2" else 3), quiet():
            if kind == "sharded":
                write_sharded(cells, path)
            else:
                cells.write_zarr(path)
    out = atlas.run(
        path, [("sentences", {"n_genes": 20, **params})], out=tmp_path / "out.zarr", client=client, block_size=47
    )
    np.testing.assert_array_equal(ad.read_zarr(out).obsm["c2s_ranks"], ranks(blood))


def write_sharded(cells, path):
    """Chunks of 100 values, ten in a shard: rows begin and end within chunks."""

    def write(func, store, k, elem, dataset_kwargs, iospec):
        if k.endswith(("data", "indices")) and elem is not None:
            dataset_kwargs = {**dataset_kwargs, "chunks": (100,), "shards": (1000,)}
        func(store, k, elem, dataset_kwargs=dataset_kwargs)

    import zarr

    ad.experimental.write_dispatched(zarr.open_group(path, mode="w", zarr_format=3), "/", cells, callback=write)


def test_rows_of_a_matrix_are_those_of_the_whole_wherever_chunks_end(tmp_path):
    import zarr

    X = sparse.random(50, 30, 0.2, format="csr", random_state=0)
    group = zarr.open_group(tmp_path / "x.zarr", mode="w", zarr_format=2)
    ad.io.write_elem(group, "X", X, dataset_kwargs={"chunks": (7,)})
    for start, stop in ((0, 50), (3, 4), (10, 10), (41, 50)):
        part = matrix_rows(group["X"], start, stop)
        assert (part != X[start:stop]).nnz == 0
        assert part.shape == (stop - start, 30)


def test_a_matrix_by_columns_is_refused_with_what_mends_it(blood, client, tmp_path):
    cells = blood.copy()
    cells.X = cells.X.tocsc()
    cells.write_zarr(tmp_path / "cells.zarr")
    with pytest.raises(ValueError, match=r"stored by columns.*tocsr"):
        atlas.run(tmp_path / "cells.zarr", STEPS, out=tmp_path / "out.zarr", client=client)


def test_results_of_a_file_need_a_store_of_their_own(blood, client, tmp_path):
    blood.write_h5ad(tmp_path / "cells.h5ad")
    with pytest.raises(ValueError, match="pass out="):
        atlas.run(tmp_path / "cells.h5ad", STEPS, client=client)
    with pytest.raises(ValueError, match=r"ends in \.zarr"):
        atlas.run(tmp_path / "cells.h5ad", STEPS, out=tmp_path / "out.h5ad", client=client)


def test_a_store_with_other_cells_is_not_written_to(blood, store, client, tmp_path):
    blood[:7].copy().write_zarr(tmp_path / "out.zarr")
    with pytest.raises(ValueError, match="holds other cells"):
        atlas.run(store, STEPS, out=tmp_path / "out.zarr", client=client)
    assert ad.read_zarr(tmp_path / "out.zarr").n_obs == 7
    blood[::-1].copy().write_zarr(tmp_path / "turned.zarr")
    with pytest.raises(ValueError, match=f"holds other cells .its first is not '{blood.obs_names[0]}'"):
        atlas.run(store, STEPS, out=tmp_path / "turned.zarr", client=client)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cells.zarr", "out.zarr", "turned.zarr"]


def test_what_is_not_there_or_no_store_is_said(tmp_path, client):
    with pytest.raises(FileNotFoundError, match="there is no"):
        atlas.run(tmp_path / "nothing.zarr", STEPS, client=client)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"no \.zarr or \.h5ad in it"):
        atlas.run(tmp_path / "empty", STEPS, client=client)


@pytest.mark.slow
def test_batches_of_any_reader_become_a_store(blood, client, tmp_path):
    def reader():
        for start in range(0, 120, 50):
            yield blood.X[start : start + 50], blood.obs.iloc[start : start + 50]

    path = atlas.from_batches(reader(), tmp_path / "cells.zarr", genes=list(blood.var_names))
    found = ad.read_zarr(path)
    assert (found.X != blood.X).nnz == 0
    pd.testing.assert_frame_equal(found.obs, blood.obs, check_names=False, check_index_type=False)
    out = atlas.run(path, STEPS, out=tmp_path / "out.zarr", client=client)
    np.testing.assert_array_equal(ad.read_zarr(out).obsm["c2s_ranks"], ranks(blood))
    again = atlas.from_batches(pp.batches(blood, batch_size=50), tmp_path / "again.zarr")
    assert ad.read_zarr(again).n_obs == 120
    with pytest.raises(ValueError, match="pass genes="):
        atlas.from_batches(reader(), tmp_path / "new.zarr")
    with pytest.raises(ValueError, match="several cells are called"):
        atlas.from_batches([*reader(), *reader()], tmp_path / "new.zarr", genes=list(blood.var_names))
    assert not (tmp_path / "new.zarr").exists()


def test_parts_of_files_are_found_by_row():
    source = Source(("a", "b", "c"), (3, 0, 4))
    assert source.parts(2, 5) == [(0, 2, 3), (2, 0, 2)]
    assert source.parts(3, 7) == [(2, 0, 4)]


def test_categories_of_files_are_united_and_keep_an_order_that_all_have():
    a, b = pd.Categorical(["y"], categories=["y", "x"]), pd.Categorical(["z"], categories=["z"])
    assert list(united([a, a]).categories) == ["y", "x"]
    assert list(united([a, b]).categories) == ["x", "y", "z"]
    assert list(united([a, b])) == ["y", "z"]
    with pytest.raises(ValueError, match="order of categories"):
        united([a.as_ordered(), b.as_ordered()])


def test_names_of_many_cells_are_read_some_at_a_time(tmp_path, monkeypatch):
    import zarr

    from scc2s.atlas import _store
    from scc2s.atlas._prepare import prepare

    monkeypatch.setattr(_store, "ROWS", 10)
    obs = pd.DataFrame({"donor": ["a"] * 25, "age": np.arange(25)}, index=[f"c{i}" for i in range(25)], dtype=object)
    ad.AnnData(np.ones((25, 2), dtype=np.float32), obs=obs).write_zarr(tmp_path / "cells.zarr")
    source, out = Source.of(tmp_path / "cells.zarr"), tmp_path / "out.zarr"
    prepare(source, out)
    root = zarr.open_group(out, mode="r")
    assert root["obs"][root["obs"].attrs["_index"]].chunks == (10,)
    assert list(ad.read_zarr(out).obs_names) == list(obs.index)


def test_cells_are_told_from_others_by_their_names_however_these_are_stored(tmp_path, monkeypatch):
    from scc2s.atlas import _cell_names, _prepare, _store
    from scc2s.atlas._cell_names import mark_of, shown, some_names

    def mark(name, names, chunk):
        with monkeypatch.context() as at:
            at.setattr(_store, "ROWS", chunk)
            cells = ad.AnnData(np.ones((len(names), 2), dtype=np.float32), obs=pd.DataFrame(index=names))
            cells.write_zarr(tmp_path / "one.zarr")
            source = Source.of(tmp_path / "one.zarr")
            _prepare.prepare(source, tmp_path / name)
        found = Source.of(tmp_path / name)
        runs = shown(found)
        assert len(runs) == -(-len(names) // chunk), "each chunk once"
        assert len({row for _, some in runs for start, stop in some for row in range(start, stop)}) == 16
        return mark_of(found, [some_names(found, some) for some in runs])

    monkeypatch.setattr(_cell_names, "_RUN", 2)
    names = [f"c{i}" for i in range(200)]
    first = mark("a.zarr", names, 50)
    assert mark("b.zarr", names, 100) == first
    assert mark("c.zarr", [*names[:-1], "other"], 50) != first
    assert mark("d.zarr", [*names[:100], *names[:99:-1]], 50) != first
