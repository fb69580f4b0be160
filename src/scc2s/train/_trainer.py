"""TRL's trainer with our order of samples and our loss; imports TRL, so it is imported where training starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import SequentialSampler
from transformers import TrainerCallback
from trl.trainer.sft_trainer import SFTTrainer

from ._loss import learn_completions
from ._ranks import filled

if TYPE_CHECKING:
    from collections.abc import Sequence


class CompletionTrainer(SFTTrainer):
    """Takes samples in the order that they have, and runs the LM head on completions alone.

    TRL's own loss runs the head on every token of the prompt too, but on a GPU: on a CPU four fifths of a step.

    Parameters
    ----------
    *args, **kwargs
        As in TRL.
    eval_tasks
        Task of each sample of ``eval_dataset``, in which those of a task stand together.
    """

    def __init__(self, *args: Any, eval_tasks: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.args.world_size > 1:
            at_once = self.args.per_device_train_batch_size * self.args.world_size
            dataset: Any = self.train_dataset
            tokenizer: Any = self.processing_class
            self.train_dataset = filled(dataset, at_once, tokenizer.pad_token_id or 0)
        model: Any = self.model
        learn_completions(model.get_base_model() if hasattr(model, "peft_config") else model)
        self._eval_tasks = list(eval_tasks)
        self._counts = torch.zeros(3, dtype=torch.int64, device=self.args.device)

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
        self._count(inputs)
        ids, labels = inputs["input_ids"], inputs["labels"]
        with self.accelerator.autocast():
            loss: torch.Tensor = model(input_ids=ids, completion_labels=labels, n_tokens=num_items_in_batch)
        if num_items_in_batch is not None and self.args.average_tokens_across_devices:
            # The number is that of all processes, and gradients are averaged over them.
            loss = loss * self.accelerator.num_processes
        return (loss, {}) if return_outputs else loss

    def _count(self, inputs: dict[str, Any]) -> None:
        ids, labels, mask = inputs["input_ids"], inputs["labels"], inputs["attention_mask"]
        self._counts += torch.stack([mask.sum(), (labels != -100).sum(), torch.tensor(ids.numel(), device=ids.device)])

    def counts(self) -> dict[str, int]:
        """Tokens of this run up to now, in all processes: all, those of completions, and with padding."""
        counted: Any = self.accelerator.reduce(self._counts.clone(), reduction="sum")
        return dict(zip(("tokens", "useful_tokens", "padded_tokens"), counted.tolist(), strict=True))

    def evaluate(self, *args: Any, metric_key_prefix: str = "eval", **kwargs: Any) -> dict[str, float]:  # noqa: ARG002
        """Loss of each task over the tokens of its completions, and their mean by numbers of samples.

        That is what training makes small: there each batch holds one task.
        """
        sums = self._task_losses()
        n_samples = {task: self._eval_tasks.count(task) for task in sums}
        losses = {task: total / max(n, 1) for task, (total, n) in sums.items()}
        mean = sum(losses[task] * n for task, n in n_samples.items()) / len(self._eval_tasks)
        metrics = {f"{metric_key_prefix}_loss": mean}
        metrics |= {f"{metric_key_prefix}_loss_{task}": loss for task, loss in losses.items()}
        self.log(dict(metrics))
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    @torch.no_grad()
    def _task_losses(self) -> dict[str, tuple[float, int]]:
        """Negative log-likelihood of the completions of each task, and how many tokens they have."""
        model: Any = self.model_wrapped if self.model_wrapped is not None else self.model
        dataset: Any = self.eval_dataset
        tasks = sorted(set(self._eval_tasks))
        found = torch.zeros(len(tasks), 2, dtype=torch.float64)
        batches = self._eval_batches()
        n, rank = self.accelerator.num_processes, self.accelerator.process_index
        was_training = model.training
        model.eval()
        # Each process takes as many batches as the others, since some models are only whole while all run them.
        for at in range(rank, -(-len(batches) // n) * n, n):
            rows = batches[min(at, len(batches) - 1)]
            batch = self._prepare_inputs(self.data_collator([dataset[row] for row in rows]))
            with self.accelerator.autocast():
                total = model(input_ids=batch["input_ids"], completion_labels=batch["labels"], n_tokens=1)
            if at < len(batches):
                learned = int((batch["labels"] != -100).sum())
                found[tasks.index(self._eval_tasks[rows[0]])] += torch.tensor([float(total), learned])
        model.train(was_training)
        device = self.args.device
        # Some devices know no float64.
        summed: Any = self.accelerator.reduce(
            found.to(device, torch.float32 if device.type == "mps" else torch.float64), reduction="sum"
        )
        return {task: (float(total), int(n)) for task, (total, n) in zip(tasks, summed.tolist(), strict=True)}

    def _eval_batches(self) -> list[list[int]]:
        size = self.args.per_device_eval_batch_size
        out: list[list[int]] = []
        for row, task in enumerate(self._eval_tasks):
            if out and len(out[-1]) < size and self._eval_tasks[out[-1][0]] == task:
                out[-1].append(row)
            else:
                out.append([row])
        return out


class EvaluateLast(TrainerCallback):
    """Also evaluates at the last step, which need not be one of those at which it is due."""

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
        """Ask for it."""
        if state.global_step >= state.max_steps and args.eval_strategy != "no":
            control.should_evaluate = True
        return control
