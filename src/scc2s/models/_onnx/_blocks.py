"""Attention of the exported graph: blocks of queries, each over the keys up to its last.

No token sees one after it, neither in a text nor in a tree of answers, so that the other keys need not be looked at.
ONNX Runtime has no operator on a CPU that leaves them out and takes a mask as well.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

N_BLOCKS = 4
"""Measured: with 8, cells of 100 genes (about 360 tokens) take longer."""
_NAME = "scc2s_blocks"


def attend(
    _module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor,
    scaling: float | None = None,
    softcap: float | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """What `transformers` asks of a kernel of attention.

    Parameters
    ----------
    query, key, value
        Rows x heads x tokens x width; heads of queries are a multiple of those of keys.
    mask
        Rows x 1 x tokens x tokens, added to the products.
    scaling, softcap
        Of the products.

    Returns
    -------
    Rows x tokens x heads x width, and no weights.
    """
    n, n_heads, n_tokens, width = query.shape
    query = query * (width**-0.5 if scaling is None else scaling)
    shared = n_heads // key.shape[1]
    if shared > 1:
        query = query.reshape(n, -1, shared, n_tokens, width)
        key, value, mask = key[:, :, None], value[:, :, None], mask[:, :, None]
    parts = []
    for block in range(N_BLOCKS):
        first, end = n_tokens * block // N_BLOCKS, n_tokens * (block + 1) // N_BLOCKS
        scores = query[..., first:end, :] @ key[..., :end, :].transpose(-1, -2)
        if softcap is not None:
            scores = softcap * torch.tanh(scores / softcap)
        shares = (scores + mask[..., first:end, :end]).softmax(dim=-1, dtype=torch.float32).to(query.dtype)
        parts.append(shares @ value[..., :end, :])
    out = torch.cat(parts, dim=-2).reshape(n, n_heads, n_tokens, width)
    return out.transpose(1, 2).contiguous(), None


@contextmanager
def in_blocks(lm: Any) -> Iterator[None]:
    """A model that uses this kernel meanwhile."""
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    ALL_ATTENTION_FUNCTIONS.register(_NAME, attend)
    configs = {id(part.config): part.config for part in lm.modules() if hasattr(part, "config")}.values()
    said = [config._attn_implementation for config in configs]
    try:
        for config in configs:
            config._attn_implementation = _NAME
        yield
    finally:
        for config, name in zip(configs, said, strict=True):
            config._attn_implementation = name
