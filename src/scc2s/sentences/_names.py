from __future__ import annotations

import hashlib
import re
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SPACE = re.compile(r"\s+")


def name_hashes(names: Sequence[str], *, seed: int = 0) -> np.ndarray:
    """64-bit hash of each gene name: the same name gives the same number on every machine and in every order.

    Parameters
    ----------
    names
        Gene names.
    seed
        Another seed gives another, equally valid, order of tied genes.

    Returns
    -------
    uint64 array, one number a name (BLAKE2b, keyed by the seed).

    Examples
    --------
    >>> bool((name_hashes(["CD3D", "LYZ"]) == name_hashes(["LYZ", "CD3D"])[::-1]).all())
    True
    """
    return np.frombuffer(_digests(tuple(names), int(seed)), dtype="<u8").astype(np.uint64)


@lru_cache(maxsize=4)  # data that comes in blocks, or is ranked again, has the same names
def _digests(names: tuple[str, ...], seed: int) -> bytes:
    key = seed.to_bytes(16, "little", signed=True)
    return b"".join(hashlib.blake2b(n.encode(), digest_size=8, key=key).digest() for n in names)


def words(names: Sequence[str], *, upper: bool = False) -> list[str]:
    """Gene names as they stand in a sentence: white space inside a name becomes ``_``, so that a word stays one word.

    Parameters
    ----------
    names
        Gene names, e.g. ``adata.var_names``.
    upper
        Also write them in capitals, as the published C2S models were trained.

    Returns
    -------
    One word a gene, in the order of `names`.

    Raises
    ------
    ValueError
        If a name is empty, or two genes end up with the same word: the first few are named.

    Examples
    --------
    >>> words(["CD3D", "HLA DRA"])
    ['CD3D', 'HLA_DRA']
    """
    out = as_words(names, upper=upper)
    refuse_repeats(out, upper=upper)
    return out


def refuse_repeats(words: Sequence[str], *, upper: bool = False) -> None:
    """Raise if a word is empty or stands for two genes."""
    if "" in words:
        msg = f"gene {words.index('')} has an empty name; drop it: adata = adata[:, adata.var_names.str.strip() != '']"
        raise ValueError(msg)
    if len(set(words)) < len(words):
        twice = [w for w, n in Counter(words).items() if n > 1]
        msg = (
            f"{len(twice)} gene names stand for more than one gene{' after upper-casing' if upper else ''}: "
            f"{', '.join(twice[:5])}{', …' if len(twice) > 5 else ''}; pass on_duplicate='max' (or 'sum') to merge "
            "them, or call adata.var_names_make_unique() first"
        )
        raise ValueError(msg)


def as_words(names: Iterable[str], *, upper: bool = False) -> list[str]:
    """:func:`words` without the checks."""
    out = list(names)
    if set(map(type, out)) - {str}:
        out = list(map(str, out))
    together = "".join(out)
    _refuse_unwritable(out, together)
    if together.split() != [together]:  # there is white space
        out = [_SPACE.sub("_", n.strip()) for n in out]
    return [w.upper() for w in out] if upper else out


def _refuse_unwritable(names: list[str], together: str) -> None:
    """Raise where a name holds what no file can: a NUL, or half of a character (a lone surrogate)."""
    try:
        together.encode()
        wrong = [n for n in names if "\0" in n] if "\0" in together else []
    except UnicodeEncodeError:
        wrong = [n for n in names if n != n.encode(errors="replace").decode()]
    if wrong:
        msg = (
            f"{len(wrong)} gene names hold characters that cannot be written to a file (first: {wrong[0]!r}); rename "
            r"them, e.g. adata.var_names = [n.replace('\0', '_').encode(errors='replace').decode().replace('?', '_') "
            "for n in adata.var_names]"
        )
        raise ValueError(msg)
