from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pandas as pd
import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from tiny_models import CONFIGS, build_model, build_tokenizer
from transformers import AutoModelForCausalLM

from scc2s import models
from scc2s.train import lora, merge

if TYPE_CHECKING:
    from pathlib import Path

IDS = torch.arange(3, 43).reshape(2, 20)


def write_base(folder: Path, kind: str) -> Path:
    build_model(kind).save_pretrained(folder)
    build_tokenizer(bos=kind.startswith("gemma")).save_pretrained(folder)
    return folder


def write_adapter(base: Path, folder: Path, **changes) -> Path:
    """An adapter of PEFT alone, far from zero."""
    lm = AutoModelForCausalLM.from_pretrained(base)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        both = get_peft_model(lm, LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM", **changes))
        for name, parameter in both.named_parameters():
            if "lora_B" in name:
                parameter.data.normal_(std=0.2)
    both.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("kind", CONFIGS)
def test_merged_gives_what_base_and_adapter_give(kind: str, tmp_path: Path) -> None:
    base = write_base(tmp_path / "base", kind)
    adapter = write_adapter(base, tmp_path / "adapter")
    assert merge(base, adapter, tmp_path / "merged") == tmp_path / "merged"
    side = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), adapter).eval()
    whole = AutoModelForCausalLM.from_pretrained(tmp_path / "merged").eval()
    with torch.inference_mode():
        want, found = side(IDS).logits, whole(IDS).logits
        plain = AutoModelForCausalLM.from_pretrained(base).eval()(IDS).logits
    torch.testing.assert_close(found, want, rtol=0, atol=1e-5 * max(1.0, float(want.abs().max())))
    assert not torch.allclose(found, plain, atol=1e-2)
    assert models.load(tmp_path / "merged", device="cpu").family == "unknown"


def test_a_merged_model_says_what_it_is_and_the_base_stays(tmp_path: Path) -> None:
    base = write_base(tmp_path / "base", "llama")
    (base / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    samples = pd.DataFrame({"prompt": ["CD1 IL2"] * 8, "completion": " B cell", "task": "cell_type"})
    done = lora(base, samples, tmp_path / "out", batch_size=8, disable_tqdm=True)
    before = (base / "model.safetensors").read_bytes()
    folder = merge(base, done.folder, tmp_path / "merged", dtype="float16")
    assert (base / "model.safetensors").read_bytes() == before
    model = models.load(folder, device="cpu")
    assert (model.labels, model.tasks) == (["B cell"], ["cell_type"])
    card = (folder / "README.md").read_text()
    assert card.startswith("---\nlicense: apache-2.0\n")
    assert "## Data" in card or "### Data" in card
    assert json.loads((folder / "config.json").read_text())["model_type"] == "llama"


def test_a_base_in_memory_is_copied_and_compared(tmp_path: Path) -> None:
    lm, tokenizer = build_model("llama"), build_tokenizer(bos=False)
    samples = pd.DataFrame({"prompt": ["CD1 IL2"] * 8, "completion": " B cell", "task": "cell_type"})
    done = lora(lm, samples, tmp_path / "out", tokenizer=tokenizer, batch_size=8, disable_tqdm=True)
    before = lm.lm_head.weight.clone()
    merge(lm, done.folder, tmp_path / "merged", tokenizer=tokenizer)
    assert torch.equal(lm.lm_head.weight, before)
    with pytest.raises(ValueError, match="whose weights are not"):
        merge(build_model("llama", initializer_range=0.3), done.folder, tmp_path / "m", tokenizer=tokenizer)
    with pytest.raises(TypeError, match="pass tokenizer="):
        merge(lm, done.folder, tmp_path / "m")


def test_an_adapter_of_another_base_writes_nothing(tmp_path: Path) -> None:
    base, other = write_base(tmp_path / "base", "llama"), write_base(tmp_path / "other", "qwen2")
    adapter = write_adapter(base, tmp_path / "adapter")
    with pytest.raises(ValueError, match="is an adapter of"):
        merge(other, adapter, tmp_path / "merged")
    assert not (tmp_path / "merged").exists()
