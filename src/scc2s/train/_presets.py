from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

_SOURCE = "C2S-Scale, first version of the preprint (bioRxiv 10.1101/2025.04.14.648850v1), methods"


@dataclass(frozen=True)
class Preset:
    """Settings that a paper states for one of its runs, under the names of our arguments.

    What the paper does not state is not here, and keeps the default of the function that is called.
    """

    method: Literal["sft", "grpo"]
    """The function that takes it: :func:`scc2s.train.sft` or :func:`scc2s.train.grpo`."""
    settings: Mapping[str, Any]
    """Arguments and their values."""
    about: str
    """What was trained, and how much of it."""
    not_stated: tuple[str, ...] = ()
    """What it takes to repeat the run and is not in the paper."""
    source: str = field(default=_SOURCE)
    """Where the values are from."""


_GRPO = ("clipping range (epsilon)", "inner steps (iterations)", "temperature", "prompts a step")

presets: Mapping[str, Preset] = MappingProxyType(
    {
        "captions_sft": Preset(
            "sft",
            {"learning_rate": 1e-5, "weight_decay": 0.01, "batch_size": 64},
            "1,723 captions of 345 clusters of 30 data sets, two random cells in a prompt",
            ("epochs",),
        ),
        "qa_sft": Preset(
            "sft",
            {"learning_rate": 1e-5, "warmup_steps": 100},
            "about 1,600 questions and answers about single-cell studies",
            ("epochs", "batch_size"),
        ),
        "qa_grpo": Preset(
            "grpo",
            {"group_size": 32, "beta": 0.03, "learning_rate": 5e-7},
            "600 questions of unseen studies, reward BERTScore with a BioBERT encoder",
            (*_GRPO, "epochs"),
        ),
        "dong_sft": Preset(
            "sft",
            {"epochs": 3},
            "133 cytokine conditions, 5,000 genes, 3 to 4 epochs on one H100",
            ("learning_rate", "batch_size"),
        ),
        "dong_grpo": Preset(
            "grpo",
            {"group_size": 32, "epochs": 3},
            "32 generated against 32 real cells of the same labels, reward minus the mean squared error of scGPT "
            "embeddings, on four H100",
            (*_GRPO, "beta", "learning_rate"),
        ),
        "l1000_sft": Preset(
            "sft",
            {"learning_rate": 1e-4, "batch_size": 2, "gradient_accumulation_steps": 32, "max_steps": 3500},
            "L1000 profiles of 978 landmark genes, pairs of one cell line",
        ),
        "l1000_grpo": Preset(
            "grpo",
            {"group_size": 24, "prompts_per_step": 32, "learning_rate": 1e-6, "beta": 5e-3, "max_steps": 3000},
            "reward Kendall's tau over 40 apoptosis genes; batch 8 x 4, read as 32 prompts a step, since 32 answers "
            "cannot be whole groups of 24; about 3,000 steps",
            _GRPO[:3],
        ),
    }
)
"""Settings by name, with their source: ``presets["qa_grpo"].settings``."""


def settings_of(name: str | None, method: str) -> dict[str, Any]:
    """Settings of a preset for one function; none for ``None``.

    Raises
    ------
    ValueError
        There is no such preset, or it is for another function.
    """
    if name is None:
        return {}
    fitting = [key for key, preset in presets.items() if preset.method == method]
    if name not in fitting:
        what = f"is for train.{presets[name].method}" if name in presets else "is not known"
        msg = f"preset {name!r} {what}; pass one of {fitting}, or None"
        raise ValueError(msg)
    return dict(presets[name].settings)
