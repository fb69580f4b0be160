from __future__ import annotations

import errno
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import torch
from tiny_gene_model import write_tiny_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from scc2s import models
from scc2s.train import batches_by_task, sft
from scc2s.train._disk import check_space, full_disk_named
from scc2s.train._encode import encode
from scc2s.train._loss import completion_loss

if TYPE_CHECKING:
    from pathlib import Path

GENES = [f"G{i}" for i in range(12)]
VALIDATION = pd.DataFrame({"prompt": ["Genes: G1\nCell type:"], "completion": [" B cell"], "task": ["cell_type"]})


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


QUICK = {"batch_size": 8, "disable_tqdm": True, "logging_steps": 1}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple:
    """A run by name with a validation, and the folder of its base."""
    folder = tmp_path_factory.mktemp("run")
    base = write_tiny_model(folder / "tiny", GENES, labels=["B cell", "T cell"])
    (base / "README.md").write_text("---\nlicense: cc-by-4.0\n---\n# tiny\n")
    table = pd.concat([_cells(40), _cells(24).assign(task="kind", completion=" cell")], ignore_index=True)
    table["prompt"] += [f" {i}" for i in range(len(table))]
    held = table.iloc[::5]
    own = table.drop(index=held.index).assign(donor="d1")
    done = sft(base, own, folder / "out", validation=held, learning_rate=5e-3, eval_steps=2, epochs=2, **QUICK)
    return done, base, own, held


def _cells(n: int) -> pd.DataFrame:
    rows = [(f"Genes: {GENES[i % 12]} {GENES[i % 7]}\nType:", [" B cell", " T cell"][i % 2]) for i in range(n)]
    return pd.DataFrame(rows, columns=["prompt", "completion"]).assign(task="cell_type")


def test_the_finished_model_loads_and_answers_as_the_one_that_was_trained(trained: tuple) -> None:
    done, base, own, held = trained
    model = models.load(done.folder, device="cpu", dtype="float32")
    assert (model.family, model.labels, model.tasks) == ("scc2s", ["B cell", "T cell"], ["cell_type", "kind"])
    rows = held[held["task"] == "kind"]
    scored = model.score(rows["prompt"].tolist(), [" cell"])  # with the end token
    learned = encode(model.tokenizer, rows, max_length=None, window=None).n_learned.sum()
    assert done.metrics["eval_loss_kind"] == pytest.approx(-scored.logprob.sum() / learned, abs=1e-4)


def test_loss_of_a_validation_is_of_each_task_and_their_mean_by_samples(trained: tuple) -> None:
    done, _, _, held = trained
    n = held["task"].value_counts()
    last = done.history.dropna(subset="eval_loss")
    mean = (last["eval_loss_cell_type"] * n["cell_type"] + last["eval_loss_kind"] * n["kind"]) / n.sum()
    np.testing.assert_allclose(last["eval_loss"], mean)
    assert done.metrics["eval_loss"] == last["eval_loss"].min()
    assert done.history["step"].is_monotonic_increasing
    assert done.history["step"].is_unique
    assert last["step"].iloc[-1] == done.history["step"].iloc[-1]


def test_tokens_are_counted(trained: tuple) -> None:
    done, base, own, _ = trained
    found = encode(AutoTokenizer.from_pretrained(base), own, max_length=None, window=None)
    epochs = 2
    assert done.metrics["useful_tokens"] == epochs * found.n_learned.sum()
    assert done.metrics["tokens"] == epochs * found.lengths.sum()
    assert done.metrics["padded_tokens"] >= done.metrics["tokens"]
    assert done.metrics["useful_tokens_per_second"] > 0


def test_a_finished_run_is_not_run_again(trained: tuple) -> None:
    done, base, own, held = trained
    where = {"validation": held, "learning_rate": 5e-3, "eval_steps": 2, "epochs": 2, **QUICK}
    before = (done.folder / "model.safetensors").stat().st_mtime_ns
    again = sft(base, own, done.folder.parent, **where)
    assert (again.folder / "model.safetensors").stat().st_mtime_ns == before
    assert again.metrics == done.metrics
    pd.testing.assert_frame_equal(again.history, done.history)


