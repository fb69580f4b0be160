"""What training changes beside the weights, and puts back."""

from __future__ import annotations

import random
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def states_kept() -> Iterator[None]:
    """The state of all generators of random numbers after the block is the one before it."""
    import torch

    before = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    devices = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])  # noqa: NPY002
        torch.set_rng_state(before[2])
        if devices:
            torch.cuda.set_rng_state_all(devices)


@contextmanager
def forward_kept(lm: Any) -> Iterator[None]:
    """Take away what trainers put in front of a model, after the block."""
    before = lm.__dict__.get("forward")
    cached = lm.config.use_cache if hasattr(lm.config, "use_cache") else None
    try:
        yield
    finally:
        lm.__dict__.pop("forward", None)
        if before is not None:
            lm.forward = before
        if cached is not None:
            lm.config.use_cache = cached
        lm.eval()
