"""The model that training begins with: from a folder, from memory, or one of transformers."""

from __future__ import annotations

import os
from copy import deepcopy
from dataclasses import dataclass, field
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from scc2s.models._family import UNKNOWN, recognise
from scc2s.models._folder import Declared, check_folder, read_declared
from scc2s.models._sources import Source, find

from ._licence import licence_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


@dataclass
class Base:
    """A causal language model and what is known of it."""

    lm: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    id: str | None = None
    """Folder or hub id; ``None`` for a model that was never saved."""
    revision: str | None = None
    weights_hash: str | None = None
    family: str = UNKNOWN
    declared: Declared = field(default_factory=Declared)
    licence: str | None = None
    fingerprint: str | None = None
    """Of the numbers that it began with, where there is no file to hash."""
    pretrained: bool = True
    """Whether its weights were ever trained, as far as can be told."""

    @property
    def began(self) -> str | None:
        """What tells its weights, as they were when training began, from others."""
        return self.weights_hash or self.fingerprint

    @property
    def window(self) -> int | None:
        """Tokens that it can read."""
        from scc2s.models._torch._model import context

        return context(self.lm, self.tokenizer)


def check_model(model: Any, tokenizer: Any) -> None:
    """Refuse what is not a model to train, before anything is loaded.

    Raises
    ------
    TypeError
        A model without a tokenizer, or of a kind that cannot be trained.
    ValueError
        A tokenizer beside a model that has one; an adapter around a model; quantised weights.
    FileNotFoundError, ConnectionError
        No such model.
    """
    if isinstance(model, str | PathLike):
        if tokenizer is not None:
            msg = "a model by name comes with its tokenizer; leave tokenizer= out"
            raise ValueError(msg)
        return
    if _of_torch(model):
        if tokenizer is not None:
            msg = "a model of scc2s.models.load comes with its tokenizer; leave tokenizer= out"
            raise ValueError(msg)
        if model.info().get("quantization") is not None:
            msg = (
                f"{model.id} was loaded with {model.info()['quantization']} weights, which cannot be trained; load it "
                "without quantization=, or train an adapter beside them: scc2s.train.lora(name, ..., "
                'quantization="4bit")'
            )
            raise ValueError(msg)
        return
    if hasattr(model, "peft_config"):
        msg = (
            "the model has an adapter around it; merge it first: scc2s.train.merge(base, adapter, folder), or "
            "model.merge_and_unload()"
        )
        raise ValueError(msg)
    from transformers import PreTrainedModel

    if not isinstance(model, PreTrainedModel):
        msg = (
            f"a {type(model).__name__} is not a model to train; pass the folder or hub id of one, a model of "
            "scc2s.models.load(...) on the torch backend, or one of transformers with its tokenizer="
        )
        raise TypeError(msg)
    if getattr(model, "is_quantized", False) or getattr(model, "is_loaded_in_4bit", False):
        msg = (
            f"the {type(model).__name__} has quantised weights, which cannot be trained as they are; load it without "
            'quantization_config=, or train an adapter beside them: scc2s.train.lora(name, ..., quantization="4bit")'
        )
        raise ValueError(msg)
    if tokenizer is None:
        msg = f"a {type(model).__name__} of transformers comes without a tokenizer; pass tokenizer="
        raise TypeError(msg)


