"""The card of a trained model: what it was taught, how, how well, and under which licence."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from ._mixture import Mixture

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from ._base import Base

_PACKAGES = ("scc2s", "torch", "transformers", "trl", "peft", "bitsandbytes")
_NO_LICENCE = "not given: say it with license=, as that of the base and of the data allow"


def card(
    base: Base,
    samples: pd.DataFrame | Mixture,
    validation: pd.DataFrame | None,
    metrics: Mapping[str, float],
    settings: Mapping[str, Any],
    *,
    title: str,
    license: str | None,
    use: str,
) -> str:
    """Text of ``README.md``.

    Parameters
    ----------
    base
        What was trained.
    samples, validation
        Of the run.
    metrics
        Of the run.
    settings
        All that was set, by name.
    title
        First line.
    license
        Of the result; ``None``: that of the base.
    use
        How to load it.
    """
    licence = license or base.licence
    of_base = f"{base.licence} (that of the base)" if base.licence else _NO_LICENCE
    name = base.id or f"a {base.lm.config.model_type} model in memory"
    head = ["---", f"license: {_yaml(licence)}" if licence else "license: unknown"]
    head += [f"base_model: {base.id}"] if base.id and base.id.count("/") == 1 and base.id[0] not in "./~" else []
    head += ["tags:", "- scc2s", "- single-cell", "- cell-sentences", "---"]
    start = "" if base.pretrained else " Its weights were random when training began."
    lines = [
        *head,
        f"# {title}",
        "",
        f"{use} Research use only.",
        "",
        "## Base",
        "",
        f"- Model: {name}{f', revision {base.revision}' if base.revision else ''}.{start}",
        f"- Weights (SHA-256): {base.weights_hash or 'not from a file'}",
        f"- Licence of the base: {base.licence or ('not known' if base.id else 'not told by a model in memory')}",
        f"- Licence of this model: {license or of_base}",
        "",
        "## Data",
        "",
        *(_shares(samples, validation) if isinstance(samples, Mixture) else _table(samples, validation)),
        "",
        "## Figures",
        "",
        *[f"- {_word(key)}: {value:,.6g}" for key, value in metrics.items()],
        "",
        _meaning(validation),
        "",
        "## Settings",
        "",
        *[f"- {key}: {value}" for key, value in settings.items()],
        f"- versions: {versions()}",
        "",
    ]
    return "\n".join(lines)


def versions() -> str:
    """Of what trained."""
    found = []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def _table(samples: pd.DataFrame, validation: pd.DataFrame | None) -> list[str]:
    """Samples of each task, and of each study or donor where columns name them."""
    counts = samples["task"].astype(str).value_counts()
    held = None if validation is None else validation["task"].astype(str).value_counts()
    rows = ["| task | samples | validation |", "| --- | --- | --- |"]
    for task in sorted({*counts.index, *(() if held is None else held.index)}):
        n_held = "none" if held is None else f"{held.get(task, 0):,}"
        rows.append(f"| {task} | {counts.get(task, 0):,} | {n_held} |")
    for column in ("study", "dataset", "donor", "sample", "batch"):
        if column in samples:
            own = sorted(map(str, samples[column].dropna().unique()))
            shown = ", ".join(own[:20]) + (f" and {len(own) - 20} more" if len(own) > 20 else "")
            apart = ""
            if validation is not None and column in validation:
                shared = set(own) & set(map(str, validation[column].dropna().unique()))
                apart = (
                    "; none of them is in the validation" if not shared else f"; {len(shared)} are also validated on"
                )
            rows += ["", f"- {column}: {shown}{apart}"]
    return rows


def _shares(mixture: Mixture, validation: pd.DataFrame | None) -> list[str]:
    """What a mixture is of."""
    held = None if validation is None else validation["task"].astype(str).value_counts()
    rows = [
        f"Samples were drawn afresh for each step (seed {mixture.seed}).",
        "",
        "| task | share of steps | samples a step | loss | validation |",
        "| --- | --- | --- | --- | --- |",
    ]
    for task, share in mixture.shares.items():
        source = mixture.sources[task]
        n_held = "none" if held is None else f"{held.get(task, 0):,}"
        loss = "of completions" if source.loss is None else "of its own"
        rows.append(f"| {task} | {share:.1%} | {source.batch_size} | {loss} | {n_held} |")
    return rows


def _meaning(validation: pd.DataFrame | None) -> str:
    if validation is None:
        return "No samples were held out: the loss says how well samples were learned, not how well new cells are read."
    return (
        "`eval_loss` is the mean negative log-likelihood (nats a token) of completions that were not trained on; tasks "
        "count by their samples. It stopped, or chose its weights, by this loss, which is therefore a little too good: "
        "measure on other cells."
    )


def _word(name: str) -> str:
    return f"`{name}`"


def _yaml(text: str) -> str:
    return text if all(letter.isalnum() or letter in "-._" for letter in text) else json.dumps(text)
