from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from scc2s._logging import logger
from scc2s.models._tokens import n_after

from ._checkpoints import last_whole
from ._loss import completion_loss

if TYPE_CHECKING:
    import pandas as pd
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

__all__ = ["batches_by_task", "completion_loss", "sft"]

COLUMNS = ("prompt", "completion")
WINDOW = 50
"""Batches among which samples are sorted by length: enough to save padding, few enough to stay random."""


def batches_by_task(
    samples: pd.DataFrame, batch_size: int, *, seed: int = 0, rest: Literal["drop", "last"] = "drop"
) -> pd.DataFrame:
    """Order samples so that each batch holds one task, batches of all tasks mixed.

    The loss is a mean over the tokens of a batch. In mixed batches a 200-gene answer would outweigh a cell type of
    three tokens by seventy to one; in batches of one task each task has the weight of its number of samples. Samples of
    like length share a batch, which saves padding.

    Parameters
    ----------
    samples
        With a column ``task``.
    batch_size
        Samples a batch.
    seed
        Seed of the shuffle.
    rest
        Samples of each task that do not fill a batch: ``"drop"`` leaves them out, and the log says how many of which
        task; ``"last"`` puts them at the end, by task, where the last batches may hold several tasks.

    Returns
    -------
    The samples in their new order.

    Raises
    ------
    ValueError
        If `batch_size` is under 1, or a sample has no task.
    """
    if batch_size < 1:
        msg = f"batch_size={batch_size} holds no sample; pass batch_size= a whole number from 1"
        raise ValueError(msg)
    if rest not in ("drop", "last"):
        msg = f"rest={rest!r} is not known; pass 'drop' or 'last'"
        raise ValueError(msg)
    if n_without := int(samples["task"].isna().sum()):
        msg = f"{n_without} samples have no task; name it: samples.assign(task=samples['task'].fillna('...'))"
        raise ValueError(msg)
    rng = np.random.default_rng(seed)
    length = (samples["prompt"].str.count(" ") + samples["completion"].str.count(" ")).to_numpy()
    batches: list[np.ndarray] = []
    left: dict[str, np.ndarray] = {}
    for task, rows in samples.groupby("task", sort=True, observed=True).indices.items():
        drawn = rng.permutation(rows)
        shuffled, over = np.split(drawn, [len(rows) // batch_size * batch_size])
        if len(over):
            left[str(task)] = over
        for start in range(0, len(shuffled), WINDOW * batch_size):
            window = shuffled[start : start + WINDOW * batch_size]
            window = window[np.argsort(length[window], kind="stable")]
            batches += np.split(window, len(window) // batch_size)
    order = [batches[i] for i in rng.permutation(len(batches))]
    if rest == "last":
        order += left.values()
    elif left:
        logger.warning(
            "samples left out, as they do not fill a batch of %d: %s; pass rest='last' to keep them, or a smaller "
            "batch_size=",
            batch_size, ", ".join(f"{len(rows)} of task {task!r}" for task, rows in left.items()),
        )  # fmt: skip
    return samples.iloc[np.concatenate([np.empty(0, dtype=int), *order])].reset_index(drop=True)


def sft(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    samples: pd.DataFrame,
    output_dir: str | Path,
    *,
    batch_size: int = 32,
    learning_rate: float = 1e-3,
    epochs: float = 1.0,
    max_length: int = 512,
    seed: int = 0,
    **arguments: Any,
) -> dict[str, float]:
    """Supervised fine-tuning on prompts and completions; only the completions are learned.

    A thin face of TRL's ``SFTTrainer``. Every sample is trained on: each batch holds one task, and what does not fill a
    batch comes at the end (:func:`batches_by_task`). Checkpoints go to `output_dir`; a stopped run goes on from the
    last one that is finished.

    Parameters
    ----------
    model, tokenizer
        A causal language model; changed in place.
    samples
        Columns ``prompt``, ``completion``, ``task``, from :func:`scc2s.pp.samples`. Completions start with a space.
    output_dir
        Folder of checkpoints and logs.
    batch_size, learning_rate, epochs, max_length, seed
        As in TRL; `max_length` in tokens.
    **arguments
        Further fields of ``trl.SFTConfig``, e.g. ``warmup_steps`` or ``save_steps``.

    Returns
    -------
    Metrics of the run, as TRL gives them (loss, seconds, samples a second).

    Raises
    ------
    ImportError
        If TRL is not installed.
    ValueError
        If a column is missing, a prompt, completion or task is missing or blank, there are no samples, or one is longer
        than `max_length` (its completion would be cut).
    NotADirectoryError
        If `output_dir` is a file.
    """
    try:
        from datasets import Dataset
        from trl.trainer.sft_config import SFTConfig

        from ._trainer import CompletionTrainer
    except ImportError as error:
        msg = "training needs TRL; pip install 'scc2s[train]'"
        raise ImportError(msg) from error
    import torch

    _check(samples)
    if n_after(tokenizer):
        msg = (
            "the tokenizer puts its end token after each text, so prompts would end before their completions; make one "
            "that does not: tokenizer.add_eos_token = False, or take the token out of its post-processor"
        )
        raise ValueError(msg)
    folder = Path(output_dir)
    if folder.exists() and not folder.is_dir():
        msg = f"{folder} is a file; pass output_dir= a folder, or a path where none is yet"
        raise NotADirectoryError(msg)
    ordered = batches_by_task(samples, batch_size, seed=seed, rest="last")
    lengths = [len(i) for i in tokenizer((ordered["prompt"] + ordered["completion"]).tolist())["input_ids"]]
    if lengths and max(lengths) >= max_length:
        msg = f"a sample has {max(lengths)} tokens; pass max_length={max(lengths) + 1} or shorter sentences (n_genes=)"
        raise ValueError(msg)

    config = SFTConfig(
        output_dir=str(output_dir),
        per_device_train_batch_size=batch_size,
        learning_rate=learning_rate,
        num_train_epochs=epochs,
        max_length=max_length,
        completion_only_loss=True,
        gradient_checkpointing=False,
        report_to=[],
        use_cpu=not (torch.cuda.is_available() or torch.backends.mps.is_available()),
        seed=seed,
        data_seed=seed,
        **arguments,
    )
    trainer = CompletionTrainer(
        model=model,
        args=config,
        train_dataset=Dataset.from_pandas(ordered[list(COLUMNS)], preserve_index=False),
        processing_class=tokenizer,
    )
    last = last_whole(folder, with_optimizer=not config.save_only_model)
    result = trainer.train(resume_from_checkpoint=None if last is None else str(last))
    return dict(result.metrics)


def _check(samples: pd.DataFrame) -> None:
    """Raise for samples that nothing, or something wrong, would be learned from."""
    if missing := [c for c in (*COLUMNS, "task") if c not in samples]:
        msg = f"samples lack the columns {missing}; make them with scc2s.pp.samples(adata, task)"
        raise ValueError(msg)
    if not len(samples):
        msg = "there are no samples to train on; make some with scc2s.pp.samples(adata, task)"
        raise ValueError(msg)
    for column in COLUMNS:
        empty = np.array([not isinstance(text, str) or not text.strip() for text in samples[column]])
        if empty.any():
            msg = (
                f"{int(empty.sum())} samples have no {column} (missing or blank), the first in row "
                f"{int(empty.argmax())}; leave them out: samples[samples[{column!r}].fillna('').str.strip() != '']"
            )
            raise ValueError(msg)
