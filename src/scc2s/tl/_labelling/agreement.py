"""Two columns of labels: the same words, and where they differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scc2s._cells.columns import column
from scc2s._cells.provenance import file_names
from scc2s.metrics import label_report
from scc2s.ontology import match
from scc2s.prompts._answers import UNMAPPED
from scc2s.tl._asking.labels import UNASSIGNED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anndata import AnnData

NO_LABEL = "no label"
"""Column of cells that have none."""


def labels_of(adata: AnnData, name: str, argument: str, synonyms: Mapping[str, str]) -> pd.Series:
    """Labels as text, in the words that they stand for; missing where a cell has none, or says so."""
    values = column(adata, name, argument)
    texts = values.astype(object).map(lambda value: None if pd.isna(value) else str(value).strip())
    texts = texts.map(lambda text: synonyms.get(text, text) if text is not None else None)
    return texts.where(~texts.isin([UNASSIGNED, UNMAPPED, ""]), None)


def same_terms(a: pd.Series, b: pd.Series) -> dict[str, str]:
    """Labels of `a` that `b` does not have, and the one label of `b` that is the same term of the Cell Ontology."""
    ours = set(a.dropna()) - set(b.dropna())
    theirs = match(b.dropna().unique())["id"]
    theirs = theirs[(theirs != "") & ~theirs.duplicated(keep=False)]
    label = {term: str(name) for name, term in theirs.items()}
    return {str(name): label[term] for name, term in match(sorted(ours))["id"].items() if term in label}


def by_type(a: pd.Series, b: pd.Series) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Precision, recall and F1 of each label of `b`, and the confusion with its columns as given."""
    from scipy.stats import binomtest

    report = label_report(b.tolist(), a.fillna(NO_LABEL).tolist())
    confusion = report.confusion
    table = report.table.astype({"n": np.int64})
    right = [int(confusion.loc[label, label]) if label in confusion else 0 for label in table.index]
    ends = [binomtest(k, n).proportion_ci(method="wilson") for k, n in zip(right, table["n"].tolist(), strict=True)]
    table = table.assign(recall_low=[end.low for end in ends], recall_high=[end.high for end in ends])
    wrong = confusion.copy()
    for label in wrong.index.intersection(wrong.columns):
        wrong.loc[label, label] = 0
    most = wrong.max(axis=1).reindex(table.index)
    table["instead"] = [str(wrong.loc[label].idxmax()) if most[label] else "" for label in table.index]
    table["instead_share"] = most / table["n"]
    order = [*(c for c in table.index if c in confusion), *(c for c in confusion if c not in table.index)]
    confusion = confusion.reindex(index=table.index, columns=order)
    confusion.columns = pd.Index(file_names([str(name) for name in order]))
    confusion.index.name = None
    return table, confusion, [str(name) for name in order]


def disagreements(a: pd.Series, b: pd.Series, sure: pd.Series | None, n_top: int) -> pd.DataFrame:
    """Cells whose labels differ: the surest first, or without a number the commonest disagreement first."""
    differ = (a != b).to_numpy()
    table: pd.DataFrame = pd.DataFrame(
        {"a": a.fillna(NO_LABEL)[differ].astype(str), "b": b[differ].astype(str)}, index=a.index[differ], dtype=object
    )
    if sure is not None:
        table["sure"] = sure[differ].astype(np.float64)
        first = -table["sure"].fillna(-np.inf).to_numpy()
    else:
        first = -table.groupby(["a", "b"], observed=True)["a"].transform("size").to_numpy()
    order = np.lexsort((table.index.astype(str), table["b"], table["a"], first))
    return table.iloc[order[:n_top]]


def surety(adata: AnnData, name: str) -> Any:
    """How sure a labelling says it is of each cell, where it says so: ``<name>_prob``, else ``<name>_margin``."""
    for part in ("prob", "margin"):
        if f"{name}_{part}" in adata.obs:
            return adata.obs[f"{name}_{part}"]
    return None
