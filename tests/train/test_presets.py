from __future__ import annotations

import inspect
from typing import Any

import pytest

from scc2s.train import grpo, presets

# Table 2.10 of the definitions: what the preprint states.
STATED: dict[str, dict[str, Any]] = {
    "captions_sft": {"learning_rate": 1e-5, "weight_decay": 0.01, "batch_size": 64},
    "qa_sft": {"learning_rate": 1e-5, "warmup_steps": 100},
    "qa_grpo": {"group_size": 32, "beta": 0.03, "learning_rate": 5e-7},
    "dong_sft": {"epochs": 3},
    "dong_grpo": {"group_size": 32, "epochs": 3},
    "l1000_sft": {"learning_rate": 1e-4, "batch_size": 2, "gradient_accumulation_steps": 32, "max_steps": 3500},
    "l1000_grpo": {
        "group_size": 24, "prompts_per_step": 32, "learning_rate": 1e-6, "beta": 5e-3, "max_steps": 3000,
    },
}  # fmt: skip


def test_values_are_those_of_the_table() -> None:
    assert {name: dict(preset.settings) for name, preset in presets.items()} == STATED


def test_each_has_a_source_and_what_the_paper_leaves_open() -> None:
    for name, preset in presets.items():
        assert "10.1101/2025.04.14.648850" in preset.source
        assert preset.about
        assert name.endswith(preset.method)
        if preset.method == "grpo":
            assert {"clipping range (epsilon)", "temperature"} <= set(preset.not_stated)
            assert not set(preset.not_stated) & set(preset.settings)


def test_settings_are_arguments_of_the_function() -> None:
    from trl import GRPOConfig

    known = {*inspect.signature(grpo).parameters, *inspect.signature(GRPOConfig).parameters}
    for preset in presets.values():
        if preset.method == "grpo":
            assert set(preset.settings) <= known


def test_they_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        presets["qa_grpo"] = presets["qa_sft"]  # type: ignore[index]
