"""The table of a benchmark: a row for each model and floor, the best first."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scc2s._cells.provenance import file_names
from scc2s._logging import logger
from scc2s.metrics import bootstrap, label_agreement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scc2s.tl._benchmarking.contenders import Outcome
    from scc2s.tl._benchmarking.sample import Sample

_LABELS = {"agreement": "accuracy", "balanced agreement": "balanced_accuracy", "macro F1": "macro_f1", "kappa": "kappa"}
_COSTS = ("seconds_to_load", "seconds", "cells_per_second", "n_asked", "n_tokens")
_GAIN = ("gain", "gain_low", "gain_high")
_TEXTS = ("best_floor", "mode", "verdict", "id", "backend")
_COUNTS = ("n_asked", "n_tokens", "n_shortened", "n_labels_not_taught", "width")


def table_of_labels(
    outcomes: Sequence[Outcome], sample: Sample, names: Sequence[str], *, n_boot: int, random_state: int
) -> pd.DataFrame:
    """Rows with accuracy and its kin (:func:`scc2s.metrics.label_agreement`)."""
    truth = np.asarray(sample.labels)
    known = set(names)
    right = {one.name: _same(one.answers, truth) for one in outcomes if one.answers is not None}
    rows = []
    for one in outcomes:
        row = _head(one, len(truth))
        if one.answers is not None:
            found = label_agreement(
                one.answers.tolist(), truth.tolist(), clusters=_clusters(sample), n_boot=n_boot,
                random_state=random_state,
            )  # fmt: skip
            for measure, column in _LABELS.items():
                row |= {f"{column}{end}": found.loc[measure, name] for name, end in _ENDS.items()}
            row["chance"] = _dealt(one.answers, truth)
            row["unmapped"] = float(np.mean([answer not in known for answer in one.answers]))
        rows.append(row)
    return _finished(rows, outcomes, right, sample, "accuracy", n_boot=n_boot, random_state=random_state)


_ENDS = {"value": "", "low": "_low", "high": "_high"}


def table_of_likelihoods(
    outcomes: Sequence[Outcome], sample: Sample, *, n_boot: int, random_state: int
) -> pd.DataFrame:
    """Rows with the perplexity per gene over all genes."""
    rows = []
    for one in outcomes:
        row = _head(one, len(sample.rows))
        if one.answers is not None:
            n = np.asarray(one.more["n_genes"], dtype=np.float64)
            ends = _interval(
                np.column_stack([one.answers * n, n]), sample, n_boot, random_state,
                lambda both: float(np.exp(-both[:, 0].sum() / both[:, 1].sum())),
            )  # fmt: skip
            row |= dict(zip(("perplexity", "perplexity_low", "perplexity_high"), ends, strict=True))
        rows.append(row)
    values = {one.name: one.answers for one in outcomes if one.answers is not None}
    return _finished(rows, outcomes, values, sample, "perplexity", n_boot=n_boot, random_state=random_state)


def table_of_answers(outcomes: Sequence[Outcome], sample: Sample, names: Sequence[str]) -> pd.DataFrame:
    """What each said of each cell, and the label where it is known."""
    there = [one for one in outcomes if one.answers is not None]
    columns = ["label", *(one.name for one in there)] if sample.labels is not None else [one.name for one in there]
    values: list[Any] = [sample.labels] if sample.labels is not None else []
    values += [_text(one.answers) if sample.labels is not None else one.answers for one in there]
    return pd.DataFrame(dict(zip(file_names(columns), values, strict=True)), index=pd.Index(list(names)))


def _text(answers: Any) -> np.ndarray:
    return np.array(["" if answer is None else str(answer) for answer in answers], dtype=object)


def _head(one: Outcome, n_cells: int) -> dict[str, Any]:
    done = one.answers is not None
    return {
        "name": one.name,
        "kind": one.kind,
        "status": "done" if done else "failed",
        "reason": one.reason,
        "n_cells": n_cells if done else 0,
        **{name: value for name, value in one.more.items() if name != "n_genes"},
        "id": str(one.info.get("id", "")),
        "backend": str(one.info.get("backend", "")),
    }


def _finished(
    rows: list[dict[str, Any]],
    outcomes: Sequence[Outcome],
    values: dict[str, Any],
    sample: Sample,
    score: str,
    *,
    n_boot: int,
    random_state: int,
) -> pd.DataFrame:
    """Rows in order, with what each model is above the best floor, and what it cost."""
    smaller = score == "perplexity"
    by_name = {row["name"]: row for row in rows}
    floors = [one.name for one in outcomes if one.kind == "floor" and one.name in values]
    best = max(floors, key=lambda name: -by_name[name][score] if smaller else by_name[name][score])
    for one in outcomes:
        row = by_name[one.name]
        if one.kind == "model" and one.name in values:
            ends = _interval(values[one.name] - values[best], sample, n_boot, random_state)
            row |= {"best_floor": best, **dict(zip(_GAIN, ends, strict=True))}
            told = 2 if smaller else 1  # a sentence, and its genes in another order
            row["cells_per_second"] = row["n_asked"] / told / row["seconds"] if row["n_asked"] else np.nan
    table = pd.DataFrame(rows)
    scores = [name for name in map(str, table) if name.startswith((score, "balanced_", "macro_", "kappa"))]
    first = ["name", "kind", "status", "reason", "n_cells", *scores, "chance", "unmapped", "best_floor", *_GAIN]
    last = [*_COSTS, "id", "backend"]
    middle = [name for name in table if name not in (*first, *last)]
    table = table.reindex(columns=[*(name for name in first if name in table), *middle, *last])
    for name in table:
        if name in _TEXTS:
            table[name] = table[name].fillna("").astype(object)
        elif name in _COUNTS:
            table[name] = table[name].fillna(0).astype(np.int64)
        elif name not in first[:5]:
            table[name] = table[name].astype(np.float64)
    table = table.sort_values(score, ascending=smaller, kind="stable", na_position="last")
    return table.set_axis([str(i) for i in range(len(table))])


def _interval(
    values: np.ndarray, sample: Sample, n_boot: int, random_state: int, statistic: Any = None
) -> tuple[float, float, float]:
    """Estimate and its 95 % interval over cells, or over whole donors."""
    if not n_boot:
        whole = values.mean(axis=0) if statistic is None else statistic(values)
        return float(whole), float("nan"), float("nan")
    found = bootstrap(values, clusters=_clusters(sample), statistic=statistic, n_boot=n_boot, random_state=random_state)
    return float(found.estimate), float(found.low), float(found.high)


def _clusters(sample: Sample) -> list[Any] | None:
    return None if sample.donors is None else sample.donors.tolist()


def _same(answers: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return np.array([a == b for a, b in zip(answers, truth, strict=True)], dtype=np.float64)


def _dealt(answers: np.ndarray, truth: np.ndarray) -> float:
    """Expected accuracy of the same answers dealt to the cells at random."""
    given, there = Counter(answers.tolist()), Counter(truth.tolist())
    return sum(n * given[kind] for kind, n in there.items()) / len(truth) ** 2


def say(table: pd.DataFrame) -> None:
    """Log which models are not above the best floor."""
    models = table[(table["kind"] == "model") & (table["status"] == "done")]
    if not len(models):
        logger.warning("no model gave a result; see 'reason' in the table")
        return
    low = models["gain_low"].fillna(models["gain"])
    if poor := models.loc[low <= 0, "name"].tolist():
        logger.warning(
            "not above the best floor (%s): %s; see 'gain' in the table",
            models["best_floor"].iloc[0], ", ".join(map(str, poor)),
        )  # fmt: skip
