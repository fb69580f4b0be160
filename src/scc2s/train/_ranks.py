"""Training in several processes (ranks), each with a part of every batch."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from datasets import Dataset
    from transformers import TrainingArguments


def one_device_a_rank(config: TrainingArguments) -> None:
    """Take one device, where several are seen by one process: one process a device is what uses them all."""
    if config.n_gpu > 1:
        from scc2s._logging import logger

        logger.warning(
            "%d GPUs are seen and one is used; to use all, start the same script by torchrun --nproc-per-node %d",
            config.n_gpu, config.n_gpu,
        )  # fmt: skip
        config._n_gpu = 1


def filled(dataset: Dataset, batch: int, token: int) -> Dataset:
    """The samples, and after them rows without a label, so that all ranks have batches of one size.

    Without them accelerate repeats the first samples at the end of an epoch, so that they would count twice. A row
    without a label adds nothing to the loss and nothing to its gradient.

    Parameters
    ----------
    dataset
        Columns ``input_ids`` and ``labels``.
    batch
        Samples of one batch of all ranks.
    token
        What the rows are made of.
    """
    from datasets import Dataset as Table
    from datasets import concatenate_datasets

    n_more = -len(dataset) % batch
    if not n_more:
        return dataset
    columns = {"input_ids": [[token, token]] * n_more, "labels": [[-100, -100]] * n_more}
    short = dataset.select_columns(list(columns))
    return concatenate_datasets([short, Table.from_dict(columns, features=short.features)])


def is_first_rank() -> bool:
    """Whether this process writes files: the first of all, or the only one."""
    import torch

    # the first call of a trainer makes the group of processes; before, torchrun says which this is
    return not (torch.distributed.get_rank() if _several() else int(os.environ.get("RANK", "0")))


def barrier() -> None:
    """Wait until all ranks are here."""
    import torch

    if _several():
        torch.distributed.barrier()


def _several() -> bool:
    import torch

    return torch.distributed.is_available() and torch.distributed.is_initialized()


def same_on_all_ranks(path: Path | None) -> None:
    """Raise if ranks, which may run on several machines, would go on from different checkpoints."""
    import torch

    if not _several():
        return
    name = None if path is None else path.name
    found: list[str | None] = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(found, name)
    if len(set(found)) > 1:
        seen = ", ".join(f"rank {rank}: {one or 'none'}" for rank, one in enumerate(found))
        msg = f"ranks see different checkpoints ({seen}); pass output_dir= a folder that all machines share"
        raise ValueError(msg)
