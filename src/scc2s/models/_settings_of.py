"""Settings of a model's config: whether they are such as the architecture can have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_NEEDED = ("hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size")
_COUNTS = (*_NEEDED, "num_key_value_heads", "head_dim", "intermediate_size", "max_position_embeddings")
_WIDTHS = ("sliding_window", "query_pre_attn_scalar", "attention_chunk_size")
_IDS = ("eos_token_id", "bos_token_id", "pad_token_id")
# Sizes of layers and tables; of the largest model known here, none is a hundredth of it.
_LARGEST = 2**28
_LARGEST_NUMBER = 1e15
_OLD_ROTARY = ("rope_theta", "rotary_emb_base", "rotary_pct", "rope_scaling", "partial_rotary_factor")
_AGAIN = "copy or download it again"


def text_part(config: dict[str, Any]) -> dict[str, Any]:
    """Settings of the part that reads text."""
    part = config.get("text_config")
    return part if isinstance(part, dict) else config


def check_settings(config: dict[str, Any], path: Path, *, n_weights: int) -> None:
    """Refuse sizes that are lacking or are not counts, and numbers that no model has.

    Transformers would fall back to defaults, fail while it loads or while it runs, or fill the memory.

    Parameters
    ----------
    config
        Content of config.json, of an architecture that transformers knows.
    path
        That file.
    n_weights
        Tensors among the weights; each layer has some.

    Raises
    ------
    ValueError
        Which setting.
    """
    text = text_part(config)
    kind = text.get("model_type", config.get("model_type"))
    usual = _usual(kind if isinstance(kind, str) else config["model_type"], config["model_type"])
    names: Mapping[str, str] = getattr(type(usual), "attribute_map", {})
    for key in _COUNTS:
        said = key if key in text else names.get(key, key)
        value = text.get(said)
        # The text part of a multimodal config may leave out what is the default of its kind.
        if value is None and said not in text and (key not in _NEEDED or text is not config):
            continue
        if value is None and key not in _NEEDED and getattr(usual, said, None) is None:
            continue
        if value is None and said not in text:
            msg = f"{path} is damaged: it lacks {said!r}; {_AGAIN}"
            raise ValueError(msg)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _LARGEST:
            msg = (
                f"{path} is damaged: {said} is {_short(value)}, where a number from 1 to {_LARGEST:,} belongs; {_AGAIN}"
            )
            raise ValueError(msg)
        if key == "num_hidden_layers" and value > n_weights:
            msg = f"{path} says {value} layers, and the weights are only {n_weights} tensors; download the folder again"
            raise ValueError(msg)
    for name, value in text.items():
        _check_number(name, value, getattr(usual, name, None), path)
    _check_rotary(text, usual, path)


def _check_number(name: str, value: Any, usual: Any, path: Path) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or name.endswith(("_id", "_idx", "_index")):
        return
    positive = isinstance(usual, int | float) and not isinstance(usual, bool) and usual > 0
    small = name.endswith(("eps", "epsilon"))
    wrong = (
        not abs(value) <= _LARGEST_NUMBER  # nor a value that is not a number
        or (positive and value < 0)
        or (positive and value == 0 and isinstance(usual, float) and not name.startswith(("initializer", "classifier")))
        or (small and not 0 < value < 0.1)
        or (name in _WIDTHS and not 0 < value <= _LARGEST)
    )
    if wrong:
        msg = f"{path} is damaged: {name} is {_short(value)}, which no model has; {_AGAIN}"
        raise ValueError(msg)


def _check_rotary(text: dict[str, Any], usual: Any, path: Path) -> None:
    """Rotary settings that say nothing would be replaced by those that are usual, without a word."""
    if "rope_parameters" not in text or getattr(usual, "rope_parameters", None) is None:
        return
    said = text["rope_parameters"]
    if said is None and any(text.get(name) is not None for name in _OLD_ROTARY):
        return
    if not isinstance(said, dict) or not said:
        msg = f"{path} is damaged: rope_parameters is {_short(said)}, where an object {{...}} belongs; {_AGAIN}"
        raise ValueError(msg)
    for part in [said, *(part for part in said.values() if isinstance(part, dict))]:
        for name, value in part.items():
            if name in ("rope_type", "type"):
                fine = isinstance(value, str)
            elif name == "rope_theta":
                fine = _is_number(value) and 0 < value <= _LARGEST_NUMBER
            elif name == "partial_rotary_factor":
                fine = _is_number(value) and 0 < value <= 1
            else:
                fine = not isinstance(value, int | float) or _is_number(value)
            if not fine:
                msg = f"{path} is damaged: {name} of rope_parameters is {_short(value)}; {_AGAIN}"
                raise ValueError(msg)


def check_ends(settings: dict[str, Any], path: Path) -> None:
    """Refuse special tokens that are not token ids.

    Raises
    ------
    ValueError
        Which one, in which file.
    """
    for key in _IDS:
        value = settings.get(key)
        for one in value if isinstance(value, list) else [value]:
            if one is None or (isinstance(one, int) and not isinstance(one, bool) and -1 <= one < _LARGEST):
                continue
            msg = f"{path} is damaged: {key} is {_short(value)}, not the number of a token; {_AGAIN}"
            raise ValueError(msg)


def _usual(kind: str, otherwise: str) -> Any:
    """The settings that an architecture has where a config says nothing."""
    from transformers import CONFIG_MAPPING

    made: Any = CONFIG_MAPPING[kind if kind in CONFIG_MAPPING else otherwise]
    return made()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST_NUMBER


def _short(value: Any) -> str:
    try:
        text = repr(value)
    except ValueError:  # more digits than Python writes
        return "a number of thousands of digits"
    return text if len(text) <= 60 else f"{text[:60]}..."
