from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST = 40
"""Words that tell one sample from another."""


def sample_words(sentences: Sequence[str], n: int = MOST) -> str:
    """The genes that stand highest in the sentences of a sample, strongest first: what tells it from other samples.

    The place of a word counts from 1, at the start, to next to nothing at the end of the longest sentence, and 0 where
    a sentence lacks it; words are ordered by the mean, equal ones by name (scc2s definition).

    Parameters
    ----------
    sentences
        Of the cells of the sample.
    n
        At most so many words.

    Examples
    --------
    >>> sample_words(["LYZ CD14", "CD3D LYZ", "LYZ CD3E CD14"], 2)
    'LYZ CD14'
    """
    cells = [sentence.split() for sentence in sentences]
    longest = max(map(len, cells), default=0)
    total: Counter[str] = Counter()
    for words in cells:
        for place, word in enumerate(words):
            total[word] += longest - place  # whole numbers add up the same in any order
    return " ".join(sorted(total, key=lambda word: (-total[word], word))[:n])
