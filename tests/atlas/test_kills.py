"""Processes that are killed: what comes out in the end is what an unbroken run gives."""

from __future__ import annotations

import errno
import subprocess
import sys

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from cell_files import blood_counts
from killed_atlas import STEPS, run_with_kills

from scc2s import atlas

pytestmark = pytest.mark.slow


def refuse_difference(found, expected):
    np.testing.assert_array_equal(found.obsm["c2s_ranks"], expected.obsm["c2s_ranks"])
    pd.testing.assert_frame_equal(found.obs, expected.obs, check_exact=True)
    ours, theirs = (cells.uns["c2s"]["rank_fit"] for cells in (found, expected))
    for name in ("slope", "intercept", "r2", "spearman", "n_pairs", "n_pairs_spearman"):
        assert ours[name] == theirs[name]


def test_workers_clients_and_the_scheduler_are_killed_and_the_result_is_the_same(tmp_path, client):
    blood_counts().write_zarr(tmp_path / "cells.zarr")
    unbroken = atlas.run(tmp_path / "cells.zarr", STEPS, out=tmp_path / "unbroken.zarr", client=client, block_size=50)
    victims = ["worker0", "client", "scheduler", "worker1"]
    out = tmp_path / "killed.zarr"
    assert run_with_kills(tmp_path / "cells.zarr", out, victims=victims, block_size=50) == len(victims)
    refuse_difference(ad.read_zarr(out), ad.read_zarr(unbroken))


def test_own_workers_give_the_same_as_threads(tmp_path, client):
    blood_counts().write_zarr(tmp_path / "cells.zarr")
    one = atlas.run(tmp_path / "cells.zarr", STEPS, out=tmp_path / "one.zarr", client=client, block_size=100)
    two = atlas.run(
        tmp_path / "cells.zarr", STEPS, out=tmp_path / "two.zarr", n_workers=2, memory_limit="2GiB", block_size=64
    )
    refuse_difference(ad.read_zarr(two), ad.read_zarr(one))
    workers = atlas.status(two)["workers"]
    assert (workers.str.count(":") == 2).any()


_FULL = """
import sys, distributed, resource
from scc2s import atlas
from scc2s.atlas import _folder
import numpy as np
if __name__ == "__main__":
    store, out = sys.argv[1:]
    with distributed.Client(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=":0") as client:
        import signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (15_000, resource.RLIM_INFINITY))
        try:
            atlas.run(store, [("sentences", {"n_genes": 200})], out=out, client=client, block_size=100, progress=False)
        except OSError as error:
            print(error.errno, error)
"""


def test_a_full_disk_is_said_and_the_run_goes_on_once_there_is_room(tmp_path, client):
    """No file may grow beyond a limit here, which is how a quota looks to who writes."""
    blood_counts().write_zarr(tmp_path / "cells.zarr")
    out = tmp_path / "out.zarr"
    steps = [("sentences", {"n_genes": 200})]
    atlas.run(tmp_path / "cells.zarr", [("sentences", {"n_genes": 5})], out=out, client=client)  # the store itself fits
    script = tmp_path / "full.py"
    script.write_text(_FULL.replace('{"n_genes": 200}', '{"n_genes": 200, "key_added": "all_sentence"}'))
    said = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "cells.zarr"), str(out)], capture_output=True, text=True
    )
    assert said.stdout.startswith(f"{errno.ENOSPC} "), said.stderr
    assert "full" in said.stdout
    assert "scc2s.atlas.resume" in said.stdout
    atlas.resume(out, client=client)
    unbroken = atlas.run(tmp_path / "cells.zarr", steps, out=tmp_path / "unbroken.zarr", client=client)
    np.testing.assert_array_equal(ad.read_zarr(out).obsm["all_ranks"], ad.read_zarr(unbroken).obsm["c2s_ranks"])
