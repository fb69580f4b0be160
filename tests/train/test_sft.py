from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pandas as pd
import pytest
import torch
from tiny_gene_model import write_tiny_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from scc2s.train import batches_by_task, sft
from scc2s.train._loss import completion_loss

if TYPE_CHECKING:
    from pathlib import Path

GENES = [f"G{i}" for i in range(12)]


@pytest.fixture
def tiny(tmp_path: Path) -> tuple:
    folder = write_tiny_model(tmp_path / "tiny", GENES, labels=["B cell", "T cell"])
    return AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)


@pytest.fixture
def samples() -> pd.DataFrame:
    rows = [
        (f"Genes: {' '.join(GENES[i % 6 : i % 6 + 5])}\nCell type:", [" B cell", " T cell"][i % 2]) for i in range(48)
    ]
    return pd.DataFrame(rows, columns=["prompt", "completion"]).assign(task="cell_type")


def test_a_batch_holds_one_task_and_no_sample_comes_twice() -> None:
    table = pd.DataFrame({"prompt": [f"p{i}" for i in range(70)], "completion": " x", "task": ["a"] * 50 + ["b"] * 20})
    ordered = batches_by_task(table, 8, seed=0)
    assert ordered["prompt"].is_unique
    assert [ordered["task"].iloc[i : i + 8].nunique() for i in range(0, len(ordered), 8)] == [1] * 8
    assert ordered["task"].value_counts().to_dict() == {"a": 48, "b": 16}
    assert ordered["task"].iloc[::8].tolist() != sorted(ordered["task"].iloc[::8])


def test_fewer_samples_than_a_batch_give_an_empty_table(samples: pd.DataFrame) -> None:
    assert len(batches_by_task(samples.head(3), 8)) == 0


def test_what_does_not_fill_a_batch_is_said_or_comes_last(caplog: pytest.LogCaptureFixture) -> None:
    table = pd.DataFrame({"prompt": [f"p{i}" for i in range(49)], "completion": " x", "task": ["a"] * 40 + ["b"] * 9})
    assert set(batches_by_task(table, 32)["task"]) == {"a"}
    assert "8 of task 'a', 9 of task 'b'" in caplog.text
    caplog.clear()
    kept = batches_by_task(table, 32, rest="last")
    assert not caplog.text
    assert sorted(kept["prompt"]) == sorted(table["prompt"])
    assert kept["task"].iloc[:32].nunique() == 1
    assert kept["task"].iloc[32:].tolist() == ["a"] * 8 + ["b"] * 9


@pytest.mark.parametrize("n", [1, 9])
def test_fewer_samples_than_a_batch_are_trained_on(tiny: tuple, samples: pd.DataFrame, tmp_path: Path, n: int) -> None:
    sft(tiny[0], samples.head(n), tmp_path / "out", tokenizer=tiny[1], disable_tqdm=True, save_steps=1)
    (log,) = [json.loads(path.read_text()) for path in tmp_path.glob("out/checkpoint-*/trainer_state.json")]
    assert log["global_step"] == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"completion": [None] + [" B cell"] * 47}, "1 samples have no completion.*row 0"),
        ({"completion": [" B cell"] * 46 + [float("nan"), "  "]}, "2 samples have no completion.*row 46"),
        ({"prompt": ""}, "48 samples have no prompt"),
        ({"task": ["a"] * 47 + [None]}, "1 samples have no task"),
    ],
)
def test_samples_that_teach_nothing_are_refused(
    tiny: tuple, samples: pd.DataFrame, tmp_path: Path, change: dict, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        sft(tiny[0], samples.assign(**change), tmp_path / "out", tokenizer=tiny[1])
    assert not (tmp_path / "out").exists()


def test_no_samples_and_a_file_in_place_of_the_folder_are_refused(
    tiny: tuple, samples: pd.DataFrame, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="no samples"):
        sft(tiny[0], samples.head(0), tmp_path / "out", tokenizer=tiny[1])
    with pytest.raises(ValueError, match="pass batch_size="):
        sft(tiny[0], samples, tmp_path / "out", batch_size=0, tokenizer=tiny[1])
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="pass output_dir="):
        sft(tiny[0], samples, tmp_path / "file", tokenizer=tiny[1])


