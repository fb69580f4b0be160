from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from tiny_models import GENES, build_model, build_tokenizer

from scc2s import models
from scc2s.models._torch._fingerprint import fingerprint_of_folder

peft = pytest.importorskip("peft")

if TYPE_CHECKING:
    from pathlib import Path

PROMPTS = ["Genes: CD1 CD2 IL3. The cell type is", "Genes: RPL4. The cell type is"]
CHOICES = [" B cell", " CD4 T cell", " natural killer cell"]


def write_adapter(base: Path, folder: Path) -> Path:
    from transformers import AutoModelForCausalLM

    lm = AutoModelForCausalLM.from_pretrained(base)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        config = peft.LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM")
        both = peft.get_peft_model(lm, config)
        for name, parameter in both.named_parameters():
            if "lora_B" in name:
                parameter.data.normal_(std=0.2)
    both.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A base, and an adapter that says whose it is by hashes."""
    folder = tmp_path_factory.mktemp("pair")
    base = folder / "base"
    build_model("gpt_neox").save_pretrained(base)
    build_tokenizer(bos=False).save_pretrained(base)
    adapter = write_adapter(base, folder / "adapter")
    about = {"id": str(base), "weights_hash": None, "fingerprint": fingerprint_of_folder(base)}
    (adapter / "scc2s_adapter.json").write_text(json.dumps({"base": about}))
    (adapter / "scc2s.json").write_text(json.dumps({"family": "scc2s", "tasks": ["cell_type"], "labels": ["B cell"]}))
    return base, adapter


@pytest.fixture
def copied(pair: tuple[Path, Path], tmp_path: Path) -> tuple[Path, Path]:
    return pair[0], shutil.copytree(pair[1], tmp_path / "adapter")


def side_by_side(base: Path, adapter: Path):
    """The same model with PEFT's layers left in, which all that is of scc2s knows nothing of."""
    from transformers import AutoModelForCausalLM

    lm = peft.PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), adapter)
    return lm.eval()


def test_all_that_a_model_can_do_is_done_with_the_adapter(pair: tuple[Path, Path]) -> None:
    base, adapter = pair
    model = models.load(base, adapter=adapter, device="cpu", dtype="float32")
    want = side_by_side(base, adapter)
    tokenizer = model.tokenizer
    with torch.no_grad():
        for row, prompt in enumerate(PROMPTS):
            ids = torch.tensor([tokenizer(prompt)["input_ids"]])
            states = want(ids, output_hidden_states=True).hidden_states[-1][0]
            np.testing.assert_allclose(model.embed(PROMPTS)[row], states.mean(0), atol=1e-4)
            for column, choice in enumerate(CHOICES):
                whole = [*tokenizer(prompt + choice)["input_ids"], tokenizer.eos_token_id]
                logp = want(torch.tensor([whole])).logits[0].log_softmax(-1)
                total = sum(float(logp[at - 1, whole[at]]) for at in range(ids.shape[1], len(whole)))
                assert model.score(PROMPTS, CHOICES).logprob[row, column] == pytest.approx(total, abs=1e-3)
            new = want.generate(ids, max_new_tokens=8, do_sample=False, pad_token_id=1)[0, ids.shape[1] :]
            assert model.generate(PROMPTS, max_new_tokens=8)[row] == tokenizer.decode(new, skip_special_tokens=True)
    held = model.generate(PROMPTS, genes=models.GeneVocabulary(GENES[:40], 5))
    assert all(len(set(text.split())) == 5 and set(text.split()) <= set(GENES[:40]) for text in held)


def test_records_and_caches_tell_the_adapter_from_the_base(pair: tuple[Path, Path]) -> None:
    base, adapter = pair
    plain, joined = (models.load(base, device="cpu", adapter=one) for one in (None, adapter))
    assert joined is not plain
    assert models.load(base, device="cpu", adapter=adapter) is joined
    assert joined.info()["adapter"] == str(adapter)
    assert "adapter" not in plain.info()
    assert joined.id == f"{base} with {adapter}"
    assert joined.info()["weights_hash"] not in (None, plain.info()["weights_hash"])
    assert (joined.family, joined.tasks, joined.labels) == ("scc2s", ["cell_type"], ["B cell"])


