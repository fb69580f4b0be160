"""The trainer for samples that are drawn afresh; imports TRL, so it is imported where training starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ._steps import STEP, TASK
from ._trainer import CompletionTrainer

if TYPE_CHECKING:
    from ._mixture import Mixture
    from ._steps import Steps


class MixtureTrainer(CompletionTrainer):
    """Takes whole batches, each with the loss of its source, and logs the loss of each.

    Parameters
    ----------
    mixture, steps
        What is trained on, and its batches as tensors.
    **kwargs
        As in :class:`CompletionTrainer`. ``train_dataset`` only stands in for `steps` while TRL looks at it.
    """

    def __init__(self, *, mixture: Mixture, steps: Steps, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.train_dataset: Any = steps
        self.args.remove_unused_columns = False
        plain: Any = self.data_collator
        self.data_collator = lambda items: items[0] if TASK in items[0] else plain(items)
        self._sources, self._seed = mixture.sources, mixture.seed
        self._of_task = torch.zeros(len(self._sources), 2, device=self.args.device)

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, torch.Tensor | Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor | tuple[torch.Tensor, dict[str, Any]]:
        """Loss of the source of this batch."""
        task, step = str(inputs.pop(TASK)), int(inputs.pop(STEP))
        own = self._sources[task].loss
        n_added = self.args.gradient_accumulation_steps
        if own is None:
            loss: Any = super().compute_loss(model, inputs, num_items_in_batch=num_items_in_batch)
        else:
            self._count(inputs)
            generator = torch.Generator().manual_seed(_seed(self._seed, step))
            with self.accelerator.autocast():
                loss = model(
                    input_ids=inputs["input_ids"],
                    completion_labels=inputs["labels"],
                    completion_loss=own,
                    generator=generator,
                )
            loss = loss / n_added
        self._of_task[list(self._sources).index(task)] += torch.stack([loss.detach() * n_added, torch.ones_like(loss)])
        return (loss, {}) if return_outputs else loss

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """With the mean loss of the batches of each source since the last time."""
        if "loss" in logs:
            summed: Any = self.accelerator.reduce(self._of_task.clone(), reduction="sum")
            self._of_task.zero_()
            found = zip(self._sources, summed.tolist(), strict=True)
            logs |= {f"loss_{name}": total / n for name, (total, n) in found if n}
        super().log(logs, *args, **kwargs)


def _seed(*words: int) -> int:
    """One whole number of several."""
    return int(np.random.SeedSequence(words).generate_state(1)[0])
