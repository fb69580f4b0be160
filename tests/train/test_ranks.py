"""Training in two processes, on this machine's CPU by gloo: the same as in one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rank_runs
from datasets import Dataset
from safetensors.numpy import load_file

import scc2s
from scc2s.train._ranks import filled

SAMPLES = {p + c for p, c in rank_runs.samples()[["prompt", "completion"]].itertuples(index=False)}
TESTS = Path(rank_runs.__file__).parent


def launch(folder: Path, runs: str) -> subprocess.CompletedProcess[str]:
    """Two processes, as users start them."""
    paths = [str(TESTS), str(Path(scc2s.__file__).parents[1])]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*torchrun, str(TESTS / "rank_runs.py"), str(folder), *runs.split()]
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=1500, check=False)


def log(folder: Path) -> list[dict[str, float]]:
    """Steps of a run, as its last checkpoint tells them."""
    last = max(folder.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    found = json.loads((last / "trainer_state.json").read_text())["log_history"]
    return [row for row in found if "loss" in row]


def noted(folder: Path, rank: int) -> dict[str, Any]:
    return json.loads((folder / f"shown-{rank}.json").read_text())


def agree(a: Path, b: Path, *, by: float = 1e-5) -> None:
    """Losses, learning rates and final weights are the same."""
    assert [row["step"] for row in log(a)] == [row["step"] for row in log(b)]
    for name in ("loss", "learning_rate", "grad_norm"):
        np.testing.assert_allclose([r[name] for r in log(a)], [r[name] for r in log(b)], rtol=by, err_msg=name)
    for rank in (0, 1):
        if not (b / f"weights-{rank}.safetensors").exists():
            continue
        there = load_file(b / f"weights-{rank}.safetensors")
        for name, weights in load_file(a / "weights-0.safetensors").items():
            np.testing.assert_allclose(
                _learned(name, there[name]), _learned(name, weights), atol=by, rtol=0, err_msg=f"{name}, rank {rank}"
            )


def _learned(name: str, weights: np.ndarray) -> np.ndarray:
    """Without the biases of keys: they change no attention, so their gradient is rounding, which Adam blows up."""
    return weights.reshape(2, 3, -1)[:, [0, 2]] if name.endswith("query_key_value.bias") else weights


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of one process with batches of 8, with Adam and with a scheme that sees the size of a gradient."""
    out = tmp_path_factory.mktemp("ranks")
    rank_runs.write_model(out)
    rank_runs.run(out, "one-sgd", batch_size=8, optim="sgd", learning_rate=0.1)
    rank_runs.run(out, "one", batch_size=8)
    return out


@pytest.fixture(scope="module")
def folder(alone: Path) -> Path:
    """And of two with batches of 4."""
    done = launch(alone, "two-sgd batch_size=4 optim=sgd learning_rate=0.1 -- two batch_size=4")
    assert done.returncode == 0, done.stderr[-3000:]
    return alone


@pytest.mark.slow
def test_batches_that_are_added_up_do_the_steps_of_one(alone: Path) -> None:
    rank_runs.run(alone, "added", batch_size=4, gradient_accumulation_steps=2)
    agree(alone / "one", alone / "added")


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["", "-sgd"])
def test_two_processes_do_the_steps_of_one(folder: Path, scheme: str) -> None:
    agree(folder / f"one{scheme}", folder / f"two{scheme}")


@pytest.mark.slow
def test_each_sample_is_shown_to_one_rank_once_an_epoch(folder: Path) -> None:
    ranks = [noted(folder / "two", rank)["shown"] for rank in (0, 1)]
    n_steps = len(ranks[0]) // 2
    for epoch in (slice(None, n_steps), slice(n_steps, None)):
        counts = Counter(text for rank in ranks for batch in rank[epoch] for text in batch)
        assert set(counts) == SAMPLES
        assert set(counts.values()) == {1}
    one = noted(folder / "one", 0)["shown"]
    assert [sorted(a + b) for a, b in zip(*ranks, strict=True)] == [sorted(batch) for batch in one]


