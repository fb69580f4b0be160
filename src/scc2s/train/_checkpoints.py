"""Which checkpoint a stopped run can go on from."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

from scc2s._logging import logger

if TYPE_CHECKING:
    from pathlib import Path

_STATE = "trainer_state.json"
"""What transformers writes last."""
_WEIGHTS = ("model.safetensors", "adapter_model.safetensors")


def last_whole(folder: Path, *, with_optimizer: bool = True) -> Path | None:
    """The newest checkpoint of a folder that is finished; newer ones that are not are logged.

    Parameters
    ----------
    folder
        Where checkpoints ``checkpoint-<step>`` lie.
    with_optimizer
        Whether a checkpoint has to hold the state of the optimizer.
    """
    if not folder.is_dir():
        return None
    found = [(path.name.removeprefix("checkpoint-"), path) for path in folder.glob("checkpoint-*") if path.is_dir()]
    steps = sorted(((int(step), path) for step, path in found if step.isdecimal()), reverse=True)
    for _, path in steps:
        lacks = lacking(path, with_optimizer=with_optimizer)
        if lacks is None:
            return path
        logger.warning("%s is not finished (%s), so training does not go on from it", path, lacks)
    if steps:
        logger.warning("no checkpoint in %s is finished; training starts anew", folder)
    return None


def lacking(checkpoint: Path, *, with_optimizer: bool = True) -> str | None:
    """What a checkpoint lacks, in words; ``None`` for one that is whole."""
    try:
        state = json.loads((checkpoint / _STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return f"no readable {_STATE}"
    if not isinstance(state, dict) or "global_step" not in state:
        return f"no step in {_STATE}"
    if lacks := _lacking_weights(checkpoint):
        return lacks
    archives = [_optimizer(checkpoint), "scheduler.pt"] if with_optimizer else []
    if absent := [name for name in archives if not (checkpoint / name).is_file()]:
        return f"no {absent[0]}"
    # torch.save writes zip archives, whose list of contents stands at the end
    saved = [*archives, *(path.name for path in checkpoint.glob("rng_state*.pth"))]
    cut = [name for name in saved if not zipfile.is_zipfile(checkpoint / name)]
    return f"{cut[0]} is cut off" if cut else None


def _optimizer(checkpoint: Path) -> str:
    """What its state is called: that of FSDP is gathered by accelerate, under a name of its own."""
    return "optimizer.bin" if (checkpoint / "optimizer.bin").is_file() else "optimizer.pt"


def _lacking_weights(checkpoint: Path) -> str | None:
    from safetensors import SafetensorError, safe_open

    names = [name for name in _WEIGHTS if (checkpoint / name).is_file()]
    for index in checkpoint.glob("*.safetensors.index.json"):
        try:
            names += sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return f"{index.name} is not readable"
    if not names:
        return "no weights"
    for name in names:
        try:
            with safe_open(checkpoint / name, framework="np"):
                pass
        except (OSError, SafetensorError):
            return f"{name} is not there or cut off"
    return None