def test_the_same_adapter_elsewhere_gives_the_same_answers_in_a_cache(copied: tuple[Path, Path], pair: tuple) -> None:
    from scc2s.models._kept import _common

    first, second = (models.load(pair[0], device="cpu", adapter=one) for one in (pair[1], copied[1]))
    assert first is not second
    assert _common(first, first.info(), {}) == _common(second, second.info(), {})


def test_the_same_base_saved_in_another_way_is_known(pair: tuple[Path, Path], tmp_path: Path) -> None:
    from scc2s.train import save_portable

    save_portable(build_model("gpt_neox"), build_tokenizer(bos=False), tmp_path, dtype="float32")
    models.load(tmp_path, adapter=pair[1], device="cpu")


def test_an_adapter_of_another_base_is_refused(pair: tuple[Path, Path], tmp_path: Path) -> None:
    build_model("gpt_neox", initializer_range=0.3).save_pretrained(tmp_path)
    build_tokenizer(bos=False).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=rf"is an adapter of {pair[0]}, and {tmp_path} has other weights"):
        models.load(tmp_path, adapter=pair[1])


def test_an_adapter_of_peft_alone_goes_by_the_name_of_its_base(copied: tuple[Path, Path]) -> None:
    base, adapter = copied
    (adapter / "scc2s_adapter.json").unlink()
    models.load(base, adapter=adapter, device="cpu")
    path = adapter / "adapter_config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | {"base_model_name_or_path": "lab/other"}))
    with pytest.raises(ValueError, match="is an adapter of lab/other"):
        models.load(base, adapter=adapter, device="cpu")
    path.write_text(json.dumps(config | {"base_model_name_or_path": None}))
    with pytest.raises(ValueError, match="does not say of which base it is"):
        models.load(base, adapter=adapter, device="cpu")


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.parametrize(
    ("name", "damage", "kind", "said"),
    [
        ("adapter_model.safetensors", _cut, ValueError, "is damaged"),
        ("adapter_model.safetensors", lambda path: path.write_bytes(b""), ValueError, "is empty"),
        ("adapter_model.safetensors", lambda path: path.unlink(), FileNotFoundError, "has no adapter_model"),
        ("adapter_config.json", lambda path: path.unlink(), FileNotFoundError, "not a LoRA adapter"),
        ("adapter_config.json", lambda path: path.write_text("{"), ValueError, "not JSON"),
        ("adapter_config.json", lambda path: path.write_text('{"peft_type": "IA3"}'), ValueError, "'IA3' adapter"),
    ],
)
def test_a_damaged_adapter_is_named(
    copied: tuple[Path, Path], name: str, damage: object, kind: type[Exception], said: str
) -> None:
    damage(copied[1] / name)
    with pytest.raises(kind, match=said):
        models.load(copied[0], adapter=copied[1], device="cpu")


def test_layers_that_the_base_lacks_are_named(copied: tuple[Path, Path], tmp_path: Path) -> None:
    base, adapter = copied
    (adapter / "scc2s_adapter.json").unlink()
    other = tmp_path / "base"  # of the same name
    build_model("llama").save_pretrained(other)
    build_tokenizer(bos=False).save_pretrained(other)
    with pytest.raises(ValueError, match="a layer that LlamaForCausalLM does not have"):
        models.load(other, adapter=adapter, device="cpu")


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        ({"backend": "onnx"}, ValueError, "scc2s.train.merge.*export"),
        ({"backend": "server"}, ValueError, "scc2s.train.merge.*server take the adapter"),
        ({"quantization": "4bit"}, ValueError, "scc2s.train.merge"),
        ({"adapter": "lab/adapter"}, FileNotFoundError, "hf download lab/adapter"),
        ({"adapter": 3}, TypeError, "is no path"),
    ],
)
def test_where_nothing_can_be_joined_the_call_says_what_to_do(
    pair: tuple[Path, Path], given: dict, kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind, match=said):
        models.load(pair[0], **({"adapter": pair[1]} | given))


def test_an_object_is_used_as_it_is(pair: tuple[Path, Path]) -> None:
    with pytest.raises(ValueError, match="belong to a name"):
        models.load(models.CallableModel(generate=list), adapter=pair[1])
    with pytest.raises(ValueError, match=r"PEFT adapter.*adapter="):
        models.load(pair[1])
