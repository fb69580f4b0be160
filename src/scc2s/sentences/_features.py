from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def rank_features(
    sentences: Sequence[str], n_genes: int | None = None, *, vocabulary: Mapping[str, int] | None = None
) -> tuple[sparse.csr_matrix, dict[str, int]]:
    """Sentences as numbers: ``log((n_genes + 1) / rank)`` of each word, 0 where it is not there.

    What a sentence says and nothing else, for a classifier that is to be compared with a model that reads it (scc2s
    definition).

    Parameters
    ----------
    sentences
        Sentences, ``""`` where a cell has none.
    n_genes
        Words of a full sentence; ``None``: those of the longest one.
    vocabulary
        Column of each word, e.g. of other sentences; words that are not in it are left out, and keep their place in the
        sentence. ``None`` numbers words as they come.

    Returns
    -------
    Cells x words, and the column of each word.

    Examples
    --------
    >>> X, words = rank_features(["B A", "A"], n_genes=2)
    >>> X.toarray().round(2).tolist(), words
    ([[1.1, 0.41], [0.0, 1.1]], {'B': 0, 'A': 1})
    """
    rows = [sentence.split() for sentence in sentences]
    longest = max(map(len, rows), default=0)
    weight = np.log((max(n_genes or 0, longest) + 1) / np.arange(1, longest + 1))
    if vocabulary is None:
        known = {word: i for i, word in enumerate(dict.fromkeys(word for row in rows for word in row))}
    else:
        known = dict(vocabulary)
    indices, data, indptr = [], [], [0]
    for row in rows:
        for place, word in enumerate(row):
            if (column := known.get(word)) is not None:
                indices.append(column)
                data.append(weight[place])
        indptr.append(len(indices))
    return sparse.csr_matrix((data, indices, indptr), shape=(len(rows), len(known))), known
