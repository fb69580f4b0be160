"""Text that goes with a model that was trained by rewards."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd


def card(
    base: str, rewards: Mapping[str, float], n_prompts: int, settings: Mapping[str, Any], history: pd.DataFrame,
    why: Sequence[str],
) -> str:  # fmt: skip
    """A model card in Markdown: from what, by which rewards and settings, and how the run went."""
    n = max(1, min(10, len(history) // 10))
    first, last = history.head(n).mean(numeric_only=True), history.tail(n).mean(numeric_only=True)
    rows = [
        f"| {name} | {first[name]:.4g} | {last[name]:.4g} |"
        for name in history.columns
        if name not in ("step", "loss", "grad_norm", "learning_rate", "clipped")
    ]
    lines = [
        "---",
        "library_name: transformers",
        "tags: [scc2s, grpo]",
        "---",
        "",
        f"# {base}, trained by rewards (GRPO)",
        "",
        f"Started from `{base}`; its licence and terms hold for this model, too. Labels, tasks and temperature that "
        "`scc2s.json` declares are those of the base, and were not measured again. Research use only.",
        "",
        f"Rewards and their weights: {', '.join(f'`{name}` x {weight:g}' for name, weight in rewards.items())}. "
        f"{n_prompts} prompts, {len(history)} steps.",
        "",
        f"| | first {n} steps | last {n} steps |",
        "| --- | --- | --- |",
        *rows,
        "",
        "These are figures of the training prompts, and the rewards are what was optimised: they are no evidence that "
        "the model is better at anything else. Judge it on other cells, by other measures.",
        "",
        *(["**The run collapsed.** " + "; ".join(why) + ".", ""] if why else []),
        "Settings: " + ", ".join(f"{name}={value!r}" for name, value in settings.items()) + ".",
        "",
        "Made with " + ", ".join(f"{name} {version(name)}" for name in ("scc2s", "trl", "transformers", "torch")) + ".",
    ]
    return "\n".join(lines) + "\n"
