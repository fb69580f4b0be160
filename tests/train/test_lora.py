from __future__ import annotations

import json
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.numpy import load_file
from tiny_gene_model import write_tiny_model
from tiny_models import CONFIGS, build_model, build_tokenizer

from scc2s import models
from scc2s.train import lora
from scc2s.train._loss import completion_loss, learn_completions

if TYPE_CHECKING:
    from pathlib import Path

GENES = [f"G{i}" for i in range(12)]
QUICK = {"batch_size": 8, "disable_tqdm": True, "logging_steps": 1, "learning_rate": 1e-2}


def table(n: int = 32) -> pd.DataFrame:
    rows = [(f"Genes: {GENES[i % 12]} {GENES[i % 7]} {i}\nType:", [" B cell", " T cell"][i % 2]) for i in range(n)]
    return pd.DataFrame(rows, columns=["prompt", "completion"]).assign(task="cell_type")


def weights(lm: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: weight.clone() for name, weight in lm.state_dict().items()}


def batch() -> dict[str, torch.Tensor]:
    ids = torch.arange(3, 43).reshape(2, 20)
    return {"input_ids": ids, "labels": torch.where(torch.arange(20) > 14, ids, -100)}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple:
    folder = tmp_path_factory.mktemp("lora")
    base = write_tiny_model(folder / "tiny", GENES, labels=["B cell", "T cell"])
    return base, lora(base, table(), folder / "out", rank=4, epochs=2, **QUICK)


