from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd


@dataclass(frozen=True)
class LabelReport:
    """How predicted labels compare with true ones."""

    n: int
    accuracy: float
    low: float
    """Lower end of the 95 % Wilson interval of the accuracy."""
    high: float
    balanced_accuracy: float
    """Mean recall of the true labels."""
    macro_f1: float
    """Mean F1 over the true labels."""
    unmapped: float
    """Share of predictions that are none of the known labels; they count as wrong."""
    majority: float
    """Accuracy of always giving the most frequent true label: the floor."""
    table: pd.DataFrame
    """Precision, recall, F1 and number of cells of each true label."""
    confusion: pd.DataFrame
    """Cells of each true label (rows) by predicted label (columns)."""


def label_report(true: Sequence[Any], predicted: Sequence[Any], *, known: Sequence[Any] | None = None) -> LabelReport:
    """Accuracy and its kin for predicted labels; what is not a known label counts as wrong and is never left out.

    Parameters
    ----------
    true
        True labels; missing ones are an error.
    predicted
        Predicted labels; missing values count as wrong.
    known
        Labels that could be predicted; ``None``: those that occur in `true`.

    Raises
    ------
    ValueError
        Other lengths, no labels, or missing true labels.

    Examples
    --------
    >>> report = label_report(["B", "B", "T", "T"], ["B", "T", "T", "unmapped"])
    >>> report.accuracy, report.unmapped, report.majority
    (0.5, 0.25, 0.5)
    """
    import pandas as pd
    from scipy.stats import binomtest
    from sklearn.metrics import precision_recall_fscore_support

    t, p = pd.Series(list(true), dtype=object), pd.Series(list(predicted), dtype=object)
    if len(t) != len(p) or not len(t):
        msg = f"{len(p)} predicted labels for {len(t)} true ones; pass as many, and at least one"
        raise ValueError(msg)
    if n_missing := int(t.isna().sum()):
        msg = f"{n_missing} true labels are missing; leave these cells out: adata[adata.obs[key].notna()]"
        raise ValueError(msg)
    t, p = t.astype(str), p.where(p.notna(), "missing").astype(str)
    labels = sorted(t.unique())
    could = set(labels) if known is None else {str(label) for label in known}
    precision, recall, f1, n = precision_recall_fscore_support(t, p, labels=labels, zero_division=0)
    right = int((t == p).sum())
    interval = binomtest(right, len(t)).proportion_ci(method="wilson")
    return LabelReport(
        n=len(t),
        accuracy=right / len(t),
        low=float(interval.low),
        high=float(interval.high),
        balanced_accuracy=float(np.mean(recall)),
        macro_f1=float(np.mean(f1)),
        unmapped=float((~p.isin(could)).mean()),
        majority=float(t.value_counts().iloc[0] / len(t)),
        table=pd.DataFrame({"precision": precision, "recall": recall, "f1": f1, "n": n}, index=labels),
        confusion=pd.crosstab(t.rename("true"), p.rename("predicted")),
    )
