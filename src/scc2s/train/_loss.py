"""The loss of completions alone."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    import torch
    from transformers import PreTrainedModel


def completion_loss(
    model: PreTrainedModel,
    inputs: dict[str, torch.Tensor],
    n_tokens: torch.Tensor | int | None = None,
    autocast: Callable[[], AbstractContextManager[Any]] = nullcontext,
) -> torch.Tensor:
    """Mean negative log-likelihood of the supervised tokens; the head sees no other position.

    Rows are padded on the right, where causal attention needs no mask.
    """
    import torch

    plain: Any = getattr(model, "get_base_model", lambda: model)()
    with autocast():
        hidden = plain.base_model(inputs["input_ids"]).last_hidden_state[:, :-1]
        target = inputs["labels"][:, 1:]
        seen = target != -100
        logits = plain.get_output_embeddings()(hidden[seen]).float()
    if cap := getattr(plain.config, "final_logit_softcapping", None):
        logits = cap * torch.tanh(logits / cap)
    total = torch.nn.functional.cross_entropy(logits, target[seen], reduction="sum")
    return total / torch.as_tensor(seen.sum() if n_tokens is None else n_tokens, device=total.device).clamp(min=1)
