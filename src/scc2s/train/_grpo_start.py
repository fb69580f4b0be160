"""The model that reinforcement starts from: a copy of its own, in float32, without dropout."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ._base import check_model, open_base

if TYPE_CHECKING:
    from ._base import Base


def start_of(model: Any, tokenizer: Any) -> Base:
    """A copy of a model that all of its weights may be trained of, as :func:`scc2s.train.grpo` takes it.

    Raises
    ------
    TypeError, ValueError, FileNotFoundError, ConnectionError
        As :func:`check_model`.
    """
    check_model(model, tokenizer)
    base = open_base(model, tokenizer, copied=True)
    base.lm.float()
    for part in base.lm.parameters():
        part.requires_grad_(True)
    # With dropout a model differs from its own rollouts, and from its reference, before anything is learned.
    for module in base.lm.modules():
        for name in ("p", "attention_dropout"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)
    return base


def name_of(base: Base) -> str:
    """What a model is called, also one that was never saved."""
    return base.id or base.lm.config._name_or_path or type(base.lm).__name__


def refuse_parts() -> None:
    """Refuse processes that hold weights in parts: answers are written by whole ones.

    Raises
    ------
    ValueError
        The launcher asks for FSDP, or for DeepSpeed ZeRO-3.
    """
    fsdp = os.environ.get("ACCELERATE_USE_FSDP", "false").lower() == "true"
    deepspeed = os.environ.get("ACCELERATE_USE_DEEPSPEED", "false").lower() == "true"
    if fsdp or (deepspeed and os.environ.get("ACCELERATE_DEEPSPEED_ZERO_STAGE") == "3"):
        msg = (
            f"grpo writes answers with whole weights, and {'FSDP' if fsdp else 'DeepSpeed ZeRO-3'} gives each process "
            "a part of them; start it by torchrun or with ZeRO-2, and pass rank= to train an adapter alone"
        )
        raise ValueError(msg)
