"""Runs over an atlas whose scheduler, workers and clients are killed, and are started again until all is done."""

from __future__ import annotations

import math
import multiprocessing
import os
import random
import signal
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STEPS = [("sentences", {"n_genes": 50}), ("rank_fit", {}), ("program_score", {"program": ["LYZ", "CD3D", "CD74"]})]
SECONDS = 600


_FROM = multiprocessing.get_context("forkserver" if os.name == "posix" else "spawn")
"""Processes come from one that has imported all, which takes each of them seconds otherwise; it runs nothing itself."""
_FROM.set_forkserver_preload([
    "killed_atlas", "distributed.cli.dask_scheduler", "distributed.cli.dask_worker", "scanpy", "zarr",
    "scc2s.atlas._task", "scc2s.atlas._run", "scc2s.atlas._values", "scc2s.atlas._fit_sums", "scc2s.pp._sentences",
    "scc2s.pp._rank_fit", "scc2s.tl._program_score",
])  # fmt: skip


class Processes:
    """A scheduler, workers and a client, each a process of its own that talks over TCP."""

    def __init__(self, store: Path, out: Path, block_size: int, n_workers: int = 2) -> None:
        self._store, self._out, self._block_size = str(store), str(out), block_size
        self._folder, self._n_workers = out.parent, n_workers
        self._file = self._folder / "scheduler.json"
        self._running: dict[str, multiprocessing.process.BaseProcess] = {}

    def start(self) -> None:
        """Start what is not there."""
        if not self._is_there("scheduler"):
            self.stop()
            self._file.unlink(missing_ok=True)
            self._begin("scheduler", scheduler, str(self._file))
            wait(self._file.exists)
        for i in range(self._n_workers):
            if not self._is_there(f"worker{i}"):
                self._begin(f"worker{i}", worker, str(self._file), str(self._folder / "scratch"))
        if not self._is_there("client"):
            self._begin("client", client, self._store, self._out, self._block_size, str(self._file))

    def _begin(self, name: str, what: Callable[..., None], *arguments: object) -> None:
        process = _FROM.Process(target=logged, args=(str(self._folder / "processes.log"), what, *arguments))
        process.start()
        self._running[name] = process

    def _is_there(self, name: str) -> bool:
        return name in self._running and self._running[name].is_alive()

    def kill(self, name: str) -> None:
        """SIGKILL: nothing can be tidied up."""
        process = self._running.pop(name)
        process.kill()
        process.join()

    def client_ended(self) -> int | None:
        """Exit status of the client."""
        return self._running["client"].exitcode if "client" in self._running else -signal.SIGKILL

    def stop(self) -> None:
        """End all that run."""
        for name in list(self._running):
            self.kill(name)


def n_done(out: Path) -> int:
    """Blocks of all steps that are done."""
    return len(list(out.with_name(f"{out.name}.atlas").glob("*/done/*.json")))


def wait(until, seconds: float = SECONDS) -> None:
    """Wait for something to come true."""
    limit = time.monotonic() + seconds
    while not until():
        if time.monotonic() > limit:
            raise TimeoutError(until)
        time.sleep(0.02)


def run_with_kills(store: Path, out: Path, *, victims: list[str], block_size: int, seed: int = 0) -> int:
    """Run to the end; whoever stands first in `victims` is killed after some more blocks. Returns the number of kills.

    Where all is done before, `victims` are left over.
    """
    rng = random.Random(seed)
    processes = Processes(store, out, block_size)
    n = 0
    try:
        while True:
            processes.start()
            target = n_done(out) + rng.randint(1, 3) if n < len(victims) else math.inf
            wait(lambda target=target: processes.client_ended() is not None or n_done(out) >= target)
            ended = processes.client_ended()
            if ended == 0:
                return n
            if ended is None:
                processes.kill(victims[n])
                n += 1
                if victims[n - 1] == "scheduler":  # the client says so and ends, by itself
                    wait(lambda: processes.client_ended() is not None)
                    if processes.client_ended() == 0:
                        return n
    finally:
        processes.stop()


def logged(log: str, what: Callable[..., None], *arguments: object) -> None:
    """What a process does; all that it says goes to a file."""
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.environ.update({"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"})
    what(*arguments)


def scheduler(scheduler_file: str) -> None:
    """``dask scheduler``, as from a terminal."""
    from distributed.cli.dask_scheduler import main

    main(["--host", "127.0.0.1", "--port", "0", "--scheduler-file", scheduler_file, "--no-dashboard"])


def worker(scheduler_file: str, folder: str) -> None:
    """``dask worker``, as from a terminal."""
    from distributed.cli.dask_worker import main

    main(["--scheduler-file", scheduler_file, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory",
          folder])  # fmt: skip


def client(store: str, out: str, block_size: int, scheduler_file: str) -> None:
    """A script that calls `atlas.run`."""
    from distributed import Client

    from scc2s import atlas

    with Client(scheduler_file=scheduler_file, timeout="60s") as found:
        atlas.run(store, STEPS, out=out, client=found, block_size=block_size, progress=False)
