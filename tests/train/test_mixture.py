"""Samples that are drawn afresh for each step: shares, batches of like length, the same after a stop."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import load_file
from tiny_gene_model import write_tiny_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from scc2s import models
from scc2s.train import Mixture, Source, lora, sft
from scc2s.train._loss import completion_loss

if TYPE_CHECKING:
    from pathlib import Path

GENES = [f"G{i}" for i in range(12)]
KINDS = {"B cell": GENES[:6], "T cell": GENES[6:]}


def typed(n: int, rng: np.random.Generator) -> pd.DataFrame:
    kinds = rng.choice(list(KINDS), n).tolist()
    texts = [" ".join(rng.permutation(KINDS[kind])[: rng.integers(2, 7)]) for kind in kinds]
    return pd.DataFrame(
        {"prompt": [f"Genes: {text}\nCell type:" for text in texts], "completion": [f" {k}" for k in kinds]}
    )


def written(n: int, rng: np.random.Generator) -> pd.DataFrame:
    kinds = rng.choice(list(KINDS), n).tolist()
    return pd.DataFrame(
        {
            "prompt": [f"Cell type: {kind}\nGenes:" for kind in kinds],
            "completion": [" " + " ".join(rng.permutation(KINDS[kind])[:4]) for kind in kinds],
        }
    )


def mixture(seed: int = 0, **of_typed: Any) -> Mixture:
    sources = {
        "cell_type": Source(typed, 3, batch_size=6, **{"pool": 3} | of_typed),
        "generate": Source(written, 1, batch_size=4),
    }
    return Mixture(sources, seed=seed)


@pytest.fixture
def tiny(tmp_path: Path) -> tuple:
    folder = write_tiny_model(tmp_path / "tiny", GENES, labels=list(KINDS))
    return AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)


def test_steps_are_shared_out_as_asked_and_each_is_of_one_task() -> None:
    found = mixture()
    names = []
    for step in range(600):
        table = found.batch(step)
        assert table.columns.tolist() == ["prompt", "completion", "task"]
        (task,) = table["task"].unique()
        assert len(table) == {"cell_type": 6, "generate": 4}[task]
        names.append(task)
    assert found.shares == {"cell_type": 0.75, "generate": 0.25}
    assert 0.68 < names.count("cell_type") / 600 < 0.82  # 3 standard errors of 240 draws


def test_a_step_does_not_depend_on_what_was_asked_before() -> None:
    forward = [mixture().batch(step) for step in (0, 7, 1500)]
    one = mixture()
    for step, want in zip((1500, 7, 0), forward[::-1], strict=True):
        pd.testing.assert_frame_equal(one.batch(step), want)
    assert not mixture(seed=1).batch(7).equals(forward[1])
    # nothing is seen twice but by chance
    shown = pd.concat([one.batch(step) for step in range(40)])
    assert shown["prompt"].nunique() > 0.6 * len(shown)


def test_batches_of_a_pool_hold_samples_of_like_length() -> None:
    def spread(pool: int) -> float:
        found = Mixture({"cell_type": Source(typed, batch_size=6, pool=pool)})
        lengths = [found.batch(step)["prompt"].str.count(" ") for step in range(60)]
        return float(np.mean([own.max() - own.mean() for own in lengths]))

    assert spread(4) < spread(1) / 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"draw": "cells"}, "draw is a str, which cannot be called"),
        ({"loss": 1.0}, "loss is a float"),
        ({"share": 0}, "share=0 is not a number above 0"),
        ({"share": float("nan")}, "share=nan"),
        ({"batch_size": 0}, "pass batch_size= one"),
        ({"pool": 1.5}, "pool=1.5 is not a whole number"),
    ],
)
def test_a_source_that_cannot_be_is_refused(arguments: dict, said: str) -> None:
    with pytest.raises((TypeError, ValueError), match=said):
        Source(**{"draw": typed} | arguments)


def test_a_mixture_without_sources_or_samples_is_refused() -> None:
    with pytest.raises(ValueError, match="there are no sources"):
        Mixture({})
    with pytest.raises(TypeError, match="sources are given by name"):
        Mixture({"cell_type": typed})  # type: ignore[dict-item]
    for draw, said in (
        (lambda n, rng: typed(n, rng).head(0), "no samples"),
        (
            lambda n, rng: typed(n, rng).drop(columns="completion"),
            r"'cell_type' draws lack the columns \['completion'\]",
        ),
        (lambda n, rng: typed(n, rng).assign(completion=" "), "have no completion"),
        (lambda n, rng: typed(n, rng).to_dict(), "are a dict, not a DataFrame"),
    ):
        with pytest.raises((TypeError, ValueError), match=said):
            Mixture({"cell_type": Source(draw)}).batch(0)
    with pytest.raises(ValueError, match="drew 2 samples for 3 batches"):
        Mixture({"x": Source(lambda n, rng: typed(2, rng), pool=3)}).batch(0)


def run(tiny: tuple, out: Path, what: Mixture, steps: int, **arguments: Any) -> Any:
    return sft(tiny[0], what, out, tokenizer=tiny[1], max_steps=steps, disable_tqdm=True, **arguments)


def test_a_mixture_has_no_end_of_its_own(tiny: tuple, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="pass max_steps="):
        sft(tiny[0], mixture(), tmp_path / "out", tokenizer=tiny[1])
    held = mixture().preview().head(3)
    with pytest.raises(ValueError, match="samples of the validation are trained with"):
        run(tiny, tmp_path / "out", mixture(), 3, validation=held)
    with pytest.raises(ValueError, match="too long"):
        run(tiny, tmp_path / "out", mixture(), 3, max_length=4)
    assert not (tmp_path / "out").exists()


def test_a_run_logs_the_loss_of_each_task_and_says_what_it_was_taught(tiny: tuple, tmp_path: Path) -> None:
    done = run(tiny, tmp_path / "out", mixture(), 12, logging_steps=6, learning_rate=1e-2)
    assert {"loss", "loss_cell_type", "loss_generate"} <= set(done.history)
    assert done.metrics["step"] == 12
    n = sum(len(mixture().batch(step)) for step in range(12))
    assert done.metrics["useful_tokens"] >= 2 * n  # at least a word and the end
    loaded = models.load(done.folder)
    assert loaded.tasks == ["cell_type", "generate"]
    assert set(loaded.labels) == set(KINDS)
    assert "| cell_type | 75.0% | 6 | of completions | none |" in (done.folder / "README.md").read_text()
    again = run(tiny, tmp_path / "out", mixture(), 12, logging_steps=6, learning_rate=1e-2)
    pd.testing.assert_frame_equal(again.history, done.history)


def test_the_loss_is_that_of_the_batches(tiny: tuple, tmp_path: Path) -> None:
    model, tokenizer = tiny
    from scc2s.train._steps import Steps

    steps = Steps(mixture(), tokenizer, 2, world=1, max_length=None, window=None)
    with torch.no_grad():
        want = [float(completion_loss(model.eval(), {k: steps[i][k] for k in ("input_ids", "labels")})) for i in (0, 1)]
    # a rate of nearly nothing, so that the weights stay
    done = run(tiny, tmp_path / "out", mixture(), 2, logging_steps=1, learning_rate=1e-12)
    np.testing.assert_allclose(done.history["loss"], want, rtol=1e-4)


def test_processes_share_a_batch_out_and_none_is_left_without(tiny: tuple) -> None:
    from scc2s.train._steps import Steps

    whole = Steps(mixture(), tiny[1], 5, world=1, max_length=None, window=None)
    parts = Steps(mixture(), tiny[1], 5, world=8, max_length=None, window=None)
    assert (len(whole), len(parts)) == (5, 40)

    def rows(item: dict[str, Any]) -> list[list[int]]:
        pairs = zip(item["input_ids"], item["attention_mask"], item["labels"], strict=True)
        return sorted(ids[mask == 1].tolist() for ids, mask, labels in pairs if (labels != -100).any())

    for step in range(5):
        assert sorted(sum((rows(parts[step * 8 + rank]) for rank in range(8)), [])) == rows(whole[step])


class Said:
    """A loss of one's own, which keeps what it was given."""

    def __init__(self) -> None:
        self.seeds: list[int] = []

    def __call__(self, model: Any, inputs: dict[str, torch.Tensor], generator: torch.Generator) -> torch.Tensor:
        self.seeds.append(int(torch.randint(2**31, (1,), generator=generator)))
        return 2 * completion_loss(model, inputs)


