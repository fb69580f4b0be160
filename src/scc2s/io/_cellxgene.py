from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from anndata import AnnData, read_h5ad

from scc2s.io._names import by_column, with_raw_var
from scc2s.io._tables import existing, noted
from scc2s.prompts._organism import organism_name

COLUMNS = {"donor_id": "donor", "development_stage": "stage", "self_reported_ethnicity": "ethnicity"}
"""Columns of the schema that this package's prompts call otherwise; all others keep their names."""
_TAXA = {"NCBITaxon:9606": "Homo sapiens", "NCBITaxon:10090": "Mus musculus"}


def from_cellxgene(source: AnnData | str | Path) -> AnnData:
    """Take a data set of CELLxGENE Discover (or its Census) as the rest of this package has it.

    Written for the CELLxGENE schema, versions 3 to 6: genes are named by ``feature_name``, columns as prompts have
    them, and the organism is where the prompts look. Values stay as they are: counts are in ``.raw`` where ``.X`` is
    normalised, and :func:`scc2s.pp.sentences` reads them there.

    Parameters
    ----------
    source
        The AnnData, which is left as it was, or the path of its h5ad file.

    Returns
    -------
    A new AnnData:

    names of genes (of ``.raw`` too)
        Symbols of ``var["feature_name"]``; ids are in ``var["gene_ids"]``. A second gene of one symbol keeps its id.
    ``.obs["donor"]``, ``.obs["stage"]``, ``.obs["ethnicity"]``
        Copies of ``donor_id``, ``development_stage``, ``self_reported_ethnicity``; ``cell_type``, ``tissue``,
        ``disease``, ``assay``, ``sex`` stay. In the new columns ``"unknown"`` is a missing value.
    ``.uns["organism"]``
        Scientific name, where all cells are of one organism.
    ``.uns["c2s"]["read"]``
        What was changed.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    KeyError
        If ``var["feature_name"]`` is not there.
    TypeError
        If it is something else than an AnnData or a path.

    Examples
    --------
    >>> import anndata as ad, numpy as np, pandas as pd, scc2s
    >>> obs = pd.DataFrame({"cell_type": ["B cell"], "donor_id": ["D1"], "organism": ["Homo sapiens"]}, index=["a"])
    >>> var = pd.DataFrame({"feature_name": ["MS4A1"]}, index=["ENSG00000156738"])
    >>> adata = scc2s.io.from_cellxgene(ad.AnnData(np.ones((1, 1)), obs=obs, var=var))
    >>> adata.var_names.tolist(), adata.obs["donor"].tolist(), adata.uns["organism"]
    (['MS4A1'], ['D1'], 'Homo sapiens')
    """
    if isinstance(source, str | Path):
        out = read_h5ad(existing(source, "an h5ad file of CELLxGENE"))
    elif isinstance(source, AnnData):
        out = source.copy()
    else:
        msg = f"source is of type {type(source).__name__}; pass an AnnData or the path of an h5ad file"
        raise TypeError(msg)
    if "feature_name" not in out.var:
        known = ", ".join(map(repr, out.var.columns[:10])) or "none"
        msg = (
            f"var has no column 'feature_name', as the CELLxGENE schema has it (its columns: {known}); of other data "
            "sets, pass the column with symbols to each function: scc2s.pp.sentences(adata, gene_symbols=...)"
        )
        raise KeyError(msg)
    mends = []
    out.var, n_kept = by_column(out.var, "feature_name")
    mends.append(f"genes are named by feature_name ({n_kept} keep their id: no symbol, or that of another gene)")
    if out.raw is not None:
        symbols = dict(zip(out.var["gene_ids"].astype(str), out.var_names, strict=True))
        with_raw_var(out, lambda var: _raw_named(var, symbols))
    for old, new in COLUMNS.items():
        if old in out.obs and new not in out.obs:
            values = out.obs[old].astype(object)
            out.obs[new] = pd.Categorical(values.where(values.astype(str).str.lower() != "unknown"))
            mends.append(f"obs[{new!r}] is {old}")
    if (organism := _organism(out)) is not None:
        out.uns["organism"] = organism
    noted(out, "CELLxGENE", {"schema": str(out.uns.get("schema_version", "unknown"))}, mends)
    return out


def _raw_named(var: pd.DataFrame, symbols: dict[str, str]) -> pd.DataFrame:
    """By its own ``feature_name``, or by that of the same ids."""
    if "feature_name" in var:
        return by_column(var, "feature_name")[0]
    return by_column(var.assign(feature_name=var.index.astype(str).map(symbols)), "feature_name")[0]


def _organism(adata: AnnData) -> str | None:
    """One name for all cells, from ``obs`` (schema 3 to 5) or ``uns`` (schema 6)."""
    said: list[Any] = []
    if "organism" in adata.obs:
        said = list(adata.obs["organism"].dropna().unique())
    elif "organism_ontology_term_id" in adata.obs:
        said = list(adata.obs["organism_ontology_term_id"].dropna().unique())
    else:
        said = [adata.uns[key] for key in ("organism", "organism_ontology_term_id") if key in adata.uns][:1]
    if len(said) != 1:
        return None
    return _TAXA.get(str(said[0])) or organism_name(said[0])