def test_other_samples_do_not_go_on_from_the_checkpoints_of_a_run(trained: tuple) -> None:
    done, base, own, _ = trained
    with pytest.raises(ValueError, match=r"checkpoints of another run \(samples, learning_rate differ\).*output_dir="):
        sft(base, own.head(20), done.folder.parent, **QUICK)


def test_a_loaded_model_stays_what_it_was_and_random_numbers_go_on(trained: tuple, tmp_path: Path) -> None:
    _, base, own, _ = trained
    model = models.load(base, device="cpu", dtype="float32")
    before = {name: weight.clone() for name, weight in model._decoder.lm.state_dict().items()}
    torch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002
    want = torch.rand(1), np.random.rand()  # noqa: NPY002
    torch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002
    done = sft(model, own.head(16), tmp_path / "out", max_steps=1, **QUICK)
    assert (torch.rand(1), np.random.rand()) == want  # noqa: NPY002
    for name, weight in model._decoder.lm.state_dict().items():
        assert torch.equal(weight, before[name]), name
    new = models.load(done.folder, device="cpu", dtype="float32")._decoder.lm.state_dict()
    assert not torch.equal(new["gpt_neox.embed_in.weight"], before["gpt_neox.embed_in.weight"])


def test_early_stopping_keeps_the_weights_of_the_lowest_loss(
    tiny: tuple, samples: pd.DataFrame, tmp_path: Path
) -> None:
    model, tokenizer = tiny
    own = samples.assign(prompt=samples["prompt"] + [f" {i}" for i in range(48)])
    held = own.tail(8).assign(prompt=lambda t: t["prompt"] + "!", completion=" G1 G2 G3")  # what is never learned
    where = {"tokenizer": tokenizer, "learning_rate": 3e-2, "eval_steps": 1, "epochs": 9, **QUICK}
    done = sft(model, own, tmp_path / "out", validation=held, early_stopping=2, **where)
    steps = done.history.dropna(subset="eval_loss").set_index("step")["eval_loss"]
    assert len(steps) < 54
    assert done.metrics["step"] == steps.idxmin() < steps.index[-1]
    loaded = models.load(done.folder, device="cpu", dtype="float32")
    scored = loaded.score(held["prompt"].tolist(), [" G1 G2 G3"]).logprob.sum() / (4 * 8)
    assert steps.min() == pytest.approx(-scored, abs=1e-4)


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        ({"num_train_epochs": 3}, TypeError, "pass epochs="),
        ({"packing": True}, TypeError, "packing is no argument"),
        ({"lerning_rate": 3}, TypeError, "lerning_rate is neither"),
        ({"learning_rate": 0}, ValueError, "learning_rate=0 is not a number above 0"),
        ({"epochs": float("inf")}, ValueError, "epochs=inf"),
        ({"early_stopping": 0}, ValueError, "early_stopping=0 is not a whole number"),
        ({"eval_steps": 2, "save_steps": 4, "validation": VALIDATION}, ValueError, "pass save_steps= as eval_steps="),
        ({"save_strategy": "no", "validation": VALIDATION}, ValueError, "or early_stopping=None"),
        ({"max_length": 10**6}, ValueError, "the model reads 256 tokens"),
    ],
)
def test_arguments_that_cannot_be_are_named(
    tiny: tuple, samples: pd.DataFrame, tmp_path: Path, given: dict, kind: type, said: str
) -> None:
    with pytest.raises(kind, match=said):
        sft(tiny[0], samples, tmp_path / "out", tokenizer=tiny[1], **given)
    assert not (tmp_path / "out").exists()


