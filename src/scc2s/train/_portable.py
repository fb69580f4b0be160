from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


def save_portable(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    folder: str | Path,
    *,
    dtype: Literal["float16", "bfloat16", "float32"] = "float16",
) -> None:
    """Save a model folder that transformers 4.57 and 5 open alike.

    transformers 5 writes rotary settings and a tokenizer class that 4.57 does not read (a GPT-NeoX would load there
    silently wrong); both spellings are written. Weights are declared as float32, whatever they are stored as.

    Parameters
    ----------
    model, tokenizer
        What to save.
    folder
        Where to; made if it is not there.
    dtype
        Number format that weights are stored in: ``"float16"`` takes half the space of ``"float32"``, which keeps every
        bit; ``"bfloat16"`` as float16, for weights of more than 65504.

    Raises
    ------
    ValueError
        Unknown `dtype`, or weights that it does not hold.
    """
    write_portable(model, tokenizer, folder, dtype=dtype)


def write_portable(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    folder: str | Path,
    *,
    dtype: Literal["float16", "bfloat16", "float32"] = "float16",
    weights: Mapping[str, torch.Tensor] | None = None,
) -> None:
    """As :func:`save_portable`, with `weights` in place of those of the model, which processes may hold in parts."""
    import torch
    from safetensors.torch import save_file

    from scc2s.models._torch._device import DTYPES
    from scc2s.models._torch._model import context

    if dtype not in DTYPES:
        msg = f"unknown dtype {dtype!r}; use one of {', '.join(map(repr, DTYPES))}"
        raise ValueError(msg)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(folder)
    path = folder / "tokenizer_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config = {k: v for k, v in config.items() if k != "backend"} | {"tokenizer_class": "PreTrainedTokenizerFast"}
    if isinstance(more := config.get("extra_special_tokens"), list):  # the name that transformers 4 reads
        config["additional_special_tokens"] = more
        del config["extra_special_tokens"]
    if (window := context(model, tokenizer)) is not None:
        config["model_max_length"] = window
    path.write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    text = model.config.get_text_config()
    settings = model.config.to_diff_dict() | old_rotary(model.config)
    settings |= {"architectures": [type(model).__name__], "dtype": "float32", "model_type": model.config.model_type}
    settings["tie_word_embeddings"] = tied = bool(getattr(text, "tie_word_embeddings", False))
    settings["use_cache"] = True  # training switches it off
    (folder / "config.json").write_text(json.dumps(settings, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    _write_ends(model, tokenizer, folder)

    untyped: Any = model
    head = untyped.get_output_embeddings()
    skip = {
        n for n, p in model.named_parameters(remove_duplicate=False) if tied and head is not None and p is head.weight
    }
    skip -= {n for n, p in model.named_parameters() if p is untyped.get_input_embeddings().weight}
    given = model.state_dict() if weights is None else weights
    found = {n: t.detach().to("cpu", DTYPES[dtype]).contiguous() for n, t in given.items() if n not in skip}
    if wrong := [n for n, t in found.items() if not torch.isfinite(t).all()]:
        msg = (
            f"{len(wrong)} weights are not finite as {dtype} ({', '.join(wrong[:3])}): training went astray (pass a "
            'smaller learning_rate=), or they are too large for it: pass dtype="float32"'
        )
        raise ValueError(msg)
    save_file(found, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)  # safetensors makes it readable for its owner alone


def old_rotary(config: Any) -> dict[str, Any]:
    """Rotary settings as transformers 4 spells them, where they are spelled as in transformers 5; else none."""
    said = getattr(config, "rope_parameters", None)
    if config.model_type == "gpt_neox":
        said = said or {}
        return {
            "rotary_pct": said.get("partial_rotary_factor", getattr(config, "rotary_pct", 0.25)),
            "rotary_emb_base": int(said.get("rope_theta", getattr(config, "rotary_emb_base", 10000))),
        }
    if not said:
        return {}
    by_kind = all(isinstance(part, dict) for part in said.values())
    whole = said.get("full_attention", {}) if by_kind else said
    out = {"rope_theta": whole["rope_theta"]} if "rope_theta" in whole else {}
    if by_kind and "rope_theta" in said.get("sliding_attention", {}):
        out["rope_local_base_freq"] = said["sliding_attention"]["rope_theta"]
    if "partial_rotary_factor" in whole:
        out["partial_rotary_factor"] = whole["partial_rotary_factor"]
    if whole.get("rope_type", "default") != "default":
        others = ("rope_theta", "partial_rotary_factor")
        out["rope_scaling"] = {name: value for name, value in whole.items() if name not in others}
    return out


def _write_ends(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Keep the other tokens that end an answer, as of models that talk; rules of writing are left out."""
    said: Any = getattr(model.generation_config, "eos_token_id", None)
    if said is not None and said not in (tokenizer.eos_token_id, [tokenizer.eos_token_id]):
        path = folder / "generation_config.json"
        path.write_text(json.dumps({"eos_token_id": said}, indent=2) + "\n", encoding="utf-8")
