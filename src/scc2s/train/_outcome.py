"""What came out of a run, in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping


def metrics_of(trainer: Any, said: Mapping[str, float]) -> dict[str, float]:
    """Figures of the run: those of TRL, with tokens and the best validation."""
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


def history_of(log: list[dict[str, Any]]) -> pd.DataFrame:
    """One row a step that was logged or evaluated."""
    rows: dict[int, dict[str, Any]] = {}
    for entry in log:
        if "train_runtime" in entry:
            continue
        rows.setdefault(int(entry["step"]), {}).update(entry)
    table = pd.DataFrame(list(rows.values())).sort_values("step", ignore_index=True) if rows else pd.DataFrame()
    first = ["step", "epoch", "loss", "learning_rate", "grad_norm", "eval_loss"]
    found = [name for name in first if name in table]
    found += sorted(str(name) for name in table if str(name).startswith(("eval_loss_", "loss_")))
    table = table[found] if found else pd.DataFrame({"step": [], "epoch": [], "loss": []})
    return table.astype({name: "float64" for name in found if name != "step"})
