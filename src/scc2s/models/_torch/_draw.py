"""Drawing the next token with a number of one's own for each row, instead of torch's global generator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from scc2s.models.decoding import Sampling

# Probabilities are summed in blocks first, so that finding a place among 250,000 needs no running sum of them all.
_BLOCK = 128


def draw(scores: torch.Tensor, uniform: torch.Tensor, sampling: Sampling) -> torch.Tensor:
    """One token for each row, by inversion: the first at which the summed probability passes the row's number.

    Parameters
    ----------
    scores
        Rows x tokens, float32 logits.
    uniform
        A number in [0, 1) for each row.
    sampling
        Temperature, then `top_k`, then `top_p`.
    """
    if sampling.temperature != 1:
        scores = scores / sampling.temperature
    if sampling.top_k is not None and sampling.top_k < scores.shape[1]:
        least = scores.topk(sampling.top_k, dim=1).values[:, -1:]
        scores = scores.masked_fill(scores < least, float("-inf"))
    probs = scores.softmax(dim=1)
    if sampling.top_p < 1:
        ordered, order = probs.sort(dim=1, descending=True, stable=True)
        before = ordered.cumsum(dim=1) - ordered
        probs = probs.masked_fill(
            torch.zeros_like(probs, dtype=torch.bool).scatter(1, order, before >= sampling.top_p), 0
        )
    exact = torch.float32 if probs.device.type == "mps" else torch.float64  # MPS has no float64
    uniform = uniform.to(exact).to(probs.device)
    n, width = probs.shape
    blocks = torch.nn.functional.pad(probs, (0, -width % _BLOCK)).reshape(n, -1, _BLOCK)
    sums = blocks.sum(dim=2).to(exact).cumsum(dim=1)
    target = uniform[:, None] * sums[:, -1:]
    block = torch.searchsorted(sums, target, right=True).clamp_(max=sums.shape[1] - 1)
    before = torch.where(block > 0, sums.gather(1, (block - 1).clamp(min=0)), 0.0)
    inside = blocks[torch.arange(n, device=probs.device), block[:, 0]].to(exact).cumsum(dim=1)
    token = torch.searchsorted(inside, target - before, right=True).clamp_(max=_BLOCK - 1)
    found = (block * _BLOCK + token)[:, 0]
    # Rounding may point after the last token that has any probability.
    missed = (found >= width) | (probs.gather(1, found.clamp(max=width - 1)[:, None])[:, 0] == 0)
    return torch.where(missed, probs.argmax(dim=1), found) if bool(missed.any()) else found
