"""One training run: the trainer, and going on after a stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._checkpoints import last_whole
from ._disk import check_space, full_disk_named
from ._encode import Encoded, encode
from ._mixture import Mixture
from ._order import batches_by_task
from ._outcome import history_of, metrics_of
from ._quiet import progress
from ._ranks import one_device_a_rank, same_on_all_ranks
from ._resume import continue_or_begin, identity_of
from ._settings import config_of

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from ._base import Base
    from ._settings import Settings

_ROW = "_scc2s_row"


def train(
    base: Base,
    model: Any,
    samples: pd.DataFrame | Mixture,
    validation: pd.DataFrame | None,
    folder: Path,
    settings: Settings,
) -> tuple[Any, dict[str, float], pd.DataFrame]:
    """Train `model`, which is `base` or an adapter around it, in place.

    Returns
    -------
    The trainer, metrics and history.
    """
    from transformers import EarlyStoppingCallback

    from ._trainer import EvaluateLast

    n_samples = None if isinstance(samples, Mixture) else len(samples)
    config = config_of(folder, settings, n_samples, validated=validation is not None)
    one_device_a_rank(config)
    limits: dict[str, Any] = {"max_length": settings.max_length, "window": base.window}
    held, eval_dataset = _validation(base, validation, limits)
    make, identity = (
        _of_mixture(samples, base, config, limits, settings)
        if isinstance(samples, Mixture)
        else _of_table(samples, base, config, limits, settings)
    )
    continue_or_begin(folder, identity, write=config.process_index == 0)
    trainer: Any = make(
        model=model,
        args=config,
        eval_dataset=eval_dataset,
        eval_tasks=held or [],
        processing_class=base.tokenizer,
        callbacks=[] if held is None else [EvaluateLast()],
    )
    if held is not None and settings.early_stopping is not None:
        trainer.add_callback(EarlyStoppingCallback(settings.early_stopping))
    last = last_whole(folder, with_optimizer=not config.save_only_model)
    same_on_all_ranks(last)
    check_space(folder, model, config)
    with full_disk_named(folder), progress(trainer):
        result = trainer.train(resume_from_checkpoint=None if last is None else str(last))
    return trainer, metrics_of(trainer, result.metrics), history_of(trainer.state.log_history)


def _validation(base: Base, validation: pd.DataFrame | None, limits: dict[str, Any]) -> tuple[list[str] | None, Any]:
    """Task of each sample to validate with, and their tokens; those of a task stand together, by length."""
    if validation is None:
        return None, None
    tokens = encode(base.tokenizer, validation, **limits, what="validation")
    tasks = validation["task"].astype(str).to_numpy()
    order = np.lexsort([tokens.lengths, tasks])
    return tasks[order].tolist(), _dataset(tokens.take(order))


def _of_table(
    samples: pd.DataFrame, base: Base, config: Any, limits: dict[str, Any], settings: Settings
) -> tuple[Any, dict[str, Any]]:
    """What makes the trainer for samples that are all there, and what tells the run from others."""
    from functools import partial

    from ._trainer import CompletionTrainer

    at_once = settings.batch_size * config.world_size * config.gradient_accumulation_steps
    tokens = encode(base.tokenizer, samples, **limits)
    ordered = batches_by_task(
        samples.assign(**{_ROW: np.arange(len(samples))}), at_once, seed=settings.seed, rest="last"
    )
    dataset = _dataset(tokens.take(ordered[_ROW].to_numpy()))
    return partial(CompletionTrainer, train_dataset=dataset), identity_of(base, ordered, settings, at_once)


def _of_mixture(
    mixture: Mixture, base: Base, config: Any, limits: dict[str, Any], settings: Settings
) -> tuple[Any, dict[str, Any]]:
    """The same for samples that are drawn afresh for each step."""
    from functools import partial

    from ._mixture_trainer import MixtureTrainer
    from ._steps import Steps

    encode(base.tokenizer, mixture.preview(), **limits)  # what is wrong with all samples is said before the first step
    config.per_device_train_batch_size = 1  # an item is a batch
    n = config.max_steps * config.gradient_accumulation_steps
    steps = Steps(mixture, base.tokenizer, n, world=config.world_size, **limits)
    stand_in = _dataset(encode(base.tokenizer, mixture.preview().head(1), **limits))
    make = partial(MixtureTrainer, mixture=mixture, steps=steps, train_dataset=stand_in)
    return make, identity_of(base, mixture, settings, config.gradient_accumulation_steps)


def _dataset(tokens: Encoded) -> Any:
    """A data set of TRL whose samples are tokens already."""
    import pyarrow as pa
    from datasets import Dataset
    from datasets.table import InMemoryTable

    edges = np.concatenate([[0], np.cumsum(tokens.lengths)])
    flat = np.concatenate(tokens.ids).astype(np.int64)
    learned = flat.copy()
    for start, n in zip(edges[:-1], tokens.n_prompt, strict=True):
        learned[start : start + n] = -100
    columns = {
        name: pa.LargeListArray.from_arrays(pa.array(edges), pa.array(values))
        for name, values in (("input_ids", flat), ("labels", learned))
    }
    return Dataset(InMemoryTable(pa.table(columns)))
