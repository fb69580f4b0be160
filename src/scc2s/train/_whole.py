"""Weights of a model that processes hold in parts (FSDP, DeepSpeed), brought together."""

from __future__ import annotations

from typing import Any


def whole_weights(trainer: Any) -> dict[str, Any] | None:
    """All weights of a trained model by name, on the CPU of the first process; all processes have to call it.

    Returns
    -------
    ``None`` where each process has all of them.

    Raises
    ------
    ValueError
        DeepSpeed is not set to bring weights together (``zero3_save_16bit_model``).
    """
    accelerator = trainer.accelerator
    if accelerator.distributed_type.value not in ("FSDP", "DEEPSPEED"):
        return None
    wrapped = trainer.model_wrapped if trainer.is_deepspeed_enabled else trainer.model
    try:
        found: dict[str, Any] = accelerator.get_state_dict(wrapped)
    except ValueError as error:
        msg = f"{error} The last checkpoint in {trainer.args.output_dir} is whole; set it, and call again"
        raise ValueError(msg) from error
    return found
