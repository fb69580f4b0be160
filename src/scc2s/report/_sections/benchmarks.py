from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scc2s.report._parts import Note, Part, Said, Section, say
from scc2s.report._records import place, records, table
from scc2s.report._tables import facts_of, how, of_frame
from scc2s.report._values import number, text_of

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from scc2s.report._parts import Block, Sentence

_COLUMNS = {
    "kind": "kind",
    "status": "status",
    "reason": "reason",
    "accuracy": "accuracy",
    "accuracy_low": "from",
    "accuracy_high": "to",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "chance": "by chance",
    "unmapped": "answers that are no label",
    "perplexity": "perplexity",
    "perplexity_shuffled": "of shuffled genes",
    "gain": "gain over the best floor",
    "gain_low": "gain from",
    "gain_high": "gain to",
    "best_floor": "best floor",
    "verdict": "verdict of the controls",
    "cells_per_second": "cells per second",
}
_SHARES = ("accuracy", "accuracy_low", "accuracy_high", "balanced_accuracy", "chance", "unmapped")
_PARAMS = {
    "task": "task",
    "label_key": "truth",
    "n_cells": "cells",
    "donor_key": "donors",
    "labels": "labels",
    "seed": "seed",
}


def section(adata: AnnData) -> Section | None:
    """Several models on the same cells, with floors."""
    blocks: list[Block] = []
    summary: list[Said] = []
    for one in records(adata, "benchmark"):
        key = one.name.removesuffix("_record")
        found = table(adata, key)
        if found is None or not len(found):
            continue
        columns = {c: shown for c, shown in _COLUMNS.items() if c in found and found[c].notna().any()}
        blocks.append(
            Part(
                f"Benchmark: {key}",
                [
                    Note(
                        "plain",
                        say(
                            "Models that were trained on these cells look better than they are; a benchmark cannot "
                            "tell."
                        ),
                    ),
                    of_frame(
                        found,
                        place(key),
                        "Models and floors, best first",
                        columns,
                        name="name",
                        named="name",
                        shares=_SHARES,
                    ),
                    how(facts_of(one.params, f"{one.source}['params']", _PARAMS)),
                ],
                place(key),
            )
        )
        summary.append(Said("Benchmark" if key == "benchmark" else f"Benchmark: {key}", _said(found, key)))
    return Section("benchmarks", "Models compared", blocks, summary) if blocks else None


def _said(found: pd.DataFrame, key: str) -> list[Sentence]:
    done = np.flatnonzero(((found["kind"] == "model") & (found["status"] == "done")).to_numpy())
    if not len(done):
        return [say("No model gave an answer.")]
    i, where = int(done[0]), place(key)
    row = found.iloc[i]
    low = row.get("gain_low")
    lines = []
    if "accuracy" in found and not np.isnan(float(row["accuracy"])):
        right = number(row["accuracy"], f"{where}['accuracy'].iloc[{i}]", share=True)
        lines.append(say("The best model is {}, right in {} of the cells.", text_of(row["name"]), right))
    if "gain" in found and not np.isnan(float(row["gain"])):
        gain = number(row["gain"], f"{where}['gain'].iloc[{i}]")
        sure = low is not None and float(low) > 0
        words = "its interval is over 0" if sure else "its interval does not lie over 0"
        lines.append(
            say(f"Its gain over the best floor, {{}}, is {{}}; {words}.", text_of(row.get("best_floor")), gain)
        )
    return lines
