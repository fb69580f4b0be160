from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

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
        Sentences, pair by pair.
    k
        Words of each sentence that count; ``None``: all.

    Returns
    -------
    0 to 100 for each pair; NaN where the reference has no words.

    Raises
    ------
    ValueError
        Other numbers of sentences.

    Examples
    --------
    >>> gene_overlap(["A B C D"], ["B X A Y"]).tolist()
    [50.0]
    """
    if isinstance(generated, str) or isinstance(reference, str) or len(generated) != len(reference):
        msg = "generated and reference are to be lists of sentences of one length; pass them pair by pair"
        raise ValueError(msg)
    out = np.full(len(generated), np.nan)
    for i, (a, b) in enumerate(zip(generated, reference, strict=True)):
        wanted = set(b.split()[:k])
        if wanted:
            out[i] = 100 * len(wanted & set(a.split()[:k])) / len(wanted)
    return out
