from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    import pandas as pd
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

COLUMNS = ("prompt", "completion")
WINDOW = 50
"""Batches among which samples are sorted by length: enough to save padding, few enough to stay random."""


def batches_by_task(samples: pd.DataFrame, batch_size: int, *, seed: int = 0) -> pd.DataFrame:
    """Order samples so that each batch holds one task, batches of all tasks mixed.

    The loss is a mean over the tokens of a batch. In mixed batches a 200-gene answer would outweigh a cell type of
    three tokens by seventy to one; in batches of one task each task has the weight of its number of samples. Samples of
    like length share a batch, which saves padding; those that do not fill a batch are left out.

    Parameters
    ----------
    samples
        With a column ``task``.
    batch_size
        Samples a batch.
    seed
        Seed of the shuffle.

    Returns
    -------
    The samples in their new order.
    """
    rng = np.random.default_rng(seed)
    length = (samples["prompt"].str.count(" ") + samples["completion"].str.count(" ")).to_numpy()
    batches: list[np.ndarray] = []
    for rows in samples.groupby("task", sort=True).indices.values():
        shuffled = rng.permutation(rows)[: len(rows) // batch_size * batch_size]
        for start in range(0, len(shuffled), WINDOW * batch_size):
            window = shuffled[start : start + WINDOW * batch_size]
            window = window[np.argsort(length[window], kind="stable")]
            batches += np.split(window, len(window) // batch_size)
    order = np.concatenate([batches[i] for i in rng.permutation(len(batches))]) if batches else np.empty(0, dtype=int)
    return samples.iloc[order].reset_index(drop=True)


def completion_loss(
    model: PreTrainedModel,
    inputs: dict[str, torch.Tensor],
    n_tokens: torch.Tensor | int | None = None,
    autocast: Callable[[], AbstractContextManager] = nullcontext,
) -> torch.Tensor:
    """Mean negative log-likelihood of the supervised tokens; the head sees no other position.

    Rows are padded on the right, where causal attention needs no mask.
    """
    import torch

    plain: Any = getattr(model, "get_base_model", lambda: model)()
    with autocast():
        hidden = plain.base_model(inputs["input_ids"]).last_hidden_state[:, :-1]
        target = inputs["labels"][:, 1:]
        seen = target != -100
        logits = plain.get_output_embeddings()(hidden[seen]).float()
    if cap := getattr(plain.config, "final_logit_softcapping", None):
        logits = cap * torch.tanh(logits / cap)
    total = torch.nn.functional.cross_entropy(logits, target[seen], reduction="sum")
    return total / torch.as_tensor(seen.sum() if n_tokens is None else n_tokens, device=total.device).clamp(min=1)


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

    A thin face of TRL's ``SFTTrainer``. Checkpoints go to `output_dir`; a stopped run goes on from the last one.

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
        If a column is missing, or a sample is longer than `max_length` (its completion would be cut).
    """
    try:
        from datasets import Dataset
        from trl import SFTConfig, SFTTrainer
    except ImportError as error:
        msg = "training needs TRL; pip install 'scc2s[train]'"
        raise ImportError(msg) from error
    import torch
    from torch.utils.data import SequentialSampler
    from transformers.trainer_utils import get_last_checkpoint

    if missing := [c for c in (*COLUMNS, "task") if c not in samples]:
        msg = f"samples lack the columns {missing}; make them with scc2s.pp.samples(adata, task)"
        raise ValueError(msg)
    ordered = batches_by_task(samples, batch_size, seed=seed)
    lengths = [len(i) for i in tokenizer((ordered["prompt"] + ordered["completion"]).tolist())["input_ids"]]
    if lengths and max(lengths) >= max_length:
        msg = f"a sample has {max(lengths)} tokens; pass max_length={max(lengths) + 1} or shorter sentences (n_genes=)"
        raise ValueError(msg)

    class CompletionTrainer(SFTTrainer):
        """Takes samples in the order of `batches_by_task`, and runs the LM head on completions alone.

        TRL's own loss runs the head on every token of the prompt too: on a CPU four fifths of a step.
        """

        def _get_train_sampler(self, *args: Any, **kwargs: Any) -> SequentialSampler:  # noqa: ARG002
            dataset: Any = self.train_dataset
            return SequentialSampler(dataset)

        def compute_loss(
            self,
            model: Any,
            inputs: dict[str, torch.Tensor | Any],
            return_outputs: bool = False,
            num_items_in_batch: torch.Tensor | int | None = None,
        ) -> torch.Tensor | tuple[torch.Tensor, dict]:
            loss = completion_loss(
                self.accelerator.unwrap_model(model), inputs, num_items_in_batch, self.accelerator.autocast
            )
            return (loss, {}) if return_outputs else loss

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
    last = get_last_checkpoint(str(output_dir)) if Path(output_dir).is_dir() else None
    return trainer.train(resume_from_checkpoint=last).metrics
