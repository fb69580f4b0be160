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


def test_rows_that_make_batches_even_have_no_label() -> None:
    table = Dataset.from_dict({"input_ids": [[5, 6, 7]] * 5, "labels": [[-100, 6, 7]] * 5})
    even = filled(table, 4, token=1)
    assert len(even) == 8
    assert even[:5] == table[:5]
    assert even[5:]["labels"] == [[-100, -100]] * 3
    assert filled(even, 4, token=1) is even
