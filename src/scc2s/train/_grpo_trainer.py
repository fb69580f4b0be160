"""TRL's trainer with our policy, advantages and history; imports TRL, so it is imported where training starts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from accelerate.utils import gather_object
from transformers import TrainerCallback
from trl.trainer.grpo_trainer import GRPOTrainer
from trl.trainer.utils import add_fused_lm_head

from ._advantages import Scale, advantages, spread
from ._collapse import diversity
from ._quiet import silence

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._grpo_held import Held
    from .rewards import Reward

N_GENES = "scc2s_n_genes"
"""Column of the data set, and entry of a batch, with the genes to write; -1 where nothing is held."""
COLUMN = "scc2s_column "
"""Before the names of the columns of rewards: TRL takes some names for its own (``completion``, ``image``, ...)."""


class GroupTrainer(GRPOTrainer):
    """GRPO of TRL. What is ours: the policy is held to genes, advantages are those of DeepSeekMath, more is logged.

    Parameters
    ----------
    rewards, weights, scale
        What answers are worth.
    held
        The policy; ``None`` leaves rollouts and log-probabilities to TRL.
    names
        Genes that count as valid.
    reference
        What the divergence is taken from; ``None``: the model without its adapter, or no divergence where `beta` is 0.
    beta
        Weight of the divergence. TRL is told 0 at first: it would load a reference by the name of the model.
    """

    def __init__(
        self,
        *,
        rewards: Sequence[Reward],
        weights: Sequence[float],
        scale: Scale,
        held: Held | None,
        names: Sequence[str] | None,
        reference: Any,
        beta: float,
        **arguments: Any,
    ) -> None:
        self._own_weights, self._own_scale, self._held, self._names = list(weights), scale, held, names
        self._held_lengths: torch.Tensor | None = None
        super().__init__(
            reward_funcs=[_named(one) for one in rewards],
            rollout_func=None if held is None else _rollout(held),
            **arguments,
        )
        settings: Any = self.args
        self.beta = settings.beta = beta
        if reference is not None:
            add_fused_lm_head(reference, temperature=self.temperature)
            self.ref_model = self.accelerator.prepare_model(reference, evaluation_mode=True)
        if held is not None:
            held.teach(held.model._decoder.lm)
            if reference is not None:
                held.teach(reference)
        silence(self)

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """The finished model has a card of ours; checkpoints have none."""

    def _calculate_rewards(self, inputs: Any, prompts: Any, completions: Any, completion_ids_list: Any) -> Any:
        found = super()._calculate_rewards(inputs, prompts, completions, completion_ids_list)
        self._rewards = found.double().cpu().numpy()
        self._texts = gather_object(list(completions))
        return found

    def _generate_and_score_completions(self, inputs: Any) -> Any:
        if self._held is not None:
            self._held_lengths = torch.tensor([row[N_GENES] for row in inputs])
        out = super()._generate_and_score_completions(inputs)
        size = int(self.num_generations or 1)
        found = advantages(self._rewards, size, weights=self._own_weights, scale=self._own_scale)
        n, rank = len(inputs), self.accelerator.process_index
        out["advantages"] = torch.as_tensor(
            found[rank * n : (rank + 1) * n], dtype=torch.float32, device=self.accelerator.device
        )
        if self._held_lengths is not None:
            out[N_GENES] = self._held_lengths.to(self.accelerator.device)
        of_groups = spread(self._rewards, size)
        self._note({f"spread/{name}": of_groups[:, i].mean() for i, name in enumerate(self.reward_func_names)})
        self._note({"no_spread": (of_groups == 0).all(axis=1).mean()})
        self._note(diversity(self._texts, size, self._names))
        return out

    def _note(self, figures: dict[str, float]) -> None:
        for name, value in figures.items():
            self._metrics["train"][name].append(float(value))

    def _compute_loss(self, model: Any, inputs: Any) -> Any:
        if self._held is not None:
            self._held_lengths = inputs[N_GENES]
        loss: Any = super()._compute_loss
        return loss(model, inputs)

    def _get_per_token_logps_and_entropies(
        self,
        model: Any,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        logits_to_keep: int,
        batch_size: int | None = None,
        compute_entropy: bool = False,
        compute_aux_loss: bool = False,
        **others: Any,
    ) -> Any:
        if self._held is None:
            return super()._get_per_token_logps_and_entropies(
                model,
                input_ids,
                attention_mask,
                logits_to_keep,
                batch_size,
                compute_entropy,
                compute_aux_loss,
                **others,
            )
        lengths: Any = self._held_lengths
        size = batch_size or len(input_ids)
        parts = []
        for start in range(0, len(input_ids), size):
            rows = slice(start, start + size)
            with self.accelerator.autocast():
                parts.append(
                    model(
                        input_ids=input_ids[rows],
                        attention_mask=attention_mask[rows],
                        held=(lengths[rows], logits_to_keep),
                    )
                )
        logp, entropy = (torch.cat(one) for one in zip(*parts, strict=True))
        return logp, entropy if compute_entropy else None, None


def _named(reward: Reward) -> Callable[..., list[float | None]]:
    def call(prompts: list[str], completions: list[str], **columns: Any) -> list[float | None]:
        return [*reward(prompts, completions, **{name: columns[COLUMN + name] for name in reward.columns})]

    call.__name__ = reward.name
    return call


def _rollout(held: Held) -> Callable[[list[str], Any], dict[str, Any]]:
    def rollout(prompts: list[str], trainer: Any) -> dict[str, Any]:
        lengths = trainer._held_lengths.tolist()
        # Another seed for each step and process, the same when a stopped run goes on.
        words = (trainer.args.seed, trainer.state.global_step, trainer.accelerator.process_index)
        seed = int(np.random.SeedSequence(words).generate_state(1)[0])
        asked, written = held.write(prompts, lengths, random_state=seed)
        # Only vLLM's correction reads log-probabilities of the sampler; ours are those of the loss.
        return {"prompt_ids": asked, "completion_ids": written, "logprobs": None}

    return rollout


class Watch(TrainerCallback):
    """Shows progress, keeps the history in a file, and stops where the loss is no number."""

    def __init__(self, progress: Any, write: Callable[[list[dict[str, Any]]], object]) -> None:
        self._progress, self._write = progress, write

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Begin where the run was."""
        self._progress.reset(total=state.max_steps)
        self._progress.update(state.global_step)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Go on."""
        self._progress.update(1)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:  # noqa: ARG002
        """Look at the figures of a step."""
        for name in ("loss", "grad_norm"):
            value = (logs or {}).get(name)
            if value is not None and not math.isfinite(value):
                msg = (
                    f"{name} is {value} at step {state.global_step}; run it again with a smaller learning_rate= and "
                    "another output_dir="
                )
                raise FloatingPointError(msg)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Write the history up to the checkpoint."""
        if state.is_world_process_zero:
            self._write(state.log_history)
