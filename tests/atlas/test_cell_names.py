from __future__ import annotations

import shutil

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from scc2s.atlas import _cell_names, _store
from scc2s.atlas._cluster import over_workers
from scc2s.atlas._prepare import prepare
from scc2s.atlas._source import Source
from scc2s.atlas._store import forget

pytest.importorskip("distributed")
pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def few_at_a_time(monkeypatch):
    monkeypatch.setattr(_store, "ROWS", 4)
    monkeypatch.setattr(_cell_names, "_STEP", 7)


def write(folder, **names):
    """A folder of stores of cells with these names, which are in chunks of a few."""
    folder.mkdir()
    whole = folder.parent / "whole.zarr"
    for name, some in names.items():
        ad.AnnData(np.ones((len(some), 2), dtype=np.float32), obs=pd.DataFrame(index=some)).write_zarr(whole)
        prepare(Source.of(whole), folder / f"{name}.zarr")
        forget()
    shutil.rmtree(whole)
    return Source.of(folder)


@pytest.mark.parametrize("index_unique", [None, "-"])
@pytest.mark.parametrize("many", [False, True])
def test_names_are_written_piece_by_piece(client, many, index_unique, tmp_path):
    a, b = [f"c{i}" for i in range(11)], ["ß", "x y", *(f"d{i}" for i in range(20))]
    source = write(tmp_path / "in", a=a, b=b)
    assert _cell_names._pieces(source) == [(0, 8), (8, 16), (16, 24), (24, 32), (32, 33)]  # no two write to one chunk
    prepare(source, tmp_path / "out.zarr", index_unique, over=over_workers(client) if many else map)
    expected = [*a, *b] if index_unique is None else [*(f"{n}-a" for n in a), *(f"{n}-b" for n in b)]
    assert list(ad.read_zarr(tmp_path / "out.zarr").obs_names) == expected


def test_twins_are_found_wherever_they_stand(client, tmp_path):
    source = write(tmp_path / "in", a=[f"c{i}" for i in range(20)], b=["other", "c3"])
    with pytest.raises(ValueError, match="several cells are called 'c3'.*index_unique"):
        prepare(source, tmp_path / "out.zarr", over=over_workers(client))
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    prepare(source, tmp_path / "out.zarr", "-", over=over_workers(client))
    alone = Source.of(tmp_path / "in" / "a.zarr")
    prepare(alone, tmp_path / "alone.zarr")


def test_names_of_one_hash_are_no_twins(monkeypatch, tmp_path):
    monkeypatch.setattr(pd.util, "hash_array", lambda names, **_: np.zeros(len(names), dtype=np.uint64))
    source = write(tmp_path / "in", a=[f"c{i}" for i in range(20)])
    prepare(source, tmp_path / "out.zarr")
    assert ad.read_zarr(tmp_path / "out.zarr").n_obs == 20


def test_without_workers_it_is_done_here_and_what_fails_is_raised(client):
    import distributed

    def refuse(number):
        if number == 2:
            raise KeyError(number)
        return number

    assert list(over_workers(client)(str, range(3))) == ["0", "1", "2"]
    with pytest.raises(KeyError, match="2"):
        over_workers(client)(refuse, range(4))
    with distributed.Client(processes=False, n_workers=0, dashboard_address=":0", set_as_default=False) as nobody:
        assert list(over_workers(nobody)(str, range(3))) == ["0", "1", "2"]
