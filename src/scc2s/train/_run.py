"""One training run: settings, the trainer, going on after a stop, and what is reported at the end."""

from __future__ import annotations

import hashlib
import json
import math
import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scc2s._io import write_text

from ._checkpoints import last_whole
from ._disk import check_space, full_disk_named
from ._encode import Encoded, encode
from ._order import batches_by_task
from ._quiet import progress
from ._ranks import one_device_a_rank, same_on_all_ranks
from ._trained import Trained

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._base import Base

_RECORD = "scc2s_run.json"
_ROW = "_scc2s_row"
_DONE = "training.json"
_OURS = {
    "per_device_train_batch_size": "batch_size", "num_train_epochs": "epochs", "output_dir": "output_dir",
    "data_seed": "seed", "completion_only_loss": None, "packing": None, "padding_free": None,
    "dataset_kwargs": None, "load_best_model_at_end": "early_stopping", "metric_for_best_model": None,
    "greater_is_better": None, "assistant_only_loss": None, "dataset_text_field": None, "shuffle_dataset": None,
    "remove_unused_columns": None, "model_init_kwargs": None, "eos_token": None, "pad_token": None,
}  # fmt: skip
"""Settings of TRL that are made here, and the argument that says them."""
_KEPT = 3
"""Checkpoints that are kept: the last may be damaged, or the disk may have been full."""
_EVALUATIONS = 10
"""Evaluations a run, where nothing says when."""


