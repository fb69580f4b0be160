from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from scc2s.models._finite import check_finite, in_torch
from scc2s.models._tokens import check_lengths, check_pooling, shares_of, tokenize, windows

from ._memory import in_batches
from ._pad import pad_right
from ._prefix import Start, read_only, shared_start
from ._workers import n_workers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tqdm.auto import tqdm

    from scc2s.models._protocols import Pooling
    from scc2s.models._tokens import Tokens

    from ._decoder import Decoder


def embed(
    decoder: Decoder,
    tokenizer: Any,
    prompts: list[str],
    *,
    spans: Sequence[tuple[int, int]] | None,
    pooling: Pooling,
    layer: int,
    budget: int,
    progress: tqdm,
) -> np.ndarray:
    """One pooled hidden state a prompt; see :meth:`scc2s.models.Embeds.embed`."""
    check_pooling(prompts, spans, pooling)
    number = decoder.layer_number(layer)
    out = np.empty((len(prompts), decoder.width), dtype=np.float32)
    for window in windows(len(prompts)):
        tokens = tokenize(tokenizer, prompts[window], offsets=spans is not None)
        check_lengths(tokens.lengths, decoder.max_tokens, first=window.start)
        shares = shares_of(tokens, None if spans is None else spans[window], pooling, first=window.start)
        for rows, values in _pooled(decoder, tokens, shares, number, budget):
            out[window][rows] = values
            progress.update(len(rows))
    check_finite(out, "values of the embedding", in_torch(str(decoder.lm.dtype)))
    return out


def _pooled(
    decoder: Decoder, tokens: Tokens, shares: list[np.ndarray], layer: int, budget: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    start = shared_start(decoder, tokens.ids, layer)
    cache = read_only(start.cache) if start.cache is not None else None

    def forward(rows: np.ndarray) -> np.ndarray:
        ids = pad_right([tokens.ids[row][start.n :] for row in rows])
        hidden = decoder.hidden(ids, layer=layer, cache=cache)
        return _pool(hidden, [shares[row] for row in rows], start).cpu().numpy()

    return in_batches(tokens.lengths - start.n, budget, forward, workers=n_workers(decoder, layer))


def _pool(hidden: torch.Tensor, shares: list[np.ndarray], start: Start) -> torch.Tensor:
    own = torch.zeros(hidden.shape[:2])
    for i, share in enumerate(shares):
        own[i, : len(share) - start.n] = torch.from_numpy(share[start.n :])
    own = own.to(hidden.device)[..., None]
    # Padding is set to 0 first: in float16 it may be infinite, and 0 * inf is not 0.
    pooled = torch.bmm(own.mT, hidden.float().masked_fill_(own == 0, 0))[:, 0]
    if start.hidden is None:
        return pooled
    return pooled + torch.from_numpy(np.stack([share[: start.n] for share in shares])).to(hidden.device) @ start.hidden
