"""Whether tables of samples teach what they should, and whether a validation table can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("prompt", "completion")
_MAKE = "make them with scc2s.pp.samples(adata, task)"


def check_samples(samples: pd.DataFrame, what: str) -> None:
    """Raise for samples that nothing, or something wrong, would be learned from."""
    if not hasattr(samples, "columns"):
        msg = f"{what} is a {type(samples).__name__}, not a DataFrame of prompts and completions; {_MAKE}"
        raise TypeError(msg)
    if missing := [c for c in (*COLUMNS, "task") if c not in samples]:
        msg = f"{what} lack the columns {missing}; {_MAKE}"
        raise ValueError(msg)
    if not len(samples):
        purpose = "to train on" if what == "samples" else "to validate with"
        msg = f"there are no samples {purpose}; make some with scc2s.pp.samples(adata, task)"
        raise ValueError(msg)
    for column in COLUMNS:
        empty = np.array([not isinstance(text, str) or not text.strip() for text in samples[column]])
        if empty.any():
            msg = (
                f"{int(empty.sum())} {what} have no {column} (missing or blank), the first in row "
                f"{int(empty.argmax())}; leave them out: samples[samples[{column!r}].fillna('').str.strip() != '']"
            )
            raise ValueError(msg)
    if n_without := int(samples["task"].isna().sum()):
        msg = f"{n_without} {what} have no task; name it: samples.assign(task=samples['task'].fillna('...'))"
        raise ValueError(msg)


def refuse_leak(samples: pd.DataFrame, validation: pd.DataFrame) -> None:
    """Refuse a validation whose samples are trained with.

    A sample leaks where prompt and completion are those of one that is trained with, or the prompt alone where prompts
    of its task tell the cell: where no prompt of the samples has two answers, as prompts that ask for *a* B cell have.

    Raises
    ------
    ValueError
        How many, and of which tasks.
    """
    leaks = np.zeros(len(validation), dtype=bool)
    tasks = validation["task"].astype(str).to_numpy()
    for task, own in samples.groupby(samples["task"].astype(str), sort=False):
        rows = np.flatnonzero(tasks == task)
        if not len(rows):
            continue
        pairs = own[list(COLUMNS)].drop_duplicates()
        held = validation.iloc[rows]
        if pairs["prompt"].is_unique:
            leaks[rows] = held["prompt"].isin(set(pairs["prompt"])).to_numpy()
        else:
            known = set(pairs.itertuples(index=False, name=None))
            leaks[rows] = [pair in known for pair in held[list(COLUMNS)].itertuples(index=False, name=None)]
    if leaks.any():
        where = ", ".join(f"{int(leaks[tasks == task].sum())} of task {task!r}" for task in sorted(set(tasks[leaks])))
        msg = (
            f"{int(leaks.sum())} of {len(validation)} samples of the validation are trained with as well ({where}; the "
            f"first in row {int(leaks.argmax())}), so its loss would not tell what is learned by heart; split cells or "
            "donors before samples are made: scc2s.pp.split(adata), or leave them out: "
            "validation[~validation['prompt'].isin(samples['prompt'])]"
        )
        raise ValueError(msg)
