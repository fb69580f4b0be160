"""Attention in bfloat16 on a CPU as products of matrices, which are quicker there than PyTorch's fused kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from ._device import cpu_features

if TYPE_CHECKING:
    from transformers import PreTrainedModel

NAME = "scc2s_products"
"""Of this kernel, in the configuration of a model."""
_BYTES = 2**20  # of scores at a time, which stay in the cache
_FEW, _MANY = 16, 2**11
"""Queries under which there is little to gain, and keys above which scores would be too large."""


def use_products(lm: PreTrainedModel) -> None:
    """Let a model in bfloat16 on a CPU that multiplies in it, without AMX, take its attention as products."""
    config = lm.config.get_text_config()
    flags = cpu_features()
    if lm.device.type != "cpu" or lm.dtype is not torch.bfloat16 or not {"avx512_bf16"} & flags:
        return
    if "amx_bf16" in flags or getattr(config, "_attn_implementation", None) != "sdpa":
        return
    if NAME not in ALL_ATTENTION_FUNCTIONS.valid_keys():
        ALL_ATTENTION_FUNCTIONS.register(NAME, attend)
        ALL_MASK_ATTENTION_FUNCTIONS.register(NAME, ALL_MASK_ATTENTION_FUNCTIONS["sdpa"])
    lm.set_attn_implementation(NAME)


def attend(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **others: Any,
) -> tuple[torch.Tensor, None]:
    """What ``sdpa`` of transformers gives; that itself with gradients, few queries, or options this does not know.

    Scores and shares are rounded to bfloat16 on the way, as in its ``eager`` kernel.
    """
    n_rows, n_heads, n, width = query.shape
    n_keys = key.shape[2]
    known = (
        torch.is_inference_mode_enabled()
        and query.dtype is torch.bfloat16
        and not any(others.get(name) is not None for name in ("position_bias", "cache", "softcap", "s_aux"))
    )
    alone = attention_mask is None and (n != n_keys or others.get("is_causal") is False)
    if not known or alone or n < _FEW or n_keys > _MANY or query.device.type != "cpu":
        out: tuple[torch.Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **others
        )
        return out
    if key.shape[1] != n_heads:
        key, value = (part.repeat_interleave(n_heads // key.shape[1], dim=1) for part in (key, value))
    mask = _additive(attention_mask, n, query)
    scale = width**-0.5 if scaling is None else scaling
    step = max(1, _BYTES // (2 * n_heads * n * n_keys))
    found = query.new_empty((n_rows, n, n_heads, width))
    for low in range(0, n_rows, step):
        rows = slice(low, low + step)
        q, k, v = (part[rows].flatten(0, 1) for part in (query, key, value))
        own = mask[0] if len(mask) == 1 else mask[rows].expand(-1, n_heads, -1, -1).flatten(0, 1)
        shares = torch.baddbmm(own, q, k.mT, alpha=scale).softmax(dim=-1)
        found[rows] = torch.bmm(shares, v).view(-1, n_heads, n, width).transpose(1, 2)
    return found, None


def _additive(mask: torch.Tensor | None, n: int, query: torch.Tensor) -> torch.Tensor:
    if mask is None:
        mask = torch.ones((1, 1, n, n), dtype=torch.bool).tril()
    if mask.stride(0) == 0:  # one for all rows, only seen as many
        mask = mask[:1]
    if mask.dtype is torch.bool:
        low = torch.finfo(query.dtype).min
        return torch.zeros(mask.shape, dtype=query.dtype).masked_fill_(~mask, low)
    return mask.to(query.dtype)