def test_training_goes_on_from_the_last_checkpoint_that_is_finished(
    tiny: tuple, samples: pd.DataFrame, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model, tokenizer = tiny
    out, where = (
        tmp_path / "out",
        {"batch_size": 8, "save_steps": 3, "logging_steps": 3, "disable_tqdm": True},
    )
    sft(model, samples, out, max_steps=9, epochs=4, tokenizer=tokenizer, **where)
    (out / "checkpoint-9" / "trainer_state.json").unlink()  # which is written last
    weights = out / "checkpoint-6" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    (out / "checkpoint-12").mkdir()
    sft(model, samples, out, max_steps=12, epochs=4, tokenizer=tokenizer, **where)
    for name in ("checkpoint-12", "checkpoint-9", "checkpoint-6"):
        assert f"{name} is not finished" in caplog.text
    assert [r["step"] for r in _log(out) if "loss" in r] == [3, 6, 9, 12]


def test_loss_is_that_of_transformers_with_prompts_masked(tiny: tuple) -> None:
    model, tokenizer = tiny
    texts = ["Genes: G1 G2\nCell type: B cell", "Genes: G1 G2 G3 G4\nCell type: T cell"]
    batch = tokenizer(texts, padding=True, padding_side="right", return_tensors="pt")
    labels = batch["input_ids"].clone()
    for row, text in enumerate(texts):
        labels[row, : len(tokenizer(text.rsplit(" ", 2)[0])["input_ids"])] = -100
    labels[batch["attention_mask"] == 0] = -100
    model.eval()
    want = model(**batch, labels=labels).loss
    torch.testing.assert_close(completion_loss(model, {"input_ids": batch["input_ids"], "labels": labels}), want)


@pytest.mark.slow
def test_training_learns_and_a_stopped_run_goes_on(tiny: tuple, samples: pd.DataFrame, tmp_path: Path) -> None:
    model, tokenizer = tiny
    where = {
        "batch_size": 8,
        "learning_rate": 1e-2,
        "save_steps": 6,
        "logging_steps": 6,
        "disable_tqdm": True,
        "tokenizer": tokenizer,
    }
    sft(model, samples, tmp_path / "whole", epochs=4, tokenizer=tokenizer, **where)
    losses = [float(r["loss"]) for r in _log(tmp_path / "whole")]
    assert losses[-1] < losses[0] / 2

    fresh = AutoModelForCausalLM.from_pretrained(tmp_path / "tiny")
    sft(fresh, samples, tmp_path / "parts", epochs=4, max_steps=12, tokenizer=tokenizer, **where)
    sft(fresh, samples, tmp_path / "parts", epochs=4, tokenizer=tokenizer, **where)
    assert [r["step"] for r in _log(tmp_path / "parts")] == [6, 12, 18, 24]
    assert _log(tmp_path / "parts")[1]["learning_rate"] < 1e-3 < _log(tmp_path / "parts")[2]["learning_rate"]


def _log(folder: Path) -> list[dict]:
    last = max(folder.glob("checkpoint-*"), key=lambda p: int(p.name.split("-")[1]))
    return json.loads((last / "trainer_state.json").read_text())["log_history"]


def test_a_completion_that_would_be_cut_is_refused(tiny: tuple, samples: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"pass max_length=\d+"):
        sft(tiny[0], samples, tmp_path, batch_size=8, max_length=8, tokenizer=tiny[1])


def test_missing_columns_are_named(tiny: tuple, samples: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\['completion'\].*scc2s.pp.samples"):
        sft(tiny[0], samples.drop(columns="completion"), tmp_path, tokenizer=tiny[1])
