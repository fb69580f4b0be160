"""A cell of each neighbourhood left out, for a model to write: what it is shown, what the answer is compared with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scc2s.metrics import bootstrap, gene_overlap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scc2s.tl._asking.contexts import SeenContexts

MODEL, SHOWN, RANDOM = "model", "cells that are shown", "random cells of the section"


@dataclass(frozen=True)
class LeftOut:
    """Neighbourhoods without one of their cells."""

    seen: SeenContexts
    """The rest, to be shown."""
    names: list[str]
    """The cells that were left out."""
    sentences: list[str]
    """What they are."""
    random: list[list[str]]
    """Sentences of the negative beside each; empty where there is none."""


def leave_out(seen: SeenContexts, sentences: Sequence[str], *, part: str) -> LeftOut:
    """The last cell of each neighbourhood that has a sentence; contexts hold their cells in an order of chance.

    Parameters
    ----------
    seen
        All contexts.
    sentences
        Of all cells of the data.
    part
        ``"test"``: only these, where there are such.
    """
    table = seen.contexts.table
    yes = table["label"].astype(str).to_numpy() == "yes"
    split = table["split"].astype(str).to_numpy()
    if part == "test" and (split == "test").any():
        yes &= split == "test"
    beside = {
        str(center): i
        for i, (center, kind) in enumerate(zip(table["center"], table["kind"], strict=True))
        if str(kind) == "negative"
    }
    kept, shown, names, truth, random = [], [], [], [], []
    for i in np.flatnonzero(yes).tolist():
        cells = [row for row in seen.rows[i].tolist() if sentences[row].strip()]
        if len(cells) < 2:
            continue
        kept.append(i)
        shown.append(np.array(cells[:-1], dtype=np.intp))
        names.append(seen.contexts.cells[i][seen.rows[i].tolist().index(cells[-1])])
        truth.append(_first(sentences[cells[-1]], seen.n_genes))
        at = beside.get(str(table["center"].iloc[i]))
        random.append([] if at is None else [_first(sentences[row], seen.n_genes) for row in seen.rows[at].tolist()])
    rest = replace(
        seen,
        contexts=type(seen.contexts)(table.iloc[kept], [seen.contexts.cells[i] for i in kept]),
        rows=shown,
        sentences=[[sentences[row] for row in rows] for rows in shown],
        fields={name: [values[i] for i in kept] for name, values in seen.fields.items()},
    )
    return LeftOut(rest, names, truth, random)


def compared(left: LeftOut, asked: np.ndarray, written: Sequence[str]) -> pd.DataFrame:
    """Genes that each answer shares with the cell that was left out, in percent of its genes, beside the floors.

    A floor is the mean over the cells that are shown, or over random cells of the section, as they are.
    """
    truth = [left.sentences[i] for i in asked.tolist()]
    shown = [left.seen.sentences[i] for i in asked.tolist()]
    return pd.DataFrame(
        {
            "overlap": gene_overlap(list(written), truth),
            "overlap_shown": [_mean(some, one) for some, one in zip(shown, truth, strict=True)],
            "overlap_random": [_mean(left.random[i], one) for i, one in zip(asked.tolist(), truth, strict=True)],
        }
    )


def overlap_report(overlaps: pd.DataFrame, clusters: np.ndarray, *, n_boot: int, random_state: int) -> pd.DataFrame:
    """Means over the contexts with intervals over blocks, and the paired gain of the model over each floor."""
    rows = []
    for name, column in ((MODEL, "overlap"), (SHOWN, "overlap_shown"), (RANDOM, "overlap_random")):
        rows.append(_interval(name, overlaps[column].to_numpy(), clusters, n_boot, random_state))
    for name, column in ((SHOWN, "overlap_shown"), (RANDOM, "overlap_random")):
        gain = (overlaps["overlap"] - overlaps[column]).to_numpy()
        rows.append(_interval(f"{MODEL} less {name}", gain, clusters, n_boot, random_state))
    return pd.DataFrame(rows)


def _interval(name: str, values: np.ndarray, clusters: np.ndarray, n_boot: int, random_state: int) -> dict[str, object]:
    there = np.isfinite(values)
    if not there.any():
        return {"answer": name, "overlap": np.nan, "low": np.nan, "high": np.nan, "n": 0}
    found = bootstrap(values[there], clusters=clusters[there].tolist(), n_boot=n_boot, random_state=random_state)
    return {"answer": name, "overlap": found.estimate, "low": found.low, "high": found.high, "n": int(there.sum())}


def _mean(some: Sequence[str], one: str) -> float:
    return float(np.mean(gene_overlap(list(some), [one] * len(some)))) if some else float("nan")


def _first(sentence: str, n_genes: int | None) -> str:
    return " ".join(sentence.split()[:n_genes])
