"""TRL's trainer with our order of samples and our loss; imports TRL, so it is imported where training starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch.utils.data import SequentialSampler
from trl.trainer.sft_trainer import SFTTrainer

from ._loss import completion_loss

if TYPE_CHECKING:
    import torch


class CompletionTrainer(SFTTrainer):
    """Takes samples in the order that they have, and runs the LM head on completions alone.

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
    ) -> torch.Tensor | tuple[torch.Tensor, dict[str, Any]]:
        """Loss of the completions; nothing else of the outputs is kept."""
        loss = completion_loss(
            self.accelerator.unwrap_model(model), inputs, num_items_in_batch, self.accelerator.autocast
        )
        return (loss, {}) if return_outputs else loss
