"""Settings of :func:`scc2s.train.grpo` as TRL takes them; imports TRL, so it is called where training starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def refuse_unknown(arguments: Mapping[str, Any]) -> None:
    """Refuse further arguments that TRL does not have.

    Raises
    ------
    TypeError
        Which.
    """
    from trl.trainer.grpo_config import GRPOConfig

    if unknown := [name for name in arguments if name not in GRPOConfig.__dataclass_fields__]:
        msg = f"{unknown[0]}= is neither an argument of grpo nor a field of trl.GRPOConfig; leave it out"
        raise TypeError(msg)


def config_of(
    folder: Path,
    own: Mapping[str, Any],
    arguments: Mapping[str, Any],
    *,
    n_here: int,
    batch_size: int,
    max_completion_length: int | None,
    shares: Sequence[float],
    loss: str,
    epsilon: float,
    iterations: int,
    temperature: float,
    save_steps: int,
    seed: int,
) -> Any:
    """The configuration of a run.

    Parameters
    ----------
    folder
        Of checkpoints.
    own
        Settings that presets know.
    arguments
        Further fields.
    n_here
        Answers of a step in each process.
    shares
        Weights of the rewards.
    batch_size, max_completion_length, loss, epsilon, iterations, temperature, save_steps, seed
        As they are called there.
    """
    import torch
    from trl.trainer.grpo_config import GRPOConfig

    at_once = _largest_divisor(n_here, batch_size)
    return GRPOConfig(**{
        "output_dir": str(folder),
        "per_device_train_batch_size": at_once,
        "gradient_accumulation_steps": n_here // at_once,
        "num_generations": own["group_size"],
        "max_completion_length": max_completion_length,
        "learning_rate": own["learning_rate"],
        "num_train_epochs": own["epochs"],
        "num_iterations": iterations,
        "epsilon": epsilon,
        "temperature": temperature,
        "beta": 0.0,
        "loss_type": loss,
        "reward_weights": shares,
        "logging_steps": 1,
        "save_steps": save_steps,
        "report_to": [],
        "bf16": False,
        "gradient_checkpointing": False,
        "use_cpu": not (torch.cuda.is_available() or torch.backends.mps.is_available()),
        "seed": seed,
        "data_seed": seed,
        **arguments,
    })  # fmt: skip


def _largest_divisor(n: int, most: int) -> int:
    return max(size for size in range(1, min(n, most) + 1) if n % size == 0)
