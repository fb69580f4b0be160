from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


def save_portable(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, folder: str | Path) -> None:
    """Save a model folder that transformers 4.57 and 5 open alike.

    transformers 5 writes rotary settings and a tokenizer class that 4.57 does not read (a GPT-NeoX would load there
    silently wrong); both spellings are written. Weights are stored as float16 (half the size) and declared as float32.

    Parameters
    ----------
    model, tokenizer
        What to save.
    folder
        Where to; made if it is not there.
    """
    import torch
    from safetensors.torch import save_file

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(folder)
    path = folder / "tokenizer_config.json"
    config = json.loads(path.read_text())
    config = {k: v for k, v in config.items() if k != "backend"} | {"tokenizer_class": "PreTrainedTokenizerFast"}
    config["model_max_length"] = model.config.max_position_embeddings
    path.write_text(json.dumps(config, indent=2) + "\n")

    settings = model.config.to_diff_dict()
    rope = getattr(model.config, "rope_parameters", None) or {}
    if model.config.model_type == "gpt_neox":
        settings["rotary_pct"] = rope.get("partial_rotary_factor", getattr(model.config, "rotary_pct", 0.25))
        settings["rotary_emb_base"] = int(rope.get("rope_theta", getattr(model.config, "rotary_emb_base", 10000)))
    settings |= {"architectures": [type(model).__name__], "dtype": "float32"}
    settings["use_cache"] = True  # training switches it off
    (folder / "config.json").write_text(json.dumps(settings, indent=2, sort_keys=True) + "\n")

    tied = getattr(model.config, "tie_word_embeddings", False)
    untyped: Any = model
    head = untyped.get_output_embeddings()
    skip = {
        n for n, p in model.named_parameters(remove_duplicate=False) if tied and head is not None and p is head.weight
    }
    skip -= {n for n, p in model.named_parameters() if p is model.get_input_embeddings().weight}
    weights = {
        n: t.detach().to("cpu", torch.float16).contiguous() for n, t in model.state_dict().items() if n not in skip
    }
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)  # safetensors makes it readable for its owner alone
