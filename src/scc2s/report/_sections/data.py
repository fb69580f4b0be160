from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from scc2s import pp
from scc2s.report._parts import Fact, Facts, Folded, Note, Said, Section, Table, say
from scc2s.report._records import given, records
from scc2s.report._tables import facts_of
from scc2s.report._values import number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anndata import AnnData

    from scc2s.report._parts import Block, Piece, Sentence

_QC = {
    "n_genes_by_counts": "genes in a cell",
    "n_genes": "genes in a cell",
    "total_counts": "counts in a cell",
    "n_counts": "counts in a cell",
    "pct_counts_mt": "percent of counts in mitochondrial genes",
    "pct_counts_mito": "percent of counts in mitochondrial genes",
    "percent_mito": "share of counts in mitochondrial genes",
    "doublet_score": "doublet score",
}
_MOST_LEVELS = 200
_CHECK = "scc2s.pp.check(adata)"


def section(adata: AnnData) -> Section:
    """What the data are: cells, genes, values, quality, columns."""
    found = pp.check(adata)
    rows = [
        Fact("cells", number(adata.n_obs, "adata.n_obs"), "adata.n_obs"),
        Fact("genes", number(adata.n_vars, "adata.n_vars"), "adata.n_vars"),
    ]
    if adata.raw is not None:
        rows.append(Fact("genes in .raw", number(adata.raw.n_vars, "adata.raw.n_vars"), "adata.raw.n_vars"))
    organism = given(adata.uns.get("organism"))
    if isinstance(organism, str):
        rows.append(Fact("organism", organism, "adata.uns['organism']"))
    elif found["organism"]:
        rows.append(
            Fact("organism", str(found["organism"]), f"{_CHECK}['organism']", "a guess from the names of the genes")
        )
    rows += [
        Fact("expression is taken from", str(found["source"]), f"{_CHECK}['source']"),
        Fact("values", str(found["values"]), f"{_CHECK}['values']"),
        *_counts(found),
    ]
    blocks: list[Block] = [Facts("Cells and genes", rows), *_quality(adata), *_steps(adata)]
    blocks += [Note("caution", say("{}", str(problem))) for problem in found["problems"]]
    blocks += _columns(adata)
    return Section("data", "The data", blocks, [Said("The data", [_summary(adata, organism, found)])])


def _counts(found: Mapping[str, Any]) -> list[Fact]:
    names = {
        "n_empty_cells": "cells without any expression",
        "n_negative": "values below 0",
        "n_not_finite": "values that are not numbers",
    }
    return [
        Fact(shown, number(found[key], f"{_CHECK}[{key!r}]"), f"{_CHECK}[{key!r}]")
        for key, shown in names.items()
        if found.get(key) is not None and (found[key] or key == "n_empty_cells")
    ]


def _quality(adata: AnnData) -> list[Table]:
    """Columns of quality control that are there already."""
    rows: list[list[Piece]] = []
    for column, shown in _QC.items():
        if column not in adata.obs or not pd.api.types.is_numeric_dtype(adata.obs[column]) or not adata.n_obs:
            continue
        where = f"adata.obs[{column!r}]"
        values = adata.obs[column]
        ends = [number(values.quantile(q), f"{where}.quantile({q})") for q in (0.05, 0.5, 0.95)]
        rows.append([f"{shown} ({column})", *ends])
    if not rows:
        return []
    header = ["", "5 % of cells are below", "median", "95 % of cells are below"]
    return [Table("Quality of the cells, as columns of the file say it", header, rows, "adata.obs")]


def _steps(adata: AnnData) -> list[Facts]:
    found: list[Fact] = []
    for one in records(adata, "recipe"):
        names = {
            "n_cells_before": "cells before",
            "n_cells": "cells that were kept",
            "n_genes_before": "genes before",
            "n_genes": "genes that were kept",
            "min_genes": "genes that a cell has at least",
            "min_cells": "cells that a gene is in at least",
            "target_sum": "total of a cell after scaling",
        }
        found += facts_of(one.params, f"{one.source}['params']", names)
    for one in records(adata, "split"):
        found += facts_of(one.params, f"{one.source}['params']", {"scheme": "split into train and test by"})
    return [Facts("Preparation on record", found)] if found else []


def _columns(adata: AnnData) -> list[Folded]:
    rows: list[list[Piece]] = []
    for column in adata.obs.columns:
        if column == "c2s" or str(column).startswith("c2s_"):
            continue
        values = adata.obs[column]
        if isinstance(values.dtype, pd.CategoricalDtype) or values.dtype == object or values.dtype == bool:
            where = f"adata.obs[{column!r}].nunique()"
            n = int(values.nunique())
            kind = "groups" if n <= _MOST_LEVELS else "texts"
            rows.append([str(column), kind, number(n, where), _missing(values, str(column))])
        elif pd.api.types.is_numeric_dtype(values):
            rows.append([str(column), "numbers", "", _missing(values, str(column))])
    if not rows:
        return []
    table = Table("Columns of the cells", ["column", "holds", "different values", "missing"], rows, "adata.obs")
    return [Folded(f"Columns of the cells ({len(rows)})", [table])]


def _missing(values: pd.Series, column: str) -> Piece:
    return number(int(values.isna().sum()), f"adata.obs[{column!r}].isna().sum()")


def _summary(adata: AnnData, organism: Any, found: Mapping[str, Any]) -> Sentence:
    cells, genes = number(adata.n_obs, "adata.n_obs"), number(adata.n_vars, "adata.n_vars")
    who = f" of {organism}" if isinstance(organism, str) else ""
    guess = f", named like those of {found['organism']}" if not who and found["organism"] else ""
    one = "cell" if adata.n_obs == 1 else "cells"
    return say(f"The file holds {{}} {one}{{}} with {{}} genes{{}}.", cells, who, genes, guess)
