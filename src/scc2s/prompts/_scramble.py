from __future__ import annotations

import zlib
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

_ALIKE = 0.6
"""Share of matching letters (difflib) from which a made-up name is taken for near to another."""


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


def made_up(name: str, n: int, *, avoid: Iterable[str] = (), random_state: int = 0) -> list[str]:
    """`n` different names that mean nothing, built like `name` and of other letters, near to none of `avoid`.

    Capitals, digits, hyphens and blanks stand where they do in `name`, and letters are those of syllables drawn at
    random: a name that a model knows and its scrambled letters are read alike in part, which makes a null that depends
    on the hit. Names with fewer than five letters get some more.

    Examples
    --------
    >>> found = made_up("IFN-beta", 3, avoid=["IFN-gamma"])
    >>> len(set(found)), {(len(other), other[3], other[:3].isupper()) for other in found}
    (3, {(8, '-', True)})
    """
    rng = np.random.default_rng([random_state, zlib.crc32(name.encode()), 2])
    known = {_key(other) for other in (name, *avoid)}
    found: list[str] = []
    taken = set(known)
    misses = 0
    while len(found) < n:
        out = _syllables(name, misses // 20, rng)
        key = _key(out)
        if key in taken or any(_near(key, other) for other in known):
            misses += 1
            continue
        taken.add(key)
        found.append(out)
    return found


_CONSONANTS, _VOWELS, _DIGITS = "bdfghjklmnprstvwz", "aeiou", "0123456789"
_FEWEST = 5
"""Letters of a made-up name at least, so that there are enough of them."""


def _syllables(name: str, n_more: int, rng: np.random.Generator) -> str:
    """Consonants and vowels in turn for the letters, other digits for the digits, and some letters after."""
    n_letters = sum(c.isalpha() for c in name)
    shape = name + "x" * (max(0, _FEWEST - n_letters) + n_more)
    out, turn = [], 0
    for character in shape:
        if character.isalpha():
            letter = str(rng.choice(list(_VOWELS if turn % 2 else _CONSONANTS)))
            out.append(letter.upper() if character.isupper() else letter)
            turn += 1
        else:
            out.append(str(rng.choice(list(_DIGITS))) if character.isalnum() else character)
    return "".join(out)


def _key(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())


def _near(key: str, other: str) -> bool:
    """Whether two names share most of their letters in the same order."""
    if not other or min(len(key), len(other)) < 0.5 * max(len(key), len(other)):
        return False
    match = SequenceMatcher(None, key, other, autojunk=False)
    return match.quick_ratio() >= _ALIKE and match.ratio() >= _ALIKE