@dataclass(frozen=True)
class Settings:
    """How to train."""

    batch_size: int
    learning_rate: float
    epochs: float
    max_length: int | None
    early_stopping: int | None
    seed: int
    arguments: Mapping[str, Any]
    more: Mapping[str, Any] = field(default_factory=dict)
    """Of an adapter."""

    def to_dict(self) -> dict[str, Any]:
        """All that was set."""
        own = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in ("arguments", "more")}
        return own | dict(self.more) | dict(self.arguments)

    def check(self) -> None:
        """Refuse what cannot be.

        Raises
        ------
        ValueError, TypeError
            Which argument.
        """
        if not isinstance(self.batch_size, int) or isinstance(self.batch_size, bool) or self.batch_size < 1:
            msg = f"batch_size={self.batch_size} holds no sample; pass batch_size= a whole number from 1"
            raise ValueError(msg)
        for name in ("learning_rate", "epochs"):
            value = getattr(self, name)
            if not isinstance(value, int | float) or not 0 < value < math.inf:
                msg = f"{name}={value!r} is not a number above 0; pass e.g. {name}={1e-4 if name[0] == 'l' else 1}"
                raise ValueError(msg)
        for name in ("max_length", "early_stopping"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
                msg = f"{name}={value!r} is not a whole number from 1; pass one, or None"
                raise ValueError(msg)
        for name in self.arguments:
            if name in _OURS:
                own = _OURS[name]
                said = f"pass {own}=" if own else "it is settled here, as its loss and its order of samples need it"
                msg = f"{name} is no argument of this function: {said}"
                raise TypeError(msg)


def folder_of(output_dir: str | Path) -> Path:
    """The folder of a run.

    Raises
    ------
    NotADirectoryError
        It is a file.
    """
    folder = Path(output_dir).expanduser()
    if folder.exists() and not folder.is_dir():
        msg = f"{folder} is a file; pass output_dir= a folder, or a path where none is yet"
        raise NotADirectoryError(msg)
    return folder


def train(
    base: Base,
    model: Any,
    samples: pd.DataFrame,
    validation: pd.DataFrame | None,
    folder: Path,
    settings: Settings,
) -> tuple[Any, dict[str, float], pd.DataFrame]:
    """Train `model`, which is `base` or an adapter around it, in place.

    Returns
    -------
    The trainer, metrics and history.
    """
    from transformers import EarlyStoppingCallback

    from ._trainer import CompletionTrainer, EvaluateLast

    config = _config(folder, settings, len(samples), validated=validation is not None)
    one_device_a_rank(config)
    at_once = settings.batch_size * config.world_size * config.gradient_accumulation_steps
    limits: dict[str, Any] = {"max_length": settings.max_length, "window": base.window}
    tokens = encode(base.tokenizer, samples, **limits)
    held = tokens_held = None
    if validation is not None:
        tokens_held = encode(base.tokenizer, validation, **limits, what="validation")
        tasks = validation["task"].astype(str).to_numpy()
        order = np.lexsort([tokens_held.lengths, tasks])
        held, tokens_held = tasks[order].tolist(), tokens_held.take(order)
    ordered = batches_by_task(
        samples.assign(**{_ROW: np.arange(len(samples))}), at_once, seed=settings.seed, rest="last"
    )
    _continue_or_begin(folder, _identity(base, ordered, settings, at_once), write=config.process_index == 0)
    trainer: Any = CompletionTrainer(
        model=model,
        args=config,
        train_dataset=_dataset(tokens.take(ordered[_ROW].to_numpy())),
        eval_dataset=None if tokens_held is None else _dataset(tokens_held),
        eval_tasks=held or [],
        processing_class=base.tokenizer,
        callbacks=[] if held is None else [EvaluateLast()],
    )
    if held is not None and settings.early_stopping is not None:
        trainer.add_callback(EarlyStoppingCallback(settings.early_stopping))
    last = last_whole(folder, with_optimizer=not config.save_only_model)
    same_on_all_ranks(last)
    check_space(folder, model, config)
    with full_disk_named(folder), progress(trainer):
        result = trainer.train(resume_from_checkpoint=None if last is None else str(last))
    return trainer, _metrics(trainer, result.metrics), _history(trainer.state.log_history)


def _config(folder: Path, settings: Settings, n_samples: int, *, validated: bool) -> Any:
    import torch
    from trl.trainer.sft_config import SFTConfig

    given = dict(settings.arguments)
    defaults: dict[str, Any] = {
        "gradient_checkpointing": False,
        # TRL's own default is bfloat16 everywhere, which most CPUs only imitate.
        "bf16": torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False),
        "report_to": [],
        "use_cpu": not (torch.cuda.is_available() or torch.backends.mps.is_available()),
        "save_total_limit": _KEPT,
        "per_device_eval_batch_size": settings.batch_size,
        "restore_callback_states_from_checkpoint": True,
    }
    if given.get("fp16"):
        defaults["bf16"] = False
    if validated:
        defaults |= _evaluations(settings, n_samples)
    fixed = {
        "output_dir": str(folder),
        "per_device_train_batch_size": settings.batch_size,
        "learning_rate": settings.learning_rate,
        "num_train_epochs": settings.epochs,
        "max_length": None,  # lengths were looked at before
        "completion_only_loss": True,
        "seed": settings.seed,
        "data_seed": settings.seed,
    }
    if unknown := [name for name in given if name not in SFTConfig.__dataclass_fields__]:
        msg = f"{unknown[0]} is neither an argument of this function nor a field of trl.SFTConfig"
        raise TypeError(msg)
    made: Any = SFTConfig
    return made(**(defaults | given | fixed))


