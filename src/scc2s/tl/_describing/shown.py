"""Cells that captions come from, and the caption that the answers about them agree on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from scc2s.prompts._consensus import consensus
from scc2s.tl._describing.grounding import listing

if TYPE_CHECKING:
    from anndata import AnnData

    from scc2s._cells.groups import Groups


class Shown(NamedTuple):
    """Cells that one caption comes from."""

    group: str
    number: int
    cells: np.ndarray


def cells_to_show(
    data: AnnData, groups: Groups, n_cells: int, n_captions: int, sentences: list[str], random_state: int
) -> list[Shown]:
    """Cells with a sentence, for each group and caption; a small group shows the same ones again."""
    written = np.array([bool(sentence.strip()) for sentence in sentences])
    out = []
    for group, rows in zip(groups.names, groups.shuffled(data.obs_names, random_state), strict=True):
        can = rows[written[rows]]
        for number in range(n_captions):
            places = number * n_cells + np.arange(min(n_cells, len(can)))
            out.append(Shown(group, number, can[places % max(1, len(can))]))
    return out


def agreed(shown: list[Shown], found: list[str], nulls: list[str], obs_names: pd.Index) -> pd.DataFrame:
    """One row a caption: of the answers about its cells, the one that the others agree with most."""
    rows = []
    said = iter(zip(found, nulls, strict=True))
    for group, number, cells in shown:
        pairs = [next(said) for _ in cells]
        texts = [text for text, _ in pairs]
        best = consensus(texts) if texts else 0
        order = [best, *(i for i in range(len(cells)) if i != best)] if texts else []
        text, null = pairs[best] if texts else ("", "")
        rows.append((group, number, text, True, listing(obs_names[cells[order]].astype(str)), null))
    return pd.DataFrame(rows, columns=["group", "caption", "text", "model_text", "cells", "null_text"])