@pytest.mark.parametrize("kind", CONFIGS)
def test_loss_through_an_adapter_is_that_of_transformers_and_trains_the_adapter_alone(kind: str) -> None:
    lm = build_model(kind)
    both = get_peft_model(lm, LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"))
    with torch.no_grad():
        for name, parameter in both.named_parameters():
            if "lora_B" in name:  # zeros at first, through which nothing flows to lora_A
                parameter.normal_(std=0.1)
    inputs = batch()
    want = both(**inputs, use_cache=False).loss
    want.backward()
    grads = {name: p.grad.clone() for name, p in both.named_parameters() if p.grad is not None}
    assert grads
    assert all("lora_" in name for name in grads)
    assert {name.split(".lora_")[0].rsplit(".", 1)[1] for name in grads} == {
        name.rsplit(".", 1)[1]
        for name, module in build_model(kind).named_modules()
        if isinstance(module, torch.nn.Linear) and name not in ("lm_head", "embed_out")
    }
    both.zero_grad()
    learn_completions(both.get_base_model())
    found = both(input_ids=inputs["input_ids"], completion_labels=inputs["labels"])
    torch.testing.assert_close(found, want)
    found.backward()
    for name, parameter in both.named_parameters():
        assert (parameter.grad is not None) == (name in grads), name
        if name in grads:
            torch.testing.assert_close(parameter.grad, grads[name], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(completion_loss(both, inputs), want)


def test_loss_is_that_of_trl(tmp_path: Path) -> None:
    from trl.trainer.utils import add_fused_lm_head

    lm = build_model("gemma2")
    inputs = batch()
    want = completion_loss(lm, inputs)
    add_fused_lm_head(lm)
    torch.testing.assert_close(lm(**inputs, fused_lm_head=True).loss, want)


def test_an_adapter_learns_and_its_folder_says_of_which_base_it_is(run: tuple) -> None:
    base, done = run
    losses = done.history["loss"]
    assert losses.iloc[-2:].mean() < 0.8 * losses.iloc[:2].mean()
    said = json.loads((done.folder / "scc2s_adapter.json").read_text())["base"]
    assert said["id"] == str(base)
    assert len(said["weights_hash"]) == len(said["fingerprint"]) == 64
    assert json.loads((done.folder / "adapter_config.json").read_text())["base_model_name_or_path"] == str(base)
    assert all(".lora_" in name for name in load_file(done.folder / "adapter_model.safetensors"))
    assert "parameters trained" in (done.folder / "README.md").read_text()


def test_a_finished_adapter_is_not_trained_again(run: tuple) -> None:
    base, done = run
    again = lora(base, table(), done.folder.parent, rank=4, epochs=2, **QUICK)
    assert again.metrics == done.metrics
    with pytest.raises(ValueError, match=r"another run \(adapter differ\)"):
        lora(base, table(), done.folder.parent, rank=2, epochs=2, **QUICK)


@pytest.mark.parametrize("kind", ["gpt_neox", "gemma2", "gpt2"])
def test_a_model_in_memory_is_the_same_afterwards(kind: str, tmp_path: Path) -> None:
    lm = build_model(kind)
    before, modules = weights(lm), [type(module) for module in lm.modules()]
    done = lora(lm, table(8), tmp_path / "out", tokenizer=build_tokenizer(bos=False), **QUICK)
    assert [type(module) for module in lm.modules()] == modules
    assert all(torch.equal(weight, before[name]) for name, weight in lm.state_dict().items())
    assert all(parameter.requires_grad for parameter in lm.parameters())
    assert "forward" not in lm.__dict__
    assert "random when training began" in (done.folder / "README.md").read_text()


def test_an_adapter_for_random_weights_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lora(build_model("llama"), table(8), tmp_path / "out", tokenizer=build_tokenizer(bos=False), **QUICK)
    assert "use sft for it" in caplog.text


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"rank": 0}, "rank=0"),
        ({"alpha": 0}, "alpha=0"),
        ({"dropout": 1}, "dropout=1"),
        ({"target_modules": []}, "names no layer"),
        ({"target_modules": ["nowhere"]}, 'target_modules="auto"'),
        ({"quantization": "3bit"}, "unknown quantization"),
    ],
)
def test_what_no_adapter_can_be_is_named(run: tuple, tmp_path: Path, given: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        lora(run[0], table(8), tmp_path / "out", **QUICK, **given)


def test_weights_in_memory_cannot_be_quantised(run: tuple, tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes")
    with pytest.raises(ValueError, match="pass the folder or hub id"):
        lora(models.load(run[0], device="cpu"), table(8), tmp_path / "out", quantization="4bit")


@pytest.mark.slow
@pytest.mark.skipif(find_spec("bitsandbytes") is None, reason="needs bitsandbytes")
def test_an_adapter_is_trained_beside_4bit_weights_and_joins_the_whole_ones(tmp_path: Path) -> None:
    base = write_tiny_model(tmp_path / "tiny", GENES, labels=["B cell", "T cell"], width=64)
    done = lora(base, table(), tmp_path / "out", quantization="4bit", epochs=3, **QUICK)
    assert done.history["loss"].iloc[-1] < done.history["loss"].iloc[0]
    model = models.load(base, adapter=done.folder, device="cpu", dtype="float32")
    plain = models.load(base, device="cpu", dtype="float32")
    asked = table(4)["prompt"].tolist()
    assert not np.allclose(model.embed(asked), plain.embed(asked), atol=1e-3)


@pytest.mark.slow
def test_on_real_cells_an_adapter_of_the_mini_model_answers_in_annotate(shared_data: Path, tmp_path: Path) -> None:
    import anndata as ad

    import scc2s

    adata = ad.read_h5ad(shared_data / "pbmc3k.h5ad")
    adata = adata[adata.obs["cell_type"].notna()][:40].copy()
    samples = scc2s.pp.samples(adata[:32], "cell_type", n_genes=60, organism="Homo sapiens")
    held = scc2s.pp.samples(adata[32:], "cell_type", n_genes=60, organism="Homo sapiens")
    done = lora("scc2s-mini", samples, tmp_path / "out", validation=held, batch_size=8, disable_tqdm=True)
    assert done.metrics["eval_loss_cell_type"] < 3
    model = models.load("scc2s-mini", adapter=done.folder, device="cpu", dtype="float32")
    assert model.labels is not None
    assert set(model.labels) == set(samples["completion"].str.strip())
    assert "IFN-beta" in (model.taught.perturbations or {})
    scc2s.pp.sentences(adata, n_genes=60)
    scc2s.tl.annotate(adata, model=model, organism="Homo sapiens")
    assert set(adata.obs["c2s_cell_type"]) <= set(model.labels)
    adata.write_h5ad(tmp_path / "a.h5ad")
    said = ad.read_h5ad(tmp_path / "a.h5ad").uns["c2s"]
    assert str(done.folder) in str(said)
    card = (done.folder / "README.md").read_text()
    assert card.startswith('---\nlicense: "BSD-3-Clause, as this package"')
