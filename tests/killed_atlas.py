"""Runs over an atlas whose scheduler, workers and clients are killed, and are started again until all is done.

As a script it is the client: python tests/killed_atlas.py STORE OUT BLOCK_SIZE SCHEDULER_FILE
"""

from __future__ import annotations

import math
import os
import random
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

STEPS = [("sentences", {"n_genes": 50}), ("rank_fit", {}), ("program_score", {"program": ["LYZ", "CD3D", "CD74"]})]
SECONDS = 600


class Processes:
    """A scheduler, workers and a client, each a process of its own that talks over TCP."""

    def __init__(self, store: Path, out: Path, block_size: int, n_workers: int = 2) -> None:
        self._client = [sys.executable, __file__, str(store), str(out), str(block_size)]
        self._folder, self._n_workers = out.parent, n_workers
        self._file = self._folder / "scheduler.json"
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._log = (self._folder / "processes.log").open("ab")

    def start(self) -> None:
        """Start what is not there."""
        if not self._is_there("scheduler"):
            self.stop()
            self._file.unlink(missing_ok=True)
            self._begin("scheduler", "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0",
                        "--scheduler-file", str(self._file), "--no-dashboard")  # fmt: skip
            wait(self._file.exists)
        for i in range(self._n_workers):
            if not self._is_there(f"worker{i}"):
                self._begin(f"worker{i}", "-m", "distributed.cli.dask_worker", "--scheduler-file", str(self._file),
                            "--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory",
                            str(self._folder / "scratch"))  # fmt: skip
        if not self._is_there("client"):
            self._begin("client", *self._client[1:], str(self._file))

    def _begin(self, name: str, *arguments: str) -> None:
        env = {**os.environ, "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
        self._running[name] = subprocess.Popen(
            [sys.executable, *arguments], env=env, stdout=self._log, stderr=self._log
        )

    def _is_there(self, name: str) -> bool:
        return name in self._running and self._running[name].poll() is None

    def kill(self, name: str) -> None:
        """SIGKILL: nothing can be tidied up."""
        process = self._running.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def client_ended(self) -> int | None:
        """Exit status of the client."""
        return self._running["client"].poll() if "client" in self._running else -signal.SIGKILL

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


def main(store: str, out: str, block_size: str, scheduler_file: str) -> None:
    from distributed import Client

    from scc2s import atlas

    with Client(scheduler_file=scheduler_file, timeout="60s") as client:
        atlas.run(store, STEPS, out=out, client=client, block_size=int(block_size), progress=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