def _evaluations(settings: Settings, n_samples: int) -> dict[str, Any]:
    """When to evaluate; checkpoints come at the same steps, as the best of them may be what is kept."""
    given = settings.arguments
    strategies = [given.get(name, "steps") for name in ("eval_strategy", "save_strategy")]
    steps = [given.get(name) for name in ("eval_steps", "save_steps")]
    if settings.early_stopping is not None and (
        strategies[0] != strategies[1] or (None not in steps and steps[0] != steps[1])
    ):
        msg = (
            "to keep the weights of the lowest loss, they have to be saved whenever it is taken: pass save_steps= as "
            "eval_steps= (and save_strategy= as eval_strategy=), or early_stopping=None"
        )
        raise ValueError(msg)
    n_processes = int(os.environ.get("WORLD_SIZE", "1"))
    at_once = settings.batch_size * n_processes * given.get("gradient_accumulation_steps", 1)
    per_epoch = math.ceil(n_samples / at_once)
    n_steps = given.get("max_steps", -1)
    n_steps = n_steps if n_steps > 0 else math.ceil(per_epoch * settings.epochs)
    every = given.get("eval_steps", given.get("save_steps", max(1, n_steps // _EVALUATIONS)))
    out: dict[str, Any] = {"eval_strategy": "steps", "eval_steps": every, "save_steps": every, "save_strategy": "steps"}
    if settings.early_stopping is not None:
        out |= {"load_best_model_at_end": True, "metric_for_best_model": "eval_loss", "greater_is_better": False}
    return out


def _dataset(tokens: Encoded) -> Any:
    """A data set of TRL whose samples are tokens already."""
    import pyarrow as pa
    from datasets import Dataset
    from datasets.table import InMemoryTable

    edges = np.concatenate([[0], np.cumsum(tokens.lengths)])
    flat = np.concatenate(tokens.ids).astype(np.int64)
    learned = flat.copy()
    for start, n in zip(edges[:-1], tokens.n_prompt, strict=True):
        learned[start : start + n] = -100
    columns = {
        name: pa.LargeListArray.from_arrays(pa.array(edges), pa.array(values))
        for name, values in (("input_ids", flat), ("labels", learned))
    }
    return Dataset(InMemoryTable(pa.table(columns)))


def _identity(base: Base, ordered: pd.DataFrame, settings: Settings, at_once: int) -> dict[str, Any]:
    """What a run that goes on has to share with the one that was stopped."""
    hashed = hashlib.sha256()
    for column in ("prompt", "completion", "task"):
        for text in ordered[column]:
            hashed.update(str(text).encode() + b"\0")
    return {
        "samples": hashed.hexdigest(),
        # A model in memory is often trained on, so that its shape has to do.
        "base": base.weights_hash or f"{type(base.lm).__name__} of {base.lm.num_parameters()}",
        "samples a step": at_once,
        "seed": settings.seed,
        "learning_rate": settings.learning_rate,
        "adapter": dict(settings.more) or None,
    }


def _continue_or_begin(folder: Path, identity: dict[str, Any], *, write: bool) -> None:
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


def _metrics(trainer: Any, said: Mapping[str, float]) -> dict[str, float]:
    """Of TRL, with tokens and the best validation."""
    counts = trainer.counts()
    seconds = said.get("train_runtime", 0.0)
    out: dict[str, float] = {name: float(value) for name, value in said.items() if name != "total_flos"}
    out |= counts
    if seconds:
        out |= {f"{name}_per_second": counts[name] / seconds for name in ("tokens", "useful_tokens")}
    history = trainer.state.log_history
    learned = [(entry["step"], entry["loss"]) for entry in history if "loss" in entry]
    if learned:  # the mean of TRL is of the steps of this call, of which there may be none
        out["loss"] = float(learned[-1][1])
    held = [entry for entry in history if "eval_loss" in entry]
    if held:
        best = min(held, key=lambda entry: entry["eval_loss"]) if trainer.args.load_best_model_at_end else held[-1]
        out |= {name: float(value) for name, value in best.items() if name.startswith("eval_loss")}
        out["step"] = best["step"]
    else:
        out["step"] = trainer.state.global_step
    return out


def _history(log: list[dict[str, Any]]) -> pd.DataFrame:
    """One row a step."""
    rows: dict[int, dict[str, Any]] = {}
    for entry in log:
        if "train_runtime" in entry:
            continue
        rows.setdefault(int(entry["step"]), {}).update(entry)
    table = pd.DataFrame(list(rows.values())).sort_values("step", ignore_index=True) if rows else pd.DataFrame()
    first = ["step", "epoch", "loss", "learning_rate", "grad_norm", "eval_loss"]
    found = [name for name in first if name in table]
    found += sorted(str(name) for name in table if str(name).startswith("eval_loss_"))
    table = table[found] if found else pd.DataFrame({"step": [], "epoch": [], "loss": []})
    return table.astype({name: "float64" for name in found if name != "step"})


def record(
    folder: Path,
    base: Base,
    samples: pd.DataFrame,
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
    folder: Path, base: Base, samples: pd.DataFrame, validation: pd.DataFrame | None, settings: Settings
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


def _asked(base: Base, samples: pd.DataFrame, validation: pd.DataFrame | None, settings: Settings) -> str:
    hashed = hashlib.sha256(json.dumps([base.began, settings.to_dict()], default=str).encode())
    for table in (samples, validation):
        for column in ("prompt", "completion", "task"):
            for text in [] if table is None else table[column]:
                hashed.update(str(text).encode() + b"\0")
        hashed.update(b"\1")
    return hashed.hexdigest()
