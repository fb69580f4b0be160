"""A first look at a model that was just loaded: whether it runs, and reads from left to right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from transformers.cache_utils import Cache

from scc2s.models._architecture import ONLY
from scc2s.models._foreign import reading

if TYPE_CHECKING:
    from ._decoder import Decoder

# Rounding in bfloat16 is far below this share of the largest state; another neighbour makes far more of a difference.
_SAME = 0.1


@torch.inference_mode()
def check_runs(decoder: Decoder, name: str) -> None:
    """Refuse a model that cannot be run here; for an architecture that is not tested, also one that reads both ways.

    Raises
    ------
    ValueError
        It fails, a token sees those after it, or it keeps no keys and values.
    """
    ids = torch.arange(4)[None] % decoder.config.vocab_size
    with reading(decoder.lm.name_or_path or name, "run"):
        whole = decoder.hidden(ids)
        if decoder.tested:
            return
        part = decoder.hidden(ids[:, :2])
        out = decoder.lm(input_ids=ids[:, :2].to(decoder.device), use_cache=True)
    if (whole[:, :2] - part).abs().max() > _SAME * part.abs().max():  # False where states are not numbers
        msg = f"{name} reads text in both directions (a {decoder.config.model_type} model); {ONLY}"
        raise ValueError(msg)
    if not isinstance(getattr(out, "past_key_values", None), Cache):
        msg = f"{name} keeps no keys and values of attention (a {decoder.config.model_type} model); {ONLY}"
        raise ValueError(msg)
