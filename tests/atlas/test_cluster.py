from __future__ import annotations

import os
import sys

import numpy as np
import pytest

from scc2s.atlas import _cluster

pytest.importorskip("distributed")
pytestmark = pytest.mark.slow


def test_the_first_workers_have_a_gpu_each_and_share_the_cores(monkeypatch):
    """Only the environment is looked at: that a model then takes that GPU is torch's to do."""
    monkeypatch.setattr(_cluster, "_gpus", lambda: ["0", "3"])
    with _cluster.connected(None, n_workers=3, memory_limit="1GiB", ask=True) as (client, threads, ready):
        ready()
        assert threads == max(1, (os.cpu_count() or 1) // 3)
        assert _cluster.gpus_of(client)
        seen = client.run(lambda: (os.environ["CUDA_VISIBLE_DEVICES"], os.environ["OMP_NUM_THREADS"]))
        assert sorted(seen.values()) == [("", str(threads)), ("0", str(threads)), ("3", str(threads))]
        workers = _cluster.workers_of(client)
        assert {seen[address][0] for address, worker in workers.items() if worker["resources"]} == {"0", "3"}
        assert {worker["memory_limit"] for worker in workers.values()} == {2**30}


def test_without_a_model_no_gpu_is_looked_for(monkeypatch):
    monkeypatch.setattr(_cluster, "_gpus", lambda: pytest.fail("looked"))
    with _cluster.connected(None, n_workers=1, memory_limit=None) as (client, _, ready):
        ready()
        assert not _cluster.gpus_of(client)


def test_workers_keep_freed_memory_and_dask_is_left_as_it_was():
    import dask

    before = dask.config.get("distributed.nanny.pre-spawn-environ")
    assert "MALLOC_TRIM_THRESHOLD_" in before  # else there is nothing to take back
    with _cluster.connected(None, n_workers=1, memory_limit=None) as (client, _, ready):
        ready()
        assert set(client.run(lambda: os.environ.get("MALLOC_TRIM_THRESHOLD_")).values()) == {None}
    assert dask.config.get("distributed.nanny.pre-spawn-environ") == before


def test_dask_does_not_look_at_what_workers_do_a_hundred_times_a_second():
    import dask

    enabled = "distributed.worker.profile.enabled"
    before = dask.config.get(enabled)
    with _cluster.connected(None, n_workers=1, memory_limit=None) as (client, _, ready):
        ready()
        assert list(client.run(lambda: dask.config.get(enabled)).values()) == [False]
    assert dask.config.get(enabled) is before


def test_the_environment_is_left_as_it_was_and_ours_goes_before_it(monkeypatch):
    """dask leaves behind what workers get; numba compiled nothing afterwards where the number of threads differed."""
    import numba

    monkeypatch.setenv("OMP_NUM_THREADS", "77")
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    numba.njit(lambda a: a + a, parallel=True)(np.ones(9))  # launches its threads
    now = lambda: {name: value for name, value in os.environ.items() if not name.startswith("__DASK")}  # noqa: E731
    before = now()
    with _cluster.connected(None, n_workers=3, memory_limit=None) as (client, threads, ready):
        ready()
        assert now() == before
        assert set(client.run(lambda: os.environ["OMP_NUM_THREADS"]).values()) == {str(threads)}
        client.restart()  # as after a worker has died
    assert now() == before
    assert numba.njit(lambda a: a - 1)(3) == 2


def test_workers_read_by_zarrs_unless_the_user_has_chosen(monkeypatch):
    pytest.importorskip("zarrs")
    seen = []
    for chosen in (None, "zarr.core.codec_pipeline.BatchedCodecPipeline"):
        if chosen is not None:
            monkeypatch.setenv("ZARR_CODEC_PIPELINE__PATH", chosen)
        with _cluster.connected(None, n_workers=1, memory_limit=None) as (client, _, ready):
            ready()
            seen += client.run(lambda: __import__("zarr").config.get("codec_pipeline.path")).values()
    assert seen == ["zarrs.ZarrsCodecPipeline", chosen]


def test_a_zarrs_that_does_not_work_is_left_alone(monkeypatch):
    monkeypatch.delenv("ZARR_CODEC_PIPELINE__PATH", raising=False)
    monkeypatch.setitem(sys.modules, "zarrs", None)  # its import raises
    assert _cluster._zarrs() == {}
