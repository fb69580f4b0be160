from __future__ import annotations

import gc
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch

from scc2s._logging import logger
from scc2s.models._batches import batches

from ._workers import in_workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

# The allocators of CPU and MPS, and cuBLAS, raise a plain RuntimeError: only its text tells it from a fault.
_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "CUBLAS_STATUS_ALLOC_FAILED")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on any device."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in _OUT_OF_MEMORY)


def in_batches(
    lengths: np.ndarray, budget: int, forward: Callable[[np.ndarray], T], *, workers: int = 1
) -> Iterator[tuple[np.ndarray, T]]:
    """Run `forward` on groups of rows; when memory runs out, halve the token budget and go on with the rows left.

    Parameters
    ----------
    lengths
        Tokens of each row.
    budget
        Most tokens of a padded group.
    forward
        Takes row numbers.
    workers
        Groups to run side by side.

    Yields
    ------
    Row numbers and what `forward` made of them; each row once.

    Raises
    ------
    MemoryError
        One row alone does not fit.
    """
    waiting = batches(lengths, _fair(lengths, budget, workers))[::-1]
    if workers > 1 and len(waiting) > 1:
        failed = []
        for rows, found in in_workers(waiting[::-1], forward, min(workers, len(waiting))):
            if not isinstance(found, BaseException):
                yield rows, found
            elif is_out_of_memory(found):
                failed.append(rows)
            else:
                raise found
        waiting = failed[::-1]  # one after the other, which takes less memory
    while waiting:
        rows = waiting.pop()
        try:
            result = forward(rows)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            if len(rows) == 1:
                msg = (
                    f"one prompt of {int(lengths[rows[0]])} tokens does not fit into memory; take fewer genes, e.g. "
                    'sc.pp.c2s_sentences(adata, n_genes=100), a smaller model, or load(..., dtype="bfloat16")'
                )
                raise MemoryError(msg) from error
        else:
            yield rows, result
            continue
        # Outside the except block: there the traceback keeps the tensors of the failed batch alive.
        free()
        budget = min(budget, len(rows) * int(lengths[rows].max())) // 2
        logger.info("out of memory: going on with batches of %d tokens", budget)
        rest = np.concatenate([rows, *waiting[::-1]])
        waiting = [rest[group] for group in batches(lengths[rest], budget)][::-1]


def _fair(lengths: np.ndarray, budget: int, workers: int) -> int:
    """Tokens of a group for which each worker gets a few groups, so that all end at about the same time."""
    return budget if workers == 1 else min(budget, max(budget // 4, int(lengths.sum()) // (3 * workers)))


def free() -> None:
    """Give memory that nobody uses back to the device."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()