def test_models_that_cannot_be_trained_are_named(tiny: tuple, samples: pd.DataFrame, tmp_path: Path) -> None:
    def wrong(model: object, kind: type[Exception], said: str, **more: object) -> None:
        with pytest.raises(kind, match=said):
            sft(model, samples, tmp_path / "out", **more)

    wrong(tiny[0], TypeError, "pass tokenizer=")
    wrong(tmp_path / "tiny", ValueError, "leave tokenizer= out", tokenizer=tiny[1])
    wrong(models.CallableModel(generate=list), TypeError, "CallableModel is not a model to train")
    wrong(tmp_path / "nowhere", FileNotFoundError, "there is no folder")
    (tmp_path / "tiny" / "model.safetensors").unlink()
    wrong(tmp_path / "tiny", FileNotFoundError, "safetensors")


def test_a_disk_that_is_full_is_said_before_and_on_the_way(tmp_path: Path) -> None:
    layer = torch.nn.Linear(10, 10)
    with pytest.raises(OSError, match=r"a checkpoint takes .*output_dir="):
        check_space(tmp_path, layer, type("Huge", (), {"save_only_model": False})(), free=100)
    check_space(tmp_path, layer, type("Small", (), {"save_only_model": False})())
    for error in (OSError(errno.ENOSPC, "x"), RuntimeError("PytorchStreamWriter failed: file write failed")):
        with pytest.raises(OSError, match="call again with the same arguments") as caught, full_disk_named(tmp_path):
            raise error
        assert caught.value.errno == errno.ENOSPC
    with pytest.raises(KeyError), full_disk_named(tmp_path):
        raise KeyError


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="limits the size of files")
def test_a_run_that_could_not_write_goes_on_once_it_can(tmp_path: Path, samples: pd.DataFrame) -> None:
    base = write_tiny_model(tmp_path / "tiny", GENES, labels=["B cell", "T cell"], width=64)
    samples.to_pickle(tmp_path / "samples.pkl")
    code = (
        "import resource, sys, pandas as pd\n"
        "from scc2s.train import sft\n"
        "import transformers, trl\n"
        "base, folder, limit = sys.argv[1], sys.argv[2], int(sys.argv[3])\n"
        "if limit: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))\n"
        "sft(base, pd.read_pickle(folder + '/samples.pkl'), folder + '/out', batch_size=8, save_steps=2)\n"
    )

    def run(limit: int) -> subprocess.CompletedProcess:
        command = [sys.executable, "-c", code, str(base), str(tmp_path), str(limit)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    stopped = run(200_000)
    assert "the disk is full; no checkpoint was finished" in stopped.stderr
    assert run(0).returncode == 0
    assert models.load(tmp_path / "out" / "model").labels == ["B cell", "T cell"]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "n_kills"), [("sft", 3), ("lora", 1)])
def test_a_run_that_is_killed_ends_where_an_unbroken_one_does(kind: str, n_kills: int, tmp_path: Path) -> None:
    from killed_runs import final_loss

    rng = np.random.default_rng(0)
    whole = final_loss(tmp_path / "whole", kind, kills=[])
    broken = final_loss(tmp_path / "broken", kind, kills=rng.integers(2, 12, n_kills).tolist())
    assert broken == pytest.approx(whole, abs=1e-6)


def test_another_model_in_memory_is_not_taken_for_one_that_is_finished(
    tiny: tuple, samples: pd.DataFrame, tmp_path: Path
) -> None:
    model, tokenizer = tiny
    where = {"tokenizer": tokenizer, "max_steps": 1, "save_strategy": "no", **QUICK}
    sft(model, samples, tmp_path / "out", **where)
    other = AutoModelForCausalLM.from_pretrained(tmp_path / "tiny")
    other.gpt_neox.embed_in.weight.data *= 2
    before = other.gpt_neox.embed_in.weight.clone()
    done = sft(other, samples, tmp_path / "out", **where)
    assert (other.gpt_neox.embed_in.weight - before).abs().max() < 0.01
    same = AutoModelForCausalLM.from_pretrained(tmp_path / "tiny")
    third = sft(same, samples, tmp_path / "out2", **where)
    again = sft(AutoModelForCausalLM.from_pretrained(tmp_path / "tiny"), samples, tmp_path / "out2", **where)
    assert again.metrics == third.metrics != done.metrics
