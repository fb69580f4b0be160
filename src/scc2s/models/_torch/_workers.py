"""Batches side by side on a CPU: workers of few threads each are quicker than one batch on all threads."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, TypeVar

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np

    from ._decoder import Decoder

T = TypeVar("T")

MOST = 8
"""Workers at most: they share one interpreter, and each keeps a batch in memory."""


def n_workers(decoder: Decoder, layer: int | None = None) -> int:
    """How many batches to run side by side: as many as torch has threads, on a CPU, for models that are known.

    Parameters
    ----------
    decoder
        The model.
    layer
        Layer at which the model is stopped: that is done by a hook in the model, which workers would share.
    """
    inside = layer is not None and layer != decoder.n_layers
    spread = len(set(getattr(decoder.lm, "hf_device_map", {}).values())) > 1
    if inside or spread or decoder.device.type != "cpu" or not decoder.tested:
        return 1
    return min(MOST, torch.get_num_threads())


def in_workers(
    groups: list[np.ndarray], forward: Callable[[np.ndarray], T], n: int
) -> Iterator[tuple[np.ndarray, T | BaseException]]:
    """Run `forward` on groups of rows in `n` threads that share the threads of torch.

    Yields
    ------
    Rows of a group as it ends, and what `forward` made of them, or what it raised. Threads of torch are as they were
    when the last group has been taken, and when no more are asked for.
    """
    before = torch.get_num_threads()
    inference = torch.is_inference_mode_enabled()

    def begin() -> None:
        torch.set_num_threads(max(1, before // n))

    def run(rows: np.ndarray) -> T:
        with torch.inference_mode(inference):  # each thread has its own
            return forward(rows)

    pool = ThreadPoolExecutor(n, thread_name_prefix="scc2s", initializer=begin)
    try:
        running = {pool.submit(run, rows): rows for rows in groups}
        while running:
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                error = done.exception()
                yield running.pop(done), done.result() if error is None else error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        torch.set_num_threads(before)
