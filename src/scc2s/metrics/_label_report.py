from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ._label_relations import label_relations

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
    relations: pd.DataFrame | None = None
    """With ``ontology=True``: shares of predictions that are the same term as the truth, wider, narrower, ..."""
    pairs: pd.DataFrame | None = None
    """With ``ontology=True``: each true label and what was predicted, with cells, relation and distance."""


def label_report(
    true: Sequence[Any], predicted: Sequence[Any], *, known: Sequence[Any] | None = None, ontology: bool = False
) -> LabelReport:
    """Accuracy and its kin for predicted labels; what is not a known label counts as wrong and is never left out.

    Parameters
    ----------
    true
        True labels; missing ones are an error.
    predicted
        Predicted labels; missing values count as wrong.
    known
        Labels that could be predicted; ``None``: those that occur in `true`.
    ontology
        Also say how the predictions stand to the truth in the Cell Ontology (:func:`scc2s.ontology.relate`):
        ``relations`` and ``pairs``. All other numbers stay those of the labels letter for letter.

    Returns
    -------
    The report. ``relations`` has the columns ``value`` and ``floor``, its value where always the most frequent true
    label is given, and these rows: ``"same"``, ``"wider"``, ``"narrower"``, ``"sibling"``, ``"unrelated"``,
    ``"unmatched"``, shares of all predictions that add up to 1; ``"same or narrower"`` and ``"same or wider"``, sums of
    these (``"cell"`` is wider than any); ``"mean distance"``, steps in the graph, over the matched ones.

    Raises
    ------
    ImportError
        With ``ontology=True``, without the extra: ``pip install "scc2s[ontology]"``.
    ValueError
        Other lengths, no labels, or missing true labels.

    Examples
    --------
    >>> report = label_report(["B", "B", "T", "T"], ["B", "T", "T", "unmapped"])
    >>> report.accuracy, report.unmapped, report.majority
    (0.5, 0.25, 0.5)
    >>> report = label_report(["Treg", "mature B cell"], ["regulatory T cells", "B cells, memory"], ontology=True)
    >>> report.accuracy, report.relations.loc[["same", "narrower", "mean distance"], "value"].tolist()
    (0.0, [0.5, 0.5, 0.5])
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
    relations, pairs = label_relations(t.tolist(), p.tolist()) if ontology else (None, None)
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
        relations=relations,
        pairs=pairs,
    )
