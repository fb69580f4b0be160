"""Captions beside what the model says without a cell, and of other cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scc2s._logging import logger
from scc2s.models._answers import answers
from scc2s.prompts._answers import prose
from scc2s.prompts._consensus import alike

if TYPE_CHECKING:
    from scc2s.tl._asking.decoding import Decoding
    from scc2s.tl._asking.question import Question

_SAME = "the model says the same without a cell"
_MOST = 3
"""Captions whose reasons the log names."""


def without_cells(model: Any, question: Question, decoding: Decoding) -> list[str]:
    """What the model writes where the prompts have no genes, for each prompt; equal ones are asked once."""
    asked = question.null_texts()
    raw = answers(
        model,
        asked,
        max_new_tokens=decoding.max_new_tokens,
        sampling=decoding.sampling,
        random_state=decoding.random_state,
        cache=decoding.cache,
    )
    return [prose(text, prompt) for text, prompt in zip(raw, asked, strict=True)]


def likeness(table: pd.DataFrame, *, controls: bool) -> pd.DataFrame:
    """How many words the captions of a table share with their ``null_text``, and on average with other groups'.

    Returns
    -------
    ``like_null`` (NaN without `controls`) and ``like_others`` (NaN where there are no others), a row for each of
    `table`; NaN for an empty caption.
    """
    rows = []
    texts, groups = table["text"].tolist(), table["group"].tolist()
    for text, group, null in zip(texts, groups, table["null_text"], strict=True):
        others = [alike(text, one) for one, of in zip(texts, groups, strict=True) if of != group and one]
        rows.append(
            (alike(text, null) if text and controls else np.nan, np.mean(others) if text and others else np.nan)
        )
    return pd.DataFrame(rows, columns=["like_null", "like_others"], dtype=float)


def flag_nulls(table: pd.DataFrame) -> pd.DataFrame:
    """The table, with captions flagged that have all words in common with their ``null_text``."""
    same = table["like_null"] == 1
    why = [f"{_SAME}; {why}".rstrip("; ") if one else why for one, why in zip(same, table["why"], strict=True)]
    return table.assign(flagged=table["flagged"] | same, why=why)


def log_flagged(table: pd.DataFrame) -> None:
    """Log how many captions are flagged, and why the first of them are."""
    flagged = table[table["flagged"]]
    if len(flagged):
        first = flagged["why"].str.split("; ").str[0]
        said = [f"{group} ({why})" for group, why in zip(flagged["group"], first, strict=True)][:_MOST]
        more = "; ..." if len(flagged) > _MOST else ""
        logger.warning("%d of %d captions are flagged: %s%s", len(flagged), len(table), "; ".join(said), more)
    judged = table["type_supported"] != ""
    if not judged.all():
        logger.info("the cell type of %d of %d captions could not be judged", int((~judged).sum()), len(table))
