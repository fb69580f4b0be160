from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


def keyword_recall(texts: Sequence[str], keywords: Sequence[Sequence[str]]) -> np.ndarray:
    """Share of the keywords of each text that it names.

    Whole words, in any case, singular or plural (a final s or es); inner white space and hyphens are the same
    (scc2s definition).

    Parameters
    ----------
    texts
        Answers.
    keywords
        Keywords of each.

    Returns
    -------
    0 to 1 for each text; NaN where there are no keywords.

    Examples
    --------
    >>> keyword_recall(["Naive T cells express CCR7."], [["T cell", "CCR7", "IL7R", "cell"]]).tolist()
    [0.75]
    """
    if len(texts) != len(keywords):
        msg = f"{len(keywords)} lists of keywords for {len(texts)} texts; pass one list for each"
        raise ValueError(msg)
    out = np.full(len(texts), np.nan)
    for i, (text, wanted) in enumerate(zip(texts, keywords, strict=True)):
        if isinstance(wanted, str):
            msg = f"the keywords of text {i} are one string; pass a list of strings"
            raise TypeError(msg)
        if len(wanted):
            out[i] = np.mean([names_keyword(text, keyword) for keyword in wanted])
    return out


def names_keyword(text: str, keyword: str) -> bool:
    """Whether a text names a keyword, as :func:`keyword_recall` counts it."""
    words = [re.escape(word) for word in re.split(r"[\s-]+", keyword.strip().casefold()) if word]
    if not words:
        return False
    stem = words[-1]
    for ending in ("es", "s"):
        if len(stem) > 3 and stem.endswith(ending):
            stem = f"(?:{stem}|{stem.removesuffix(ending)})"
            break
    pattern = r"(?<!\w)" + r"[\s-]+".join([*words[:-1], stem]) + r"(?:e?s)?(?!\w)"
    return re.search(pattern, text.casefold()) is not None
