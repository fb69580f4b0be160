from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence


def label_lists(pred: Sequence[Sequence[str]], true: Sequence[Sequence[str]]) -> pd.DataFrame:
    """Lists of labels against lists of labels, such as the cell types of samples: as sets, counted, and in order.

    C2S-Scale asks for the cell types of several cells at once (bioRxiv 10.1101/2025.04.14.648850, table 1) and reports
    BERTScore; these are scc2s definitions. A list may be ragged: of another length than the truth.

    Parameters
    ----------
    pred, true
        One list for each sample. Labels are compared letter for letter; what is not a label (``"unmapped"``) may be
        among `pred` and then counts as wrong.

    Returns
    -------
    One row a sample:

    ``n_pred``, ``n_true``
        Lengths.
    ``precision``, ``recall``, ``f1``, ``jaccard``
        Of the sets of labels: shared by predicted, by true; ``2 shared / (predicted + true)``; shared by either.
    ``counted_f1``
        The same F1 with labels as often as they occur: ``2 sum(min(counts)) / (n_pred + n_true)``.
    ``in_order``
        Share of places where both have the same label, of the places of the longer list.

    Both empty: 1 everywhere, for there is nothing to get wrong. One empty: 0, and what has nothing to divide by is NaN
    (``precision`` without predictions, ``recall`` without truth).

    Raises
    ------
    ValueError
        Other numbers of lists.
    TypeError
        If a list is a single text.

    Notes
    -----
    Most samples hold the same few types, so that an answer that is always the same scores high: give the scores of the
    answers of other samples beside it, e.g. ``label_lists(pred[1:] + pred[:1], true)``.

    Examples
    --------
    >>> table = label_lists([["B", "T", "T"]], [["T", "B", "T", "NK"]])
    >>> table[["precision", "recall", "jaccard", "counted_f1", "in_order"]].round(3).to_numpy().tolist()
    [[1.0, 0.667, 0.667, 0.857, 0.25]]
    """
    if len(pred) != len(true):
        msg = f"there are {len(pred)} predicted lists and {len(true)} true ones; pass them sample by sample"
        raise ValueError(msg)
    if any(isinstance(one, str) for side in (pred, true) for one in side):
        msg = "a sample has a single text in place of a list of labels; pass [[label, ...], ...]"
        raise TypeError(msg)
    rows = [_row(list(a), list(b)) for a, b in zip(pred, true, strict=True)]
    columns = ["n_pred", "n_true", "precision", "recall", "f1", "jaccard", "counted_f1", "in_order"]
    return pd.DataFrame(rows, columns=columns).astype({"n_pred": np.int64, "n_true": np.int64})


def _row(a: list[str], b: list[str]) -> tuple[float, ...]:
    if not a and not b:
        return (0, 0, *[1.0] * 6)
    shared, either = set(a) & set(b), set(a) | set(b)
    both = (Counter(a) & Counter(b)).total()
    same = sum(x == y for x, y in zip(a, b, strict=False))
    return (
        len(a),
        len(b),
        len(shared) / len(set(a)) if a else np.nan,
        len(shared) / len(set(b)) if b else np.nan,
        2 * len(shared) / (len(set(a)) + len(set(b))),
        len(shared) / len(either),
        2 * both / (len(a) + len(b)),
        same / max(len(a), len(b)),
    )
