from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from scc2s.models._finite import check_finite, in_torch
from scc2s.models._tokens import check_lengths, tokenize
from scc2s.models._words import merge_attention

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tqdm.auto import tqdm

    from ._decoder import Decoder


def attention(
    decoder: Decoder,
    tokenizer: Any,
    prompts: list[str],
    words: Sequence[list[tuple[int, int]]],
    *,
    layer: int,
    progress: tqdm,
) -> list[np.ndarray]:
    """Attention between the words of each prompt; see :meth:`TorchModel.attention`."""
    if not -decoder.n_layers <= layer < decoder.n_layers:
        msg = f"no layer {layer} has attention; use layer=-1 (last) or a number from 0 to {decoder.n_layers - 1}"
        raise ValueError(msg)
    tokens = tokenize(tokenizer, prompts, offsets=True)
    check_lengths(tokens.lengths, decoder.max_tokens)
    out = []
    with _weights_of(decoder, layer % decoder.n_layers) as seen:
        for ids, offsets, spans in zip(tokens.ids, tokens.offsets or [], words, strict=True):
            decoder.hidden(torch.from_numpy(ids.astype(np.int64))[None])
            mean = seen.pop().float().mean(dim=1)[0].cpu().numpy()
            check_finite(mean, "weights of attention", in_torch(str(decoder.lm.dtype)))
            out.append(merge_attention(mean.astype(np.float64), offsets, spans))
            progress.update()
    return out


@contextmanager
def _weights_of(decoder: Decoder, layer: int) -> Iterator[list[torch.Tensor]]:
    """A list that gets the attention (1 x heads x tokens x tokens) of a layer at each run, and that of no other."""
    block = decoder._blocks[layer]
    module = getattr(block, "self_attn", None) or getattr(block, "attention", None)
    if module is None:
        msg = f"cannot find the attention of {type(decoder.lm).__name__}; use a GPT-NeoX, Gemma or Llama model"
        raise ValueError(msg)
    seen: list[torch.Tensor] = []

    def keep(_module: Any, _inputs: Any, output: Any) -> None:
        seen.append(output[1])

    before = decoder.config._attn_implementation
    decoder.lm.set_attn_implementation("eager")  # no other kernel gives its weights
    handle = module.register_forward_hook(keep)
    try:
        yield seen
    finally:
        handle.remove()
        decoder.lm.set_attn_implementation(before)
