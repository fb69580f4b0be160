"""Whether a config describes a causal decoder: text in, one token after the other out, by attention."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from ._settings_of import text_part

# Settings of layers that carry a state from token to token in place of keys and values.
_STATES = ("mamba_", "ssm_", "state_size", "conv_kernel", "conv_L_cache", "linear_conv", "lru_width", "rwkv", "mlstm_")
_RECURRENT = frozenset({"mamba", "mamba2", "falcon_mamba", "rwkv", "recurrent_gemma", "xlstm", "jamba", "lfm2"})
_ATTENTION = frozenset({"full_attention", "sliding_attention", "chunked_attention"})
_OTHER_HEADS = (
    *("ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering", "ForMaskedLM"),
    *("ForMultipleChoice", "ForImageClassification", "ForReward", "EncoderModel"),
)
_PARTS = ("text_config", "decoder", "generator", "text_encoder")  # transformers looks for settings of text in these
_AGAIN = "copy or download it again"
ONLY = "only causal decoders can be asked here, such as those of scc2s.models.catalogue()"


def check_architecture(config: dict[str, Any], tokenizer: dict[str, Any], name: str) -> None:
    """Refuse what is not a causal decoder that transformers itself knows.

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
    if other := [one for one in heads if one.endswith(_OTHER_HEADS) and not any(map(_writes, heads))]:
        msg = f"{name} is a {other[0]}, which writes no text; {ONLY}"
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
        msg = f"{name} is an encoder-decoder model ({kind}); {ONLY}"
        raise ValueError(msg)
    encoder = kind in MODEL_FOR_MASKED_LM_MAPPING_NAMES and not config.get("is_decoder")
    if encoder or kind not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        what = "an encoder, which reads text in both directions" if encoder else "not a language model that writes"
        msg = f"{name} is a {kind} model, {what}; {ONLY}"
        raise ValueError(msg)
    _check_parts(kind, config, name)
    text = text_part(config)
    layers = text.get("layer_types")
    others = {str(one) for one in layers} - _ATTENTION if isinstance(layers, list) else set()
    if kind in _RECURRENT or others or any(key.startswith(_STATES) for key in text):
        msg = f"{name} is a {kind} model, which keeps a state in place of keys and values (state-space); {ONLY}"
        raise ValueError(msg)
    if text.get("is_causal") is False or text.get("use_bidirectional_attention") in (True, "all"):
        msg = f"{name} reads text in both directions (its config says so), as encoders do; {ONLY}"
        raise ValueError(msg)


def _check_parts(kind: str, config: dict[str, Any], name: str) -> None:
    """Refuse settings of a part, as of models of text and pictures, where the architecture has no such part."""
    from transformers import CONFIG_MAPPING

    known: Any = getattr(CONFIG_MAPPING[kind], "sub_configs", {})
    if wrong := [part for part in _PARTS if config.get(part) is not None and part not in known]:
        msg = f"config.json of {name} is damaged: it has {wrong[0]}, which no {kind} model has; {_AGAIN}"
        raise ValueError(msg)


def _writes(head: str) -> bool:
    return head.endswith(("ForCausalLM", "LMHeadModel", "ForConditionalGeneration"))


def check_own_code(config: dict[str, Any], name: str) -> None:
    """Refuse settings that make transformers fetch code, or weights of another name than those looked at.

    Raises
    ------
    ValueError
        Which one.
    """
    for part in (config, text_part(config)):
        for key, value in part.items():
            if key.endswith(("attn_implementation", "experts_implementation")) and "/" in str(value):
                msg = (
                    f"config.json of {name} asks for {key} {str(value)[:60]!r}, code from elsewhere that is never run; "
                    "take it out of the file"
                )
                raise ValueError(msg)
        if part.get("transformers_weights") is not None:
            msg = (
                f"config.json of {name} names weights of its own (transformers_weights); rename the file to "
                "model.safetensors, and take the setting out"
            )
            raise ValueError(msg)
