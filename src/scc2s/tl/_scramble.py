from __future__ import annotations

import zlib

import numpy as np


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
