"""What a run leaves beside its weights, by which the same call knows it again: to go on with it, or that it is done."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pandas as pd

from scc2s._io import write_text

from ._mixture import Mixture
from ._trained import Trained

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ._base import Base
    from ._settings import Settings

_RECORD = "scc2s_run.json"
_DONE = "training.json"


def identity_of(base: Base, samples: pd.DataFrame | Mixture, settings: Settings, at_once: int) -> dict[str, Any]:
    """What a run that goes on has to share with the one that was stopped."""
    hashed = hashlib.sha256()
    _add(hashed, samples)
    return {
        "samples": hashed.hexdigest(),
        # A model in memory is often trained on, so that its shape has to do.
        "base": base.weights_hash or f"{type(base.lm).__name__} of {base.lm.num_parameters()}",
        "samples a step" if isinstance(samples, pd.DataFrame) else "batches a step": at_once,
        "seed": settings.seed,
        "learning_rate": settings.learning_rate,
        "adapter": dict(settings.more) or None,
    }


def continue_or_begin(folder: Path, identity: dict[str, Any], *, write: bool) -> None:
    """Refuse a folder with the checkpoints of another run: its steps would be taken for steps on these samples."""
    path = folder / _RECORD
    before: dict[str, Any] = {}
    if path.is_file():
        try:
            before = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            before = {}
    other = [name for name, value in identity.items() if name in before and before[name] != value]
    if other and any(folder.glob("checkpoint-*")):
        msg = (
            f"{folder} holds the checkpoints of another run ({', '.join(other)} differ), and training would go on from "
            "them; pass another output_dir=, or remove the folder"
        )
        raise ValueError(msg)
    folder.mkdir(parents=True, exist_ok=True)
    if write:
        write_text(json.dumps(identity, indent=1) + "\n", path)


def record(
    folder: Path,
    base: Base,
    samples: pd.DataFrame | Mixture,
    validation: pd.DataFrame | None,
    settings: Settings,
    metrics: Mapping[str, float],
    history: pd.DataFrame,
) -> None:
    """Keep what a run was asked for and what came out beside the weights."""
    found = {
        "asked": _asked(base, samples, validation, settings),
        "metrics": dict(metrics),
        "history": {name: [None if value != value else value for value in history[name].tolist()] for name in history},
    }
    (folder / _DONE).write_text(json.dumps(found) + "\n", encoding="utf-8")


def finished(
    folder: Path, base: Base, samples: pd.DataFrame | Mixture, validation: pd.DataFrame | None, settings: Settings
) -> Trained | None:
    """What a run that was asked for the same left, if it was finished."""
    try:
        found = json.loads((folder / _DONE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if found.get("asked") != _asked(base, samples, validation, settings):
        return None
    history = pd.DataFrame(found["history"]).astype({"step": "int64"})
    return Trained(folder, found["metrics"], history.astype({n: "float64" for n in history if n != "step"}))


def _asked(base: Base, samples: pd.DataFrame | Mixture, validation: pd.DataFrame | None, settings: Settings) -> str:
    hashed = hashlib.sha256(json.dumps([base.began, settings.to_dict()], default=str).encode())
    for table in (samples, validation):
        if table is not None:
            _add(hashed, table)
        hashed.update(b"\1")
    return hashed.hexdigest()


def _add(hashed: Any, samples: pd.DataFrame | Mixture) -> None:
    if isinstance(samples, Mixture):
        hashed.update(samples.digest().encode())
        return
    for column in ("prompt", "completion", "task"):
        for text in samples[column]:
            hashed.update(str(text).encode() + b"\0")
