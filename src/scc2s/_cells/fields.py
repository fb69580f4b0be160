"""Values that fill the fields of a prompt: the organism, and columns of obs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scc2s._logging import logger
from scc2s.prompts._organism import guess_organism, organism_name
from scc2s.prompts._task import N_GENES, SENTENCES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from anndata import AnnData


def prompt_fields(
    adata: AnnData,
    names: Iterable[str],
    *,
    organism: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> dict[str, np.ndarray]:
    """Values of the fields `names`, one a cell; what is written by the sentences themselves is left out.

    Parameters
    ----------
    adata
        Cells.
    names
        Fields of a template or a response.
    organism
        Organism; ``None`` takes ``.obs["organism"]``, ``.uns["organism"]``, or a guess from the gene names.
    columns
        Column of ``.obs`` of a field, where it has another name.

    Raises
    ------
    KeyError
        If a field has no column.
    ValueError
        If a column has missing values, or what is given for the organism does not name one.
    TypeError
        If what is given for the organism is not a name.
    """
    columns = columns or {}
    found = {}
    for name in names:
        if name in (*SENTENCES, N_GENES):
            continue
        column = columns.get(name, name)
        if name == "organism" and name not in columns:
            found[name] = _organism(adata, organism)
        elif column in adata.obs:
            found[name] = _column(adata, column)
        else:
            other = f", or pass columns={{{name!r}: another column}}" if name in columns else ""
            msg = (
                f"the prompt has a field {{{name}}}, and adata.obs has no column {column!r}; set "
                f"adata.obs[{column!r}] = ...{other}"
            )
            raise KeyError(msg)
    return found


def _organism(adata: AnnData, organism: str | None) -> np.ndarray:
    """Argument, column of obs, entry of uns, or a guess from how the genes are written: the first that is there."""
    if organism is None and "organism" in adata.obs:
        _refuse_missing(adata, "organism")
        codes, values = pd.factorize(adata.obs["organism"].astype(object))
        names = np.array([organism_name(value) for value in values], dtype=object)
        return np.asarray(names[codes])
    if organism is None:
        organism = adata.uns.get("organism")
    if organism is None:
        organism = guess_organism(adata.var_names)
        if organism is None:
            organism = "Homo sapiens"
            logger.warning(
                "no organism is given and the gene names do not tell; taking %s, pass organism=...", organism
            )
        else:
            logger.info("no organism is given; taking %s by the gene names, pass organism=... if wrong", organism)
    return np.full(adata.n_obs, organism_name(organism), dtype=object)


def _column(adata: AnnData, name: str) -> np.ndarray:
    _refuse_missing(adata, name)
    return np.asarray(adata.obs[name].astype(str).to_numpy(dtype=object))


def _refuse_missing(adata: AnnData, name: str) -> None:
    if n_missing := int(adata.obs[name].isna().sum()):
        msg = (
            f"adata.obs[{name!r}] is missing for {n_missing} cells, and the prompt names it; "
            f"fill it, e.g. adata.obs[{name!r}] = adata.obs[{name!r}].astype(object).fillna('unknown')"
        )
        raise ValueError(msg)
