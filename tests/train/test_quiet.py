from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import pandas as pd
import pytest
import transformers
from tiny_gene_model import write_tiny_model

from scc2s import models
from scc2s.train import grpo, lora, sft

if TYPE_CHECKING:
    from pathlib import Path

GENES = ["CD19", "CD3D", "CD79A", "GNLY", "LYZ", "NKG7"]
SAMPLES = pd.DataFrame(
    {"prompt": ["Genes: CD79A CD19\nCell type:", "Genes: CD3D LYZ\nCell type:"], "completion": [" B", " T"]}
).assign(task="cell_type")


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / "tiny", GENES, labels=["B", "T"])


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training as it is in a notebook, where transformers shows a table of its own."""
    pytest.importorskip("IPython")
    from transformers.utils.notebook import NotebookProgressCallback

    monkeypatch.setattr(transformers.trainer, "DEFAULT_PROGRESS_CALLBACK", NotebookProgressCallback)


def first_count(_prompts: list[str], completions: list[str]) -> list[float]:
    return [float(text.split()[0] == "CD19") for text in completions]


def train(how: str, base: Path, folder: Path) -> object:
    arguments = {"max_steps": 2, "logging_steps": 1, "save_steps": 1}
    if how == "grpo":
        prompts = SAMPLES[["prompt"]]
        return grpo(
            str(base),
            prompts,
            first_count,
            folder,
            genes=GENES,
            n_genes=3,
            group_size=2,
            prompts_per_step=2,
            **arguments,
        )
    return {"sft": sft, "lora": lora}[how](base, SAMPLES, folder, batch_size=2, epochs=9, **arguments)


@pytest.mark.parametrize(("how", "disabled"), [("sft", ""), ("lora", "1"), ("grpo", "")])
def test_nothing_is_printed_in_a_notebook(
    how: str,
    disabled: str,
    tiny: Path,
    notebook: None,
    tmp_path: Path,
    capfd: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TQDM_DISABLE", disabled)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        done = train(how, tiny, tmp_path / "out")
        if how == "lora":
            models.load(tiny, adapter=done.folder)
    assert len(done.history) == 2
    assert [str(one.message) for one in said if issubclass(one.category, FutureWarning)] == []
    out, err = capfd.readouterr()
    assert out == ""
    assert "loss" not in err.replace("loss=", "")  # a bar of ours, where a run is long enough for one


def test_a_bar_counts_steps_and_shows_the_last_losses(
    tiny: Path, tmp_path: Path, capfd: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from functools import partial

    from tqdm.std import tqdm

    from scc2s.models import _progress

    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    shown = partial(tqdm, mininterval=0, ascii=True)
    monkeypatch.setattr(_progress, "bar", lambda total, task, *, show: shown(total=total, desc=task, disable=not show))
    held = SAMPLES.assign(prompt=["Genes: CD79A\nCell type:", "Genes: CD3D\nCell type:"])
    sft(tiny, SAMPLES, tmp_path / "out", batch_size=2, epochs=4, logging_steps=1, validation=held)
    last = capfd.readouterr().err.rstrip().rpartition("\r")[2]
    assert "training: 100%" in last
    assert "4/4" in last
    assert "eval_loss=" in last
