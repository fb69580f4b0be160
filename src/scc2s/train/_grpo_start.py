"""The model that reinforcement starts from: a copy of its own, in float32."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Start:
    """A model to train, which is nobody else's."""

    lm: Any
    tokenizer: Any
    id: str
    declared: dict[str, Any]
    """What its ``scc2s.json`` says."""


def start_of(model: Any, tokenizer: Any) -> Start:
    """A copy of a model.

    Parameters
    ----------
    model
        Folder or hub id, a model of :func:`scc2s.models.load`, or one of transformers.
    tokenizer
        Of a model of transformers.

    Raises
    ------
    TypeError
        A model without weights that could be trained.
    ValueError
        A model of transformers without its tokenizer, or quantised weights.
    """
    from transformers import PreTrainedModel

    if isinstance(model, PreTrainedModel):
        if tokenizer is None:
            msg = "a model of transformers comes without its tokenizer; pass tokenizer="
            raise ValueError(msg)
        return Start(_copied(model), copy.deepcopy(tokenizer), model.config._name_or_path or type(model).__name__, {})
    if tokenizer is not None:
        msg = "the model has a tokenizer of its own; leave tokenizer= out"
        raise ValueError(msg)
    from scc2s.models import load
    from scc2s.models._torch._model import TorchModel

    found = load(model) if not isinstance(model, str) and hasattr(model, "id") else load(model, dtype="float32")
    if not isinstance(found, TorchModel):
        msg = (
            f"{getattr(found, 'id', type(found).__name__)} has no weights here that could be trained; pass a folder, a "
            'hub id, or scc2s.models.load(..., backend="torch")'
        )
        raise TypeError(msg)
    said = {"family": found.family, "labels": found.labels, "tasks": found.tasks} | found.taught.to_dict()
    declared = {key: value for key, value in said.items() if value and value != "unknown"}
    return Start(_copied(found._decoder.lm), copy.deepcopy(found.tokenizer), found.id, declared)


def _copied(lm: Any) -> Any:
    if getattr(lm, "is_quantized", False) or getattr(lm, "is_loaded_in_4bit", False):
        msg = "quantised weights cannot be trained as they are; load the model without quantization="
        raise ValueError(msg)
    out = copy.deepcopy(lm).float()
    for part in out.parameters():
        part.requires_grad_(True)
    # With dropout a model differs from its own rollouts, and from its reference, before anything is learned.
    for module in out.modules():
        for name in ("p", "attention_dropout"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)
    return out
