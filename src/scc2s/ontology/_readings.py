"""What a name says, whatever its spelling: words without case, accents, punctuation and plural."""

from __future__ import annotations

import re
import unicodedata

_GREEK = {"α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "κ": "kappa", "φ": "phi"}
_BRITISH = {
    "haem": "hem",
    "oesoph": "esoph",
    "foet": "fet",
    "tumour": "tumor",
    "leuco": "leuko",
    "fibre": "fiber",
}
_POSITIVE = re.compile(r"(?<=[^\W_])(?:\++|[- ](?:positive|pos)\b)")
_NEGATIVE = re.compile(r"(?<=[^\W_])(?:[-\u2212\u2013](?=$|[\s,;)])|[- ](?:negative|neg)\b)")
_LOW = re.compile(r"(cd\d+[a-z]?)[- ]?(?:low|lo|dim)\b")
_HIGH = re.compile(r"(cd\d+[a-z]?)[- ]?(?:high|hi|bright)\b")
_BARE_CD = re.compile(r"cd\d+[a-z]?")
_WORDS = {
    "baso": "basophil",
    "eos": "eosinophil",
    "fcgr3a": "cd16",
    "fcgr3apos": "cd16pos",
    "fibro": "fibroblast",
    "mac": "macrophage",
    "mem": "memory",
    "mono": "monocyte",
    "mphi": "macrophage",
    "neut": "neutrophil",
    "neutro": "neutrophil",
    "nonclassical": "non classical",
    "prog": "progenitor",
    "tcell": "t cell",
    "bcell": "b cell",
    "nkcell": "nk cell",
    "gdt": "gamma delta t",
    "gd": "gamma delta",
    "gammadelta": "gamma delta",
    "alphabeta": "alpha beta",
}
"""Short forms of single words that mean one thing in any name."""
_LYMPHOCYTES = re.compile(r"\b(t|b) lymphocyte\b")
_LEFT_OUT = {"of", "the"}
_IMPLIED = {"alpha", "beta", "thymus", "derived"}
"""Words of the Cell Ontology that everyday names of CD4 and CD8 T cells leave out."""


def words(name: str) -> list[str]:
    """Words of a name in one spelling.

    Case, accents, Greek letters, punctuation, plural, British spellings and common short forms make no difference;
    ``CD4+``, ``CD4-positive`` and a bare ``CD4`` are one word, and another than ``CD4-`` or ``CD4-low``.

    Examples
    --------
    >>> words("Naïve CD4+ T-cells")
    ['naive', 'cd4pos', 't', 'cell']
    >>> words("CD14-positive, CD16- Mono")
    ['cd14pos', 'cd16neg', 'monocyte']
    """
    plain = unicodedata.normalize("NFKD", name).casefold()
    text = "".join(_GREEK.get(c, c) for c in plain if not unicodedata.combining(c))
    for old, new in _BRITISH.items():
        text = text.replace(old, new)
    text = text.replace("_", " ").replace("/", " or ").replace("&", " and ")  # T/NK is not NK T
    text = _HIGH.sub(r"\1high ", _LOW.sub(r"\1low ", text))
    text = _NEGATIVE.sub("neg ", _POSITIVE.sub("pos ", text))
    found = [_singular(word) for word in re.findall(r"[^\W_]+", text)]
    found = [f"{word}pos" if _BARE_CD.fullmatch(word) else _WORDS.get(word, word) for word in found]
    return _LYMPHOCYTES.sub(r"\1 cell", " ".join(found)).split()


def in_order(found: list[str]) -> str:
    """The reading that keeps the order of words."""
    return " ".join(found)


def any_order(found: list[str]) -> str:
    """The reading that does not: ``memory B cell`` is ``B cell, memory``; ``of`` and ``the`` do not count."""
    return " ".join(sorted(word for word in found if word not in _LEFT_OUT))


def everyday(found: list[str]) -> str | None:
    """Any order, without what everyday names of T cells leave out; ``None`` where that is nothing."""
    kept = [word for word in found if word not in _IMPLIED]
    is_t = "t" in found and ("cd4pos" in found or "cd8pos" in found)
    return any_order(kept) if is_t and len(kept) < len(found) else None


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-1] if len(word) > 2 and word.endswith("s") and not word.endswith(("ss", "us", "is", "os")) else word
