from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scc2s.sentences import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from scc2s.sentences import Parsed


def validity(texts: Sequence[str], names: Sequence[str]) -> pd.DataFrame:
    """What generated sentences are made of: words, genes, repeats (as in Levine et al., ICML 2024, table of validity).

    Parameters
    ----------
    texts
        Sentences.
    names
        Names of the genes; read as by :func:`scc2s.sentences.parse`.

    Returns
    -------
    One row a sentence: ``n_words``; ``n_valid``, words that are genes, and ``valid``, their share; ``n_unique``,
    different genes, and ``unique``, their share of the valid words. The shares are NaN for a sentence without words
    (without genes).

    Examples
    --------
    >>> validity(["A B A X", ""], ["A", "B", "C"])[["n_words", "valid", "unique"]].round(3).to_numpy().tolist()
    [[4.0, 0.75, 0.667], [0.0, nan, nan]]
    """
    return shares(parse(list(texts), list(names)))


def shares(parsed: Parsed) -> pd.DataFrame:
    """:func:`validity` of sentences that are read already."""
    import pandas as pd

    words, valid, unique = (np.asarray(n, dtype=np.int64) for n in (parsed.n_words, parsed.n_valid, parsed.n_unique))
    return pd.DataFrame(
        {
            "n_words": words,
            "n_valid": valid,
            "n_unique": unique,
            "valid": np.divide(valid, words, out=np.full(len(words), np.nan), where=words > 0),
            "unique": np.divide(unique, valid, out=np.full(len(words), np.nan), where=valid > 0),
        }
    )