@pytest.mark.slow
def test_one_rank_writes_checkpoints(folder: Path) -> None:
    assert [noted(folder / "two", rank)["written"] for rank in (0, 1)] == [[4, 8, 12, 14], []]
    assert {path.name for path in (folder / "two" / "checkpoint-14").glob("rng*")} == {
        "rng_state_0.pth",
        "rng_state_1.pth",
    }


@pytest.mark.slow
def test_a_run_whose_rank_is_killed_goes_on_to_the_same_end(folder: Path) -> None:
    killed = launch(folder, "killed batch_size=4 die=1:6")
    assert killed.returncode != 0
    assert [path.name for path in (folder / "killed").glob("checkpoint-*")] == ["checkpoint-4"]
    shutil.copytree(folder / "killed", folder / "alone")
    done = launch(folder, "killed batch_size=4")
    assert done.returncode == 0, done.stderr[-3000:]
    agree(folder / "two", folder / "killed")
    assert len(noted(folder / "killed", 1)["shown"]) == 10  # steps 5 to 14

    rank_runs.run(folder, "alone", batch_size=8)  # and one process goes on from what two began
    agree(folder / "two", folder / "alone")


@pytest.fixture(scope="module")
def parts(alone: Path) -> Path:
    """Runs of two processes that hold the weights in parts (FSDP2)."""
    rank_runs.run(alone, "adapter-one", batch_size=8, rank=2, max_steps=6)
    done = launch(
        alone, "parts batch_size=4 shards=1 max_steps=14 -- adapter-parts batch_size=4 shards=1 rank=2 max_steps=6"
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return alone


def same_folder(a: Path, b: Path) -> None:
    want, found = load_file(a), load_file(b)
    assert set(want) == set(found)
    for name, weights in want.items():
        np.testing.assert_allclose(
            _learned(name, found[name]), _learned(name, weights), atol=1e-5, rtol=0, err_msg=name
        )


@pytest.mark.slow
def test_weights_that_are_held_in_parts_are_whole_in_the_finished_model(parts: Path) -> None:
    ours = load_file(parts / "parts" / "weights-0.safetensors")["gpt_neox.embed_in.weight"]
    whole = load_file(parts / "parts" / "model" / "model.safetensors")["gpt_neox.embed_in.weight"]
    assert len(ours) == len(whole) // 2  # it was shared out
    same_folder(parts / "one" / "model" / "model.safetensors", parts / "parts" / "model" / "model.safetensors")
    prompt = ["Genes: G1 G2\nCell type:"]
    scores = [
        scc2s.models.load(parts / name / "model").score(prompt, rank_runs.LABELS).logprob for name in ("one", "parts")
    ]
    np.testing.assert_allclose(scores[1], scores[0], atol=1e-4)


@pytest.mark.slow
def test_an_adapter_is_whole_beside_weights_in_parts(parts: Path) -> None:
    file = "adapter_model.safetensors"
    same_folder(parts / "adapter-one" / "adapter" / file, parts / "adapter-parts" / "adapter" / file)
    base = [
        json.loads((parts / f"adapter-{n}" / "adapter" / "scc2s_adapter.json").read_text()) for n in ("one", "parts")
    ]
    assert base[0] == base[1]


@pytest.mark.slow
def test_a_run_in_parts_goes_on_from_its_last_checkpoint(parts: Path) -> None:
    shutil.copytree(parts / "parts", parts / "stopped", ignore=shutil.ignore_patterns("model", "checkpoint-14"))
    done = launch(parts, "stopped batch_size=4 shards=1 max_steps=14")
    assert done.returncode == 0, done.stderr[-3000:]
    assert len(noted(parts / "stopped", 1)["shown"]) == 2  # steps 13 and 14
    folders = [parts / name / "model" / "model.safetensors" for name in ("parts", "stopped")]
    same_folder(*folders)


def test_rows_that_make_batches_even_have_no_label() -> None:
    table = Dataset.from_dict({"input_ids": [[5, 6, 7]] * 5, "labels": [[-100, 6, 7]] * 5})
    even = filled(table, 4, token=1)
    assert len(even) == 8
    assert even[:5] == table[:5]
    assert even[5:]["labels"] == [[-100, -100]] * 3
    assert filled(even, 4, token=1) is even