@pytest.mark.slow
def test_a_source_may_have_a_loss_of_its_own(tiny: tuple, tmp_path: Path) -> None:
    said = Said()
    one = Mixture({"cell_type": Source(typed, batch_size=4, loss=said)})
    plain = Mixture({"cell_type": Source(typed, batch_size=4)})
    twice = run(tiny, tmp_path / "twice", one, 3, logging_steps=1, learning_rate=1e-12)
    once = run(tiny, tmp_path / "once", plain, 3, logging_steps=1, learning_rate=1e-12)
    np.testing.assert_allclose(twice.history["loss"], 2 * once.history["loss"], rtol=1e-5)
    assert len(set(said.seeds)) == 3
    both = run(tiny, tmp_path / "both", one, 3, gradient_accumulation_steps=2, logging_steps=1, learning_rate=1e-12)
    assert both.history["loss"].between(0.5 * twice.history["loss"].min(), 2 * twice.history["loss"].max()).all()


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 1])
def test_a_run_that_was_stopped_goes_on_with_the_same_batches(tiny: tuple, tmp_path: Path, workers: int) -> None:
    how = {"save_steps": 5, "logging_steps": 1, "learning_rate": 1e-2, "dataloader_num_workers": workers}
    how |= {"lr_scheduler_type": "warmup_stable_decay", "warmup_steps": 3}
    how |= {"lr_scheduler_kwargs": {"num_decay_steps": 4, "decay_type": "linear"}}
    first = {name: x.clone() for name, x in tiny[0].state_dict().items()}
    whole = run(tiny, tmp_path / "whole", mixture(), 12, **how)
    rate = whole.history["learning_rate"].to_numpy()
    np.testing.assert_allclose(rate, 1e-2 * np.array([0, 1, 2, 3, 3, 3, 3, 3, 3, 2.25, 1.5, 0.75]) / 3, atol=1e-9)
    shutil.copytree(tmp_path / "whole", tmp_path / "part", ignore=shutil.ignore_patterns("model", "checkpoint-1*"))
    tiny[0].load_state_dict(first)
    part = run(tiny, tmp_path / "part", mixture(), 12, **how)
    pd.testing.assert_frame_equal(part.history, whole.history)
    weights = load_file(part.folder / "model.safetensors")
    for name, want in load_file(whole.folder / "model.safetensors").items():
        np.testing.assert_allclose(weights[name], want, atol=1e-6, err_msg=name)
    assert json.loads((tmp_path / "part" / "scc2s_run.json").read_text())["batches a step"] == 1


