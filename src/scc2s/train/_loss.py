"""The loss of completions alone."""

from __future__ import annotations

import functools
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

    Parameters
    ----------
    model
        A causal language model, or an adapter around one.
    inputs
        ``input_ids`` and ``labels``, rows x tokens; labels are -100 where nothing is learned.
    n_tokens
        What the sum is divided by; ``None``: the supervised tokens of these rows.
    autocast
        Context to compute in.
    """
    import torch

    plain: Any = getattr(model, "get_base_model", lambda: model)()
    # Gemma 3 of transformers 4 names its parts so that `base_model` finds none.
    base = plain.get_decoder() if plain.base_model is plain else plain.base_model
    with autocast():
        hidden = base(input_ids=inputs["input_ids"], use_cache=False).last_hidden_state[:, :-1]
        target = inputs["labels"][:, 1:].to(hidden.device)
        seen = target != -100
        logits = plain.get_output_embeddings()(hidden[seen]).float()
    config = plain.config.get_text_config()
    if cap := getattr(config, "final_logit_softcapping", None):
        logits = cap * torch.tanh(logits / cap)
    total = torch.nn.functional.cross_entropy(logits, target[seen], reduction="sum")
    return total / torch.as_tensor(seen.sum() if n_tokens is None else n_tokens, device=total.device).clamp(min=1)


def learn_completions(lm: PreTrainedModel) -> None:
    """Let ``lm(input_ids=..., completion_labels=..., n_tokens=...)`` give :func:`completion_loss`.

    With ``completion_loss=`` and ``generator=`` it gives that loss of a :class:`scc2s.train.Source`.

    As a call of the model itself it goes through whatever is wrapped around it: adapters, and the copies of a model on
    several devices, which add up their gradients only in such calls. All other calls are what they were.
    """
    untyped: Any = lm
    own = untyped.forward

    # The signature stays: transformers looks at it to tell what a model takes.
    @functools.wraps(own)
    def forward(*args: Any, completion_labels: Any = None, n_tokens: Any = None, **kwargs: Any) -> Any:
        if completion_labels is None:
            return own(*args, **kwargs)
        inputs = {"input_ids": kwargs["input_ids"], "labels": completion_labels}
        if (other := kwargs.get("completion_loss")) is not None:
            return other(lm, inputs, kwargs["generator"])
        return completion_loss(lm, inputs, n_tokens)

    untyped.forward = forward
