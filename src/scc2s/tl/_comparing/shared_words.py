"""Sentences of several data sets, less the words that not all of them can hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scc2s._cells.written_words import may_hold
from scc2s._logging import logger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anndata import AnnData


def shared_words(
    given: Mapping[str, AnnData], texts: Mapping[str, Sequence[str]], sentence_key: str
) -> dict[str, np.ndarray]:
    """Sentences of words that every side can hold, such as cells with the genes of ``.var`` and others of ``.raw``.

    Parameters
    ----------
    given
        The sides by name.
    texts
        Sentences of each.
    sentence_key
        Their name, by which the record of how they were made is found.

    Raises
    ------
    ValueError
        If no word of a side is one that all can hold.
    """
    words = {name: [text.split() for text in found] for name, found in texts.items()}
    can = {name: may_hold(adata, sentence_key, texts[name]) for name, adata in given.items()}
    common = set.intersection(*can.values())
    if all(held <= common for held in can.values()):
        return {name: np.array(list(found), dtype=object) for name, found in texts.items()}
    out = {}
    for name, found in words.items():
        kept = [[word for word in cell if word.casefold() in common] for cell in found]
        n_words, n_kept = sum(map(len, found)), sum(map(len, kept))
        if n_words and not n_kept:
            msg = (
                f"no word in the sentences of {name} is a gene that the other side can hold; make both from the same "
                f"genes, e.g. sc.pp.c2s_sentences({name}, use_raw=False)"
            )
            raise ValueError(msg)
        if n_kept < n_words:
            logger.warning(
                "%.1f %% of the words in the sentences of %s are genes that the other side cannot hold, and are left "
                "out; make both from the same genes, e.g. sc.pp.c2s_sentences(%s, use_raw=False)",
                max(0.1, 100 * (n_words - n_kept) / n_words), name, name,
            )  # fmt: skip
        out[name] = np.array([" ".join(cell) for cell in kept], dtype=object)
    return out
