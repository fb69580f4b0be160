"""Hundreds of damaged model folders: each loads to the same numbers, or is refused in words of scc2s."""

from __future__ import annotations

import json
import random
import shutil
import traceback

import numpy as np
import pytest
from tiny_models import prompts

from scc2s import models

KINDS = ("gpt_neox", "gemma2", "llama")
PROMPTS = prompts(2, 1)
WRONG = [None, "abc", -1, -1e9, 10**12, 10**400, 1e300, [], {}, [1], True, 0, "", float("nan")]
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 123456\n"
LEADS_OUT = ("../out.safetensors", "sub/../../out.safetensors", "/ABSOLUTE", "model.bin", "lost.safetensors", 5, None)


def answers_of(folder):
    model = models.load(folder, device="cpu", dtype="float32")
    numbers = np.hstack([model.embed(PROMPTS), model.score(PROMPTS, [" B cell", " T cell"]).logprob])
    return numbers, model.generate(PROMPTS, max_new_tokens=2)


@pytest.fixture(scope="module")
def whole(model_folder):
    """Folders, and what their models answer; one of them in parts."""
    from transformers import AutoModelForCausalLM

    found = {kind: (model_folder(kind), answers_of(model_folder(kind))) for kind in KINDS}
    parted = shutil.copytree(model_folder("llama"), model_folder("llama").parent / "parted")
    (parted / "model.safetensors").unlink()
    AutoModelForCausalLM.from_pretrained(model_folder("llama")).save_pretrained(parted, max_shard_size="100KB")
    assert len(list(parted.glob("*.safetensors"))) > 1
    return found | {"parted": (parted, found["llama"][1])}


def cut(rng, folder, path):
    content = path.read_bytes()
    path.write_bytes(content[: rng.randrange(len(content))])


def change_a_bit_of_the_header(rng, folder, path):
    path = rng.choice(sorted(folder.glob("*.safetensors")))
    content = bytearray(path.read_bytes())
    content[rng.randrange(8 + int.from_bytes(content[:8], "little"))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)


def change_a_setting(rng, folder, path):
    names = [path.name for path in folder.glob("*.json") if path.name != "tokenizer.json" and path.stat().st_size > 5]
    path = folder / rng.choice(sorted(names))
    settings = said = json.loads(path.read_text())
    key = rng.choice(sorted(said))
    if isinstance(said[key], dict) and said[key] and rng.random() < 0.7:
        said = said[key]
        key = rng.choice(sorted(said))
    said[key] = rng.choice(WRONG)
    path.write_text(json.dumps(settings))


def remove(rng, folder, path):
    path.unlink()


def leave_a_pointer(rng, folder, path):
    path.write_bytes(POINTER)


def put_a_folder_there(rng, folder, path):
    path.unlink()
    path.mkdir()


def link_outside(rng, folder, path):
    path.rename(folder.parent / path.name)
    path.symlink_to(folder.parent / path.name)


def link_nowhere(rng, folder, path):
    path.unlink()
    path.symlink_to(folder / "nowhere")


def write_noise(rng, folder, path):
    path.write_bytes(rng.randbytes(rng.randrange(300)))


def write_other_json(rng, folder, path):
    path = rng.choice(sorted(folder.glob("*.json")))
    path.write_text(rng.choice(["{}", "[]", "null", "5", '"text"', "{", "[" * 100_000, '{"a": 1}']))


def name_a_file_outside(rng, folder, path):
    parts = sorted(folder.glob("*.safetensors"))
    where = rng.choice(LEADS_OUT)
    where = str(folder.parent / "out.safetensors") if where == "/ABSOLUTE" else where
    (folder / "sub").mkdir()
    shutil.copy(parts[0], folder.parent / "out.safetensors")
    shutil.copy(parts[0], folder / "model.bin")
    index = folder / "model.safetensors.index.json"
    if not index.exists():
        content = parts[0].read_bytes()
        names = set(json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])) - {"__metadata__"}
        index.write_text(json.dumps({"metadata": {}, "weight_map": dict.fromkeys(sorted(names), where)}))
        parts[0].unlink()
        return
    said = json.loads(index.read_text())
    said["weight_map"][rng.choice(sorted(said["weight_map"]))] = where
    index.write_text(json.dumps(said))


DAMAGES = (
    *(cut, change_a_bit_of_the_header, change_a_setting, change_a_setting, change_a_setting, remove, leave_a_pointer),
    *(put_a_folder_there, link_outside, link_nowhere, write_noise, write_other_json, name_a_file_outside),
)


@pytest.mark.parametrize("seed", range(10))
def test_a_damaged_folder_gives_the_same_numbers_or_is_refused_in_our_words(whole, tmp_path, seed):
    rng = random.Random(seed)
    refused = 0
    for attempt in range(30):
        kind = rng.choice(sorted(whole))
        folder = shutil.copytree(whole[kind][0], tmp_path / str(attempt) / "model")
        damage = rng.choice(DAMAGES)
        path = rng.choice(sorted(path for path in folder.iterdir() if path.is_file()))
        damage(rng, folder, path)
        told = (kind, damage.__name__, path.name, seed, attempt)
        try:
            numbers, texts = answers_of(folder)
        except (ValueError, OSError) as error:
            last = traceback.extract_tb(error.__traceback__)[-1].filename
            assert "/scc2s/" in last, (told, last, error)
            assert type(error).__module__ == "builtins", (told, error)
            assert len(str(error)) > 40, told
            refused += 1
        else:
            np.testing.assert_allclose(numbers, whole[kind][1][0], atol=1e-5, err_msg=str(told))
            assert texts == whole[kind][1][1], told
    assert refused > 10


def test_any_changed_bit_of_the_weights_changes_their_hash(model_folder, tmp_path):
    from scc2s.models._weights import weights_hash

    folder = shutil.copytree(model_folder("llama"), tmp_path / "model")
    path = folder / "model.safetensors"
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    rng = random.Random(0)
    seen = {weights_hash(folder)}
    for _ in range(20):
        spoilt = bytearray(content)
        spoilt[rng.randrange(start, len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(spoilt)
        seen.add(weights_hash(folder))
    assert len(seen) == 21
