from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable


def scramble(name: str, random_state: int = 0) -> str:
    """The letters and digits of a name in another order, everything else in its place; never the name itself.

    The control of every claim that a model knows what a name means: it says the same of a scrambled one if it does not.

    Examples
    --------
    >>> scramble("IFN-beta") != "IFN-beta", sorted(scramble("IFN-beta")) == sorted("IFN-beta")
    (True, True)
    """
    letters = [i for i, character in enumerate(name) if character.isalnum()]
    rng = np.random.default_rng([random_state, zlib.crc32(name.encode())])
    out = list(name)
    if len({name[i].casefold() for i in letters}) < 2:  # no order differs: take the next letters of the alphabet
        for i in letters:
            out[i] = chr((ord(name[i].lower()) - ord("a") + 1) % 26 + ord("a"))
        return "".join(out)
    while "".join(out).casefold() == name.casefold():
        for i, j in zip(letters, rng.permutation(letters), strict=True):
            out[i] = name[j]
    return "".join(out)


def scrambles(name: str, n: int, *, avoid: Iterable[str] = (), random_state: int = 0) -> list[str]:
    """`n` different scrambled names, none of them in `avoid`.

    A short name has few orders. After these come letters and digits drawn at random for those of the name, then longer
    names.

    Examples
    --------
    >>> found = scrambles("TNF", 8, avoid=["NTF"])
    >>> len(set(found)), "TNF" in found, "NTF" in found
    (8, False, False)
    """
    rng = np.random.default_rng([random_state, zlib.crc32(name.encode()), 1])
    taken = {name.casefold(), *(other.casefold() for other in avoid)}
    found: list[str] = []
    misses = 0
    while len(found) < n:
        out = scramble(name, int(rng.integers(2**31))) if misses < 20 else _drawn(name, misses // 40, rng)
        if out.casefold() in taken:
            misses += 1
            continue
        taken.add(out.casefold())
        found.append(out)
    return found


def _drawn(name: str, n_more: int, rng: np.random.Generator) -> str:
    """Each letter another letter, each digit another digit, and some letters after."""
    letters, digits = "abcdefghijklmnopqrstuvwxyz", "0123456789"
    out = [
        rng.choice(list(digits)) if c.isdigit()
        else rng.choice(list(letters if c.islower() else letters.upper())) if c.isalnum()
        else c
        for c in name
    ]  # fmt: skip
    return "".join([*out, *rng.choice(list(letters), n_more)])
