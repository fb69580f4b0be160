"""What a text scores when its words stand in another order: what a search must be better than."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scc2s._logging import logger
from scc2s.tl._searching.found import order

if TYPE_CHECKING:
    from collections.abc import Sequence

COLUMNS = ["text", "score_of_top", "best_score", "rank_of_top"]


def floor_table(others: Sequence[str], scores: np.ndarray, names: Sequence[str], top: int) -> pd.DataFrame:
    """One row for each text of reordered words.

    Parameters
    ----------
    others
        The texts.
    scores
        Texts x cells or groups.
    names
        Of these.
    top
        Place among them of what the text itself finds best.

    Returns
    -------
    ``text``, ``score_of_top`` (its score of the top result), ``best_score`` (its highest score of any) and
    ``rank_of_top`` (place of the top result by it, 1 for the first).

    Examples
    --------
    >>> floor_table(["cell NK"], np.array([[0.5, 2.0]]), ["a", "b"], top=0).to_numpy().tolist()
    [['cell NK', 0.5, 2.0, 2]]
    """
    rows = [
        (text, float(row[top]), float(np.nanmax(row)), int(np.flatnonzero(order(row, names) == top)[0]) + 1)
        for text, row in zip(others, scores, strict=True)
    ]
    out = pd.DataFrame(rows, columns=COLUMNS).astype({"text": object, "rank_of_top": np.int64})
    return out.astype({"score_of_top": float, "best_score": float}).set_axis(pd.RangeIndex(len(out)).astype(str))


def beats(score: float, floor: pd.DataFrame) -> bool:
    """Whether the top result scores above all that any reordered text finds; ``False`` where there is none."""
    return bool(len(floor)) and bool(score > floor["best_score"].max())


def say_floor(text: str, name: str, score: float, floor: pd.DataFrame) -> None:
    """One warning where the text is no better than its words in another order, or there is no other order."""
    if not len(floor):
        logger.warning(
            "%r has no other order of its words, so nothing says what a meaningless text would score; a query of more "
            "words has such a floor",
            text,
        )
    elif not beats(score, floor):
        logger.warning(
            "%r scores %.3g for %s, which it finds best, and its words in another order score up to %.3g: this result "
            "rests on the words at most, not on what the text says; see uns['c2s'][...]['floor']",
            text, score, name, floor["best_score"].max(),
        )  # fmt: skip
