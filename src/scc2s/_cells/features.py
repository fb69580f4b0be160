"""Columns of an AnnData that are not genes, by what ``.var`` says about them: antibodies, peaks, guides, spike-ins."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = ("feature_types", "feature_type", "featuretype", "feature_biotype")
_GENES = re.compile(r"gene[ _-]?expression|genes?|gex|m?rna", re.IGNORECASE)
_NOT_GENES = re.compile(
    r"antibod|\badt\b|\bhto\b|protein(?!.?coding)|peak|atac|chromatin|crispr|guide|multiplex|hashtag|\bcmo\b|antigen|spike"
    r"|control|codeword|blank|custom",
    re.IGNORECASE,
)


class Features(NamedTuple):
    """Which columns are not genes."""

    column: str
    """Column of ``.var`` that says so."""
    values: np.ndarray
    """Its values, as text."""
    other: np.ndarray
    """True for what is not a gene."""
    gene: str | None
    """How the column calls genes, where it has a word for them."""


def other_features(var: pd.DataFrame) -> Features | None:
    """Columns that are not genes by ``feature_types`` (10x Genomics) or ``feature_biotype`` (CELLxGENE); else ``None``.

    Where the column calls some of them ``"Gene Expression"``, all others that it names are none. Elsewhere (the column
    may hold biotypes such as ``"lncRNA"``) those are none whose type says so, such as ``"Antibody Capture"``.
    """
    for i, column in enumerate(var.columns):
        if str(column).lower() not in _COLUMNS:
            continue
        types = var.iloc[:, i].astype("category")  # few types, each looked at once
        known = [str(t) for t in types.cat.categories]
        genes = [t for t in known if _GENES.fullmatch(t)]
        called = next(iter(genes), None)
        strict = called is not None and called.lower().replace("_", " ").replace("-", " ") == "gene expression"
        none = [t not in genes and (_NOT_GENES.search(t) is not None or (strict and t.strip() != "")) for t in known]
        other = np.array([*none, False])[types.cat.codes]  # code -1, the last: no type
        if other.any():
            return Features(str(column), np.array([*known, ""], dtype=object)[types.cat.codes], other, called)
    return None