def open_base(
    model: Any,
    tokenizer: Any = None,
    *,
    frozen: bool = False,
    quantization: Literal["4bit", "8bit"] | None = None,
    copied: bool = False,
) -> Base:
    """The model to train, free to be changed; a model of transformers is changed in place, unless it is copied.

    Parameters
    ----------
    model
        Folder or hub id; a model of :func:`scc2s.models.load`, which stays as it is; or one of transformers.
    tokenizer
        Of the last.
    frozen
        Whether its weights stay what they are: then they are bfloat16 on a GPU that computes in it, else float32.
    quantization
        Of the weights, for a model by name.
    copied
        Whether a model of transformers stays what it is, and a copy is trained.
    """
    if isinstance(model, str | PathLike):
        from scc2s.models._torch._read import parts

        found, declared, family = source_of(model)
        dtype, where = _placed(frozen=frozen, quantization=quantization)
        lm, read = parts(found, dtype=dtype, where=where)
        return Base(lm, read, **known(found, declared, family))
    if _of_torch(model):
        return _from_memory(model)
    from scc2s.models._torch._fingerprint import fingerprint

    if copied:
        model, tokenizer = deepcopy(model), deepcopy(tokenizer)
    pretrained = bool(getattr(model, "name_or_path", ""))
    return Base(model, tokenizer, fingerprint=fingerprint(model.state_dict().items()), pretrained=pretrained)


def _placed(
    *, frozen: bool, quantization: Literal["4bit", "8bit"] | None
) -> tuple[torch.dtype, Callable[[Any], dict[str, Any]]]:
    """Number format, and the arguments of ``from_pretrained`` for a config."""
    import torch

    from scc2s.models._torch._device import pick_device, pick_dtype
    from scc2s.models._torch._placement import Placement

    device = pick_device("auto")
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    dtype = pick_dtype("auto", device) if frozen and device.type == "cuda" else torch.float32
    placement = Placement.of(quantization, None, "auto", "auto")

    def where(config: Any) -> dict[str, Any]:
        arguments = placement.arguments(config, device, dtype)
        # The trainer puts a model where it trains, but one that was placed already stays; quantised weights have to.
        return arguments if quantization else {name: one for name, one in arguments.items() if name != "device_map"}

    return dtype, where


def source_of(model: str | PathLike[str]) -> tuple[Source, Declared, str]:
    """The folder of a model by name, what it declares, and its family of prompts.

    Raises
    ------
    FileNotFoundError, ConnectionError, ValueError
        As :func:`scc2s.models.load`.
    """
    found = find(model)
    check_folder(found.folder, found.id)
    declared = read_declared(found.folder)
    return found, declared, declared.family or found.family or recognise(found.folder) or UNKNOWN


def known(found: Source, declared: Declared, family: str) -> dict[str, Any]:
    """What is known of a model in a folder."""
    from scc2s.models._weights import weights_hash

    return {
        "id": fspath(found.id),
        "revision": found.revision,
        "weights_hash": weights_hash(found.folder),
        "family": family,
        "declared": declared,
        "licence": licence_of(found.id, found.folder),
    }


def declaration_of(declared: Declared, family: str) -> dict[str, Any]:
    """Content of ``scc2s.json`` for a model that says what another says of itself."""
    said = {"family": declared.family or family, "labels": declared.labels, "tasks": declared.tasks}
    said |= declared.taught.to_dict()
    return {name: value for name, value in said.items() if value and (name, value) != ("family", UNKNOWN)}


def _of_torch(model: Any) -> bool:
    return type(model).__module__ == "scc2s.models._torch._model"


def _from_memory(model: Any) -> Base:
    """A copy, since the same object is what :func:`scc2s.models.load` gives to all who ask."""
    lm = deepcopy(model._decoder.lm).float()
    if len(model.info()["devices"]) > 1:
        msg = f"{model.id} lies on several devices; pass its name, so that the trainer places it"
        raise ValueError(msg)
    lm.__dict__.pop("hf_device_map", None)
    if str(getattr(lm.config.get_text_config(), "_attn_implementation", "")).startswith("scc2s"):
        lm.set_attn_implementation("sdpa")
    folder = Path(model.id)
    return Base(
        lm,
        deepcopy(model.tokenizer),
        id=model.id,
        revision=model.revision,
        weights_hash=model.info()["weights_hash"],
        family=model.family,
        declared=Declared(model.family, model.labels, model.tasks, model.taught),
        licence=licence_of(model.id, folder if folder.is_dir() else None),
    )
