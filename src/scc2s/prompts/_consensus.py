from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def consensus(texts: Sequence[str]) -> int:
    """Which of several answers the others agree with most: the first of those with the highest mean Dice coefficient.

    Compared are words, without regard to case and order, repeats counted: 2 x shared / sum of both. It is the choice by
    minimum Bayes risk among the answers themselves (Kumar & Byrne, NAACL 2004) with this coefficient for the gain.

    Examples
    --------
    >>> consensus(["A B cell from blood", "no idea", "A B cell from the blood"])
    0
    """
    bags = [_bag(text) for text in texts]
    gains = [sum(_dice(bag, other) for other in bags) for bag in bags]
    return gains.index(max(gains))


def alike(text: str, other: str) -> float:
    """Dice coefficient of the words of two texts: 1 for the same words in any order, 0 for none in common.

    Examples
    --------
    >>> alike("A B cell", "a T cell")
    0.6666666666666666
    """
    return _dice(_bag(text), _bag(other))


def _bag(text: str) -> Counter[str]:
    return Counter(text.casefold().split())


def _dice(a: Counter[str], b: Counter[str]) -> float:
    total = a.total() + b.total()
    return 2 * (a & b).total() / total if total else 1.0