def test_a_folder_of_another_mixture_is_refused(tiny: tuple, tmp_path: Path) -> None:
    run(tiny, tmp_path / "out", mixture(), 2, save_steps=1)
    for other in (mixture(seed=1), mixture(pool=1), mixture(loss=Said())):
        with pytest.raises(ValueError, match="another run .samples differ"):
            run(tiny, tmp_path / "out", other, 3)


def test_adapters_learn_from_a_mixture_and_a_validation_stops_it(tiny: tuple, tmp_path: Path) -> None:
    held = mixture(seed=7).preview(2)
    held = held[~held["prompt"].isin(mixture().preview()["prompt"])]
    done = lora(
        tiny[0], mixture(), tmp_path / "out", tokenizer=tiny[1], rank=2, max_steps=6, validation=held, eval_steps=3,
        disable_tqdm=True,
    )  # fmt: skip
    assert done.history["eval_loss_cell_type"].notna().sum() == 2
    assert done.metrics["eval_loss"] > 0


@pytest.mark.slow
def test_a_mixture_teaches(tiny: tuple, tmp_path: Path) -> None:
    done = run(tiny, tmp_path / "out", mixture(), 150, learning_rate=1e-2, logging_steps=10)
    loss = done.history["loss_cell_type"].dropna()
    assert loss.iloc[-1] < 0.2 < loss.iloc[0]
