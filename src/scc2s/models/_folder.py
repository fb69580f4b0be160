"""Whether a model folder can be trusted to give what was saved in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from ._architecture import check_architecture, check_own_code
from ._files import read_object
from ._settings_of import check_ends, check_settings, text_part
from ._shards import check_weights, weight_files
from ._taught import Taught, read_taught
from ._tokenizer_files import check_fits, check_tokenizer_files

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Declared:
    """What a folder says of its model beyond transformers' own files (``scc2s.json``)."""

    family: str | None = None
    labels: list[str] | None = None
    tasks: list[str] | None = None
    taught: Taught = field(default_factory=Taught)


def read_declared(folder: Path) -> Declared:
    """Family of prompts, labels, tasks and all else that a model declares.

    Raises
    ------
    ValueError
        A damaged file.
    """
    path = folder / "scc2s.json"
    said = read_object(path)
    family, *lists = (said.get(key) for key in ("family", "labels", "tasks"))
    texts = all(one is None or (isinstance(one, list) and all(isinstance(each, str) for each in one)) for one in lists)
    if not texts or not (family is None or (isinstance(family, str) and family)):
        msg = f"{path} is damaged: 'family' is a text, 'labels' and 'tasks' are lists of texts; write it again"
        raise ValueError(msg)
    labels, tasks = lists
    return Declared(family, labels, tasks, read_taught(said, path))


def check_folder(folder: Path, name: str) -> None:
    """Refuse a folder that transformers would load wrongly, not at all, or only by running code from it.

    Parameters
    ----------
    folder
        With config.json, weights and tokenizer.
    name
        What to call it in a message.

    Raises
    ------
    FileNotFoundError
        No config.json, no weights or not all of them, or no tokenizer.
    ValueError
        An adapter without its base; files that are damaged or only stand for others; weights that are not safetensors
        or not inside the folder; a model that is not a causal decoder, needs code of its own, or is of an architecture
        that this version of transformers does not know; settings that transformers would not read.
    """
    _refuse_adapter(folder, name)
    config = read_object(folder / "config.json")
    if not (folder / "config.json").is_file():
        what = "it is empty" if not any(folder.iterdir()) else "it has no config.json"
        msg = f"{name} is not a model folder: {what}; give the folder that save_pretrained wrote"
        raise FileNotFoundError(msg)
    weight_files(folder)
    tokenizer, largest = check_tokenizer_files(folder, name)
    for file in ("generation_config.json", "special_tokens_map.json", "added_tokens.json", "scc2s.json"):
        read_object(folder / file)
    check_architecture(config, tokenizer, name)
    check_own_code(config, name)
    shapes = check_weights(folder, quantised="quantization_config" in config)
    check_settings(config, folder / "config.json", n_weights=len(shapes))
    check_ends(config, folder / "config.json")
    check_ends(read_object(folder / "generation_config.json"), folder / "generation_config.json")
    check_fits(largest, text_part(config).get("vocab_size"), folder)
    if transformers_major() < 5:
        _check_rotary(config, name)


def _refuse_adapter(folder: Path, name: str) -> None:
    path = folder / "adapter_config.json"
    if not path.is_file():
        return
    base = read_object(path).get("base_model_name_or_path") or "the base model"
    msg = (
        f"{name} is a PEFT adapter of {base}, not a whole model; load it with its base: scc2s.models.load({base!r}, "
        f"adapter={name!r}), or make one model of both: scc2s.train.merge({base!r}, {name!r}, folder)"
    )
    raise ValueError(msg)


def transformers_major() -> int:
    """Which transformers is installed."""
    return int(version("transformers").split(".")[0])


def saved_tokenizer_class(folder: Path) -> str | None:
    """Class that the tokenizer was saved from."""
    said = read_object(folder / "tokenizer_config.json").get("tokenizer_class")
    return said if isinstance(said, str) else None


def _check_rotary(config: dict[str, Any], name: str) -> None:
    """Transformers 4 reads rotary settings under their old names only, and falls back to defaults without a word."""
    said = config.get("rope_parameters")
    if not said:
        return
    if not isinstance(said, dict):
        msg = f"config.json of {name} is damaged: rope_parameters is {said!r}; copy or download it again"
        raise ValueError(msg)
    from transformers import AutoConfig

    known = dict(config)
    try:
        read = AutoConfig.for_model(known.pop("model_type"), **known)
    except Exception as error:  # whatever a damaged value leads to
        msg = f"config.json of {name} is damaged ({type(error).__name__}: {error}); copy or download it again"
        raise ValueError(msg) from error
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
