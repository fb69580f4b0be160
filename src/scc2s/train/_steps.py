"""Steps of a mixture as tensors: what a data loader of torch reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import Dataset

from ._encode import encode

if TYPE_CHECKING:
    from ._mixture import Mixture

TASK, STEP = "scc2s_task", "scc2s_step"


class Steps(Dataset[dict[str, Any]]):
    """Batches of a mixture, one an item, in as many parts as there are processes.

    Item ``step * world + rank`` is what process `rank` is shown at a step, which is how accelerate deals items out.
    """

    def __init__(
        self, mixture: Mixture, tokenizer: Any, n: int, *, world: int, max_length: int | None, window: int | None
    ) -> None:
        self._mixture, self._tokenizer, self._n, self._world = mixture, tokenizer, n, world
        self._limits = {"max_length": max_length, "window": window}

    def __len__(self) -> int:
        return self._n * self._world

    def __getitem__(self, item: int) -> dict[str, Any]:
        step, rank = divmod(int(item), self._world)
        table = self._mixture.batch(step)
        task = str(table["task"].iloc[0])
        tokens = encode(self._tokenizer, table.iloc[rank :: self._world], what=f"samples of {task!r}", **self._limits)
        pad = self._tokenizer.pad_token_id or 0
        if not tokens.ids:  # fewer samples than processes: a row without a label adds nothing
            ids, mask = torch.full((1, 2), pad), torch.ones(1, 2, dtype=torch.long)
            return {
                "input_ids": ids,
                "labels": torch.full((1, 2), -100),
                "attention_mask": mask,
                TASK: task,
                STEP: step,
            }
        out = torch.full((len(tokens.ids), int(tokens.lengths.max())), pad)
        labels, mask = torch.full(out.shape, -100), torch.zeros(out.shape, dtype=torch.long)
        for i, (own, n_prompt) in enumerate(zip(tokens.ids, tokens.n_prompt, strict=True)):
            row = torch.from_numpy(np.asarray(own, dtype=np.int64))
            out[i, : len(row)], mask[i, : len(row)] = row, 1
            labels[i, n_prompt : len(row)] = row[n_prompt:]
        return {"input_ids": out, "labels": labels, "attention_mask": mask, TASK: task, STEP: step}
