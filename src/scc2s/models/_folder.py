"""Whether a model folder can be trusted to give what was saved in it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Declared:
    """What a folder says of its model beyond transformers' own files (``scc2s.json``)."""

    family: str | None = None
    labels: list[str] | None = None
    tasks: list[str] | None = None


def read_declared(folder: Path) -> Declared:
    """Family of prompts, labels and tasks of a model, where it declares them."""
    declared = _json(folder / "scc2s.json")
    return Declared(declared.get("family"), declared.get("labels"), declared.get("tasks"))


def check_folder(folder: Path, name: str) -> None:
    """Refuse a folder that transformers would load wrongly, or only by running code from it.

    Parameters
    ----------
    folder
        With config.json, weights and tokenizer.
    name
        What to call it in a message.

    Raises
    ------
    FileNotFoundError
        No config.json, no weights, or no tokenizer.
    ValueError
        Weights that are not safetensors, a model that needs code of its own, an architecture that this version of
        transformers does not know, or settings it would not read.
    """
    if not (folder / "config.json").is_file():
        msg = f"{name} is no model folder: it has no config.json; give the folder that save_pretrained wrote"
        raise FileNotFoundError(msg)
    if not any(folder.glob("*.safetensors")):
        if any(path for end in ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.gguf", "*.h5") for path in folder.glob(end)):
            msg = (
                f"the weights of {name} are not safetensors, and other formats can run code when read; convert what "
                "you trust: AutoModelForCausalLM.from_pretrained(...).save_pretrained(folder)"
            )
            raise ValueError(msg)
        msg = f"{name} has no *.safetensors weights; give the folder that save_pretrained wrote"
        raise FileNotFoundError(msg)
    if not any((folder / file).is_file() for file in ("tokenizer.json", "tokenizer.model", "vocab.json")):
        msg = f"{name} has no tokenizer; save it beside the weights: tokenizer.save_pretrained(folder)"
        raise FileNotFoundError(msg)
    config = _json(folder / "config.json")
    _check_architecture(config, _json(folder / "tokenizer_config.json"), name)
    if transformers_major() < 5:
        _check_rotary(config, name)


def transformers_major() -> int:
    """Which transformers is installed."""
    return int(version("transformers").split(".")[0])


def saved_tokenizer_class(folder: Path) -> str | None:
    """Class that the tokenizer was saved from."""
    return _json(folder / "tokenizer_config.json").get("tokenizer_class")


def _check_architecture(config: dict[str, Any], tokenizer: dict[str, Any], name: str) -> None:
    from transformers import CONFIG_MAPPING

    kind = config.get("model_type")
    if kind in CONFIG_MAPPING and "auto_map" not in tokenizer:
        return
    if "auto_map" in config or "auto_map" in tokenizer:
        msg = (
            f"{name} needs code from its own folder, which is never run; choose a model that transformers itself knows"
        )
        raise ValueError(msg)
    installed = version("transformers")
    msg = f"transformers {installed} does not know {kind!r} models ({name}); run: pip install -U transformers"
    raise ValueError(msg)


def _check_rotary(config: dict[str, Any], name: str) -> None:
    """Transformers 4 reads rotary settings under their old names only, and falls back to defaults without a word."""
    said = config.get("rope_parameters")
    if not said:
        return
    from transformers import AutoConfig

    known = dict(config)
    read = AutoConfig.for_model(known.pop("model_type"), **known)
    nested = all(isinstance(part, dict) for part in said.values())
    for kind, part in said.items() if nested else [("full_attention", said)]:
        base = read.rope_local_base_freq if kind == "sliding_attention" and nested else read.rope_theta
        share = getattr(read, "partial_rotary_factor", 1.0)
        scaling = getattr(read, "rope_scaling", None) or {}
        same = (
            part.get("rope_theta", base) == base
            and part.get("partial_rotary_factor", share) == share
            and part.get("rope_type", "default") == scaling.get("rope_type", "default")
            and part.get("factor") == scaling.get("factor")
        )
        if not same:
            msg = (
                f"{name} was saved by transformers 5, and transformers {version('transformers')} would load it with "
                "other rotary settings; run: pip install -U 'transformers>=5'"
            )
            raise ValueError(msg)


def _json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
