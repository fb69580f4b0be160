"""Whether a config describes a causal decoder: text in, one token after the other out, by attention."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

# Settings of layers that carry a state from token to token in place of keys and values.
_STATES = ("mamba_", "ssm_", "state_size", "conv_kernel", "conv_L_cache", "linear_conv", "lru_width", "rwkv", "mlstm_")
_RECURRENT = frozenset({"mamba", "mamba2", "falcon_mamba", "rwkv", "recurrent_gemma", "xlstm", "jamba", "lfm2"})
_ATTENTION = frozenset({"full_attention", "sliding_attention", "chunked_attention"})
_OTHER_HEADS = ("ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering", "ForMaskedLM")
_NEEDED = ("hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size")
_COUNTS = (*_NEEDED, "num_key_value_heads", "head_dim", "intermediate_size", "max_position_embeddings")
_IDS = ("eos_token_id", "bos_token_id", "pad_token_id")
_ONLY = "only causal decoders can be asked here, such as those of scc2s.models.catalogue()"


def check_architecture(config: dict[str, Any], tokenizer: dict[str, Any], name: str) -> None:
    """Refuse what is no causal decoder that transformers itself knows.

    Parameters
    ----------
    config, tokenizer
        Content of config.json and tokenizer_config.json.
    name
        What to call the model in a message.

    Raises
    ------
    ValueError
        Code of its own, an unknown architecture, an encoder, an encoder-decoder, a state-space model, or another head
        than that of a language model.
    """
    from transformers import CONFIG_MAPPING

    kind = config.get("model_type")
    known = isinstance(kind, str) and kind in CONFIG_MAPPING
    if ("auto_map" in config and not known) or "auto_map" in tokenizer:
        msg = (
            f"{name} needs code from its own folder, which is never run; choose a model that transformers itself knows"
        )
        raise ValueError(msg)
    if not isinstance(kind, str) or not kind:
        msg = f"config.json of {name} names no architecture (model_type); give the folder that save_pretrained wrote"
        raise ValueError(msg)
    if not known:
        installed = version("transformers")
        msg = f"transformers {installed} does not know {kind!r} models ({name}); run: pip install -U transformers"
        raise ValueError(msg)
    _check_kind(kind, config, name)
    made = config.get("architectures")
    heads = [one for one in made if isinstance(one, str)] if isinstance(made, list) else []
    if other := [one for one in heads if one.endswith(_OTHER_HEADS)]:
        msg = f"{name} is a {other[0]}, which writes no text; {_ONLY}"
        raise ValueError(msg)


def _check_kind(kind: str, config: dict[str, Any], name: str) -> None:
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        MODEL_FOR_MASKED_LM_MAPPING_NAMES,
        MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
    )

    if config.get("is_encoder_decoder") or (
        kind in MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES and kind not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    ):
        msg = f"{name} is an encoder-decoder model ({kind}); {_ONLY}"
        raise ValueError(msg)
    encoder = kind in MODEL_FOR_MASKED_LM_MAPPING_NAMES and not config.get("is_decoder")
    if encoder or kind not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        what = "an encoder, which reads text in both directions" if encoder else "no language model that writes"
        msg = f"{name} is a {kind} model, {what}; {_ONLY}"
        raise ValueError(msg)
    text = _text(config)
    layers = text.get("layer_types")
    others = {str(one) for one in layers} - _ATTENTION if isinstance(layers, list) else set()
    if kind in _RECURRENT or others or any(key.startswith(_STATES) for key in text):
        msg = f"{name} is a {kind} model, which keeps a state in place of keys and values (state-space); {_ONLY}"
        raise ValueError(msg)


def check_sizes(config: dict[str, Any], folder: Path) -> None:
    """Refuse sizes that are lacking or are no counts: transformers would fall back to defaults, or fail.

    Raises
    ------
    ValueError
        Which one, in the config of which folder.
    """
    from transformers import CONFIG_MAPPING

    text = _text(config)
    kind = text.get("model_type", config.get("model_type"))
    if not isinstance(kind, str) or kind not in CONFIG_MAPPING:
        kind = config["model_type"]
    names: dict[str, Any] = getattr(CONFIG_MAPPING[kind], "attribute_map", {})
    for key in _COUNTS:
        said = key if key in text else str(names.get(key, key))
        value = text.get(said)
        # The text part of a multimodal config may leave out what is the default of its kind.
        if value is None and (key not in _NEEDED or text is not config):
            continue
        if value is None:
            msg = f"{folder / 'config.json'} is damaged: it lacks {said!r}; copy or download it again"
            raise ValueError(msg)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            msg = f"{folder / 'config.json'} is damaged: {said} is {value!r}; copy or download it again"
            raise ValueError(msg)


def check_ends(settings: dict[str, Any], path: Path) -> None:
    """Refuse special tokens that are no token ids.

    Raises
    ------
    ValueError
        Which one, in which file.
    """
    for key in _IDS:
        value = settings.get(key)
        each = value if isinstance(value, list) else [value]
        if any(one is not None and (not isinstance(one, int) or isinstance(one, bool)) for one in each):
            msg = f"{path} is damaged: {key} is {value!r}, not the number of a token; copy or download it again"
            raise ValueError(msg)


def _text(config: dict[str, Any]) -> dict[str, Any]:
    """Settings of the text part."""
    part = config.get("text_config")
    return part if isinstance(part, dict) else config
