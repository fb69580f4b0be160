from __future__ import annotations

import string
from typing import TYPE_CHECKING

import numpy as np

from scc2s.sentences import parse

if TYPE_CHECKING:
    from collections.abc import Sequence


def gene_overlap(generated: Sequence[str], reference: Sequence[str], *, k: int | None = None) -> np.ndarray:
    """Share of the reference's genes that the generated sentence has too, in percent.

    ``100 |generated & reference| / |reference|`` over the first `k` words of both (C2S-Scale, bioRxiv
    10.1101/2025.04.14.648850, gene overlap). Two random cells of one type share about half of their top 100 genes, so
    give the overlap of random pairs of real cells beside it.

    Parameters
    ----------
    generated, reference
        Sentences, pair by pair. Words are read as :func:`scc2s.sentences.parse` and so :func:`validity` read them:
        capitals and punctuation at the ends make no difference, unless they tell two words of the reference apart.
    k
        Words of each sentence that count; ``None``: all.

    Returns
    -------
    0 to 100 for each pair; NaN where the reference has no words.

    Raises
    ------
    ValueError
        Other numbers of sentences, or `k` under 1.
    TypeError
        If a sentence is not a string.

    Examples
    --------
    >>> gene_overlap(["A B C D"], ["B X A Y"]).tolist()
    [50.0]
    >>> gene_overlap(["a, B c."], ["A B C D"]).tolist()
    [75.0]
    """
    if isinstance(generated, str) or isinstance(reference, str) or len(generated) != len(reference):
        msg = "generated and reference are to be lists of sentences of one length; pass them pair by pair"
        raise ValueError(msg)
    if k is not None and k < 1:
        msg = f"k={k} leaves no words; pass k= a whole number from 1, or None for all words"
        raise ValueError(msg)
    if not all(isinstance(text, str) for side in (generated, reference) for text in side):
        msg = "generated and reference hold something else than strings; pass sentences, '' for a cell without one"
        raise TypeError(msg)
    out = np.full(len(generated), np.nan)
    for i, (a, b) in enumerate(zip(generated, reference, strict=True)):
        wanted = list(dict.fromkeys(word.strip(string.punctuation) or word for word in b.split()[:k]))
        if wanted:
            out[i] = 100 * parse([" ".join(a.split()[:k])], wanted).n_unique[0] / len(wanted)
    return out
