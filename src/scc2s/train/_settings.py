"""How a run is to train: its settings, and those of TRL that follow from them."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._mixture import Mixture

if TYPE_CHECKING:
    from collections.abc import Mapping

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

    def check(self, samples: Any = None) -> None:
        """Refuse what cannot be.

        Parameters
        ----------
        samples
            What is trained on.

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
        n_steps = self.arguments.get("max_steps", -1)
        if isinstance(samples, Mixture) and not (isinstance(n_steps, int) and n_steps > 0):
            msg = "samples that are drawn afresh have no end; pass max_steps= the number of steps"
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


def config_of(folder: Path, settings: Settings, n_samples: int | None, *, validated: bool) -> Any:
    """Settings as TRL takes them.

    Parameters
    ----------
    folder
        Of checkpoints.
    settings
        Of the run.
    n_samples
        Samples of an epoch; ``None``: they are drawn afresh, without an end.
    validated
        Whether there is a validation.
    """
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


def _evaluations(settings: Settings, n_samples: int | None) -> dict[str, Any]:
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
    n_steps = given.get("max_steps", -1)
    if n_steps <= 0 and n_samples is not None:
        n_processes = int(os.environ.get("WORLD_SIZE", "1"))
        at_once = settings.batch_size * n_processes * given.get("gradient_accumulation_steps", 1)
        n_steps = math.ceil(math.ceil(n_samples / at_once) * settings.epochs)
    every = given.get("eval_steps", given.get("save_steps", max(1, n_steps // _EVALUATIONS)))
    out: dict[str, Any] = {"eval_strategy": "steps", "eval_steps": every, "save_steps": every, "save_strategy": "steps"}
    if settings.early_stopping is not None:
        out |= {"load_best_model_at_end": True, "metric_for_best_model": "eval_loss", "greater_is_better": False}
    return out
