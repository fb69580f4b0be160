from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from scc2s.train._checkpoints import lacking, last_whole

if TYPE_CHECKING:
    from pathlib import Path


def checkpoint(folder: Path, step: int) -> Path:
    path = folder / f"checkpoint-{step}"
    path.mkdir(parents=True)
    save_file({"w": np.ones(50, np.float32)}, path / "model.safetensors")
    for name in ("optimizer.pt", "scheduler.pt", "rng_state.pth"):
        torch.save({"x": torch.ones(3)}, path / name)
    (path / "trainer_state.json").write_text(json.dumps({"global_step": step}))
    return path


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


FILES = ("model.safetensors", "optimizer.pt", "scheduler.pt", "trainer_state.json")


@pytest.mark.parametrize("damage", [cut, lambda path: path.unlink(), lambda path: path.write_bytes(b"")])
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_cut_off_or_not_there_makes_a_checkpoint_unfinished(
    tmp_path: Path, name: str, damage: object, caplog: pytest.LogCaptureFixture
) -> None:
    whole, newest = checkpoint(tmp_path, 90), checkpoint(tmp_path, 100)
    assert lacking(newest) is None
    damage(newest / name)
    assert lacking(newest) is not None
    assert last_whole(tmp_path) == whole
    assert "checkpoint-100 is not finished" in caplog.text


def test_shards_are_all_there(tmp_path: Path) -> None:
    path = checkpoint(tmp_path, 1)
    (path / "model.safetensors").rename(path / "model-1.safetensors")
    (path / "model.safetensors.index.json").write_text(
        json.dumps({"weight_map": {"w": "model-1.safetensors", "v": "model-2.safetensors"}})
    )
    assert "model-2.safetensors" in str(lacking(path))
    save_file({"v": np.ones(5, np.float32)}, path / "model-2.safetensors")
    assert lacking(path) is None


def test_without_an_optimizer_where_none_was_to_be_saved(tmp_path: Path) -> None:
    path = checkpoint(tmp_path, 1)
    (path / "optimizer.pt").unlink()
    assert last_whole(tmp_path) is None
    assert last_whole(tmp_path, with_optimizer=False) == path


def test_the_newest_is_by_number_and_none_is_none(tmp_path: Path) -> None:
    assert last_whole(tmp_path / "nowhere") is None
    assert last_whole(tmp_path) is None
    checkpoint(tmp_path, 9)
    newest = checkpoint(tmp_path, 10)
    assert last_whole(tmp_path) == newest
