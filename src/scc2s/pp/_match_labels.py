from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scc2s._cells.arguments import refuse_empty
from scc2s._cells.columns import column, opened
from scc2s._cells.results import claim, name_of_result
from scc2s._logging import logger
from scc2s.ontology import match

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    from anndata import AnnData
    from mudata import MuData

_SHOWN = 5


def match_labels(
    adata: AnnData | MuData,
    key: str,
    *,
    terms: Literal["CL", "UBERON"] = "CL",
    synonyms: Mapping[str, str] | None = None,
    key_added: str | None = None,
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """Match names of cell types or tissues with the Cell Ontology or Uberon, and list those that are no term.

    Names are matched by what they say (:func:`scc2s.ontology.match`), never by resemblance; what is not matched stays
    empty and is listed, with a suggestion where a part of it is a term. Needs ``pip install "scc2s[ontology]"``.

    Parameters
    ----------
    adata
        Labelled cells.
    key
        Column of ``.obs`` with names, or with ids of terms.
    terms
        ``"CL"``, cell types (Cell Ontology), or ``"UBERON"``, tissues.
    synonyms
        Other wordings and the label each stands for, here a term by id or by any of its names: ``{"PVL": "pericyte"}``.
    key_added
        Name of the result; ``None`` is `key` (without ``c2s_``).
    mod
        Modality, where `adata` is a MuData.
    copy
        Return a changed copy; `adata` stays as it was.

    Returns
    -------
    ``None``, or the copy. Sets:

    `.obs['c2s_<name>_term_id']`, `.obs['c2s_<name>_term']` : :class:`pandas.Series` (dtype `category`)
        Id (``"CL:0000815"``) and label (``"regulatory T cell"``) of the term; missing where none was found.
    `.uns['c2s']['match_labels'][<name>]` : :class:`dict`
        ``table``: each name with its cells, ``id``, ``term``, ``by`` and ``suggestion``
        (:func:`scc2s.ontology.match`). ``unmatched``: those without a term, the most frequent first. ``n_cells``,
        ``n_matched``: cells with a name; with a term. Parameters, version of the ontology, versions.

    Raises
    ------
    ImportError
        Without the extra ``ontology``.
    KeyError
        If the column is not there.
    ValueError
        If there are no cells, no cell has a name, `terms` is another ontology, a synonym stands for no term, or the
        name of the result is that of another column.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> sc.pp.c2s_match_labels(adata, "bulk_labels")
    >>> table = adata.uns["c2s"]["match_labels"]["bulk_labels"]["table"]
    >>> table.loc[["CD14+ Monocyte", "Dendritic"], ["id", "term", "by"]].to_numpy().tolist()
    [['CL:0001054', 'CD14-positive monocyte', 'spelling'], ['CL:0000451', 'dendritic cell', 'everyday']]
    >>> table.loc["CD4+/CD45RO+ Memory", "term"]
    ''
    """
    out, data = opened(adata, mod=mod, copy=copy)
    refuse_empty(data, cells=True)
    values = column(data, key, "key").astype(object)
    names = values.map(lambda value: None if pd.isna(value) else str(value).strip()).where(lambda s: s != "", None)
    if names.isna().all():
        msg = f"no cell has a name in adata.obs[{key!r}]; pass key= a column with names"
        raise ValueError(msg)
    name = name_of_result(key_added, key.removeprefix("c2s_"))
    result = claim(data, "match_labels", name, obs=[f"c2s_{name}_term_id", f"c2s_{name}_term"])
    earlier = data.uns.get("c2s", {}).get("match_labels", {}).get(name)
    if earlier is not None and earlier["params"]["key"] != key:
        msg = f"{name!r} is the result of column {earlier['params']['key']!r}; pass key_added= another name"
        raise ValueError(msg)
    given = {str(word): str(meant) for word, meant in (synonyms or {}).items()}
    table = match(names.dropna(), terms=terms, synonyms=given)
    version = table.attrs.pop("ontology")
    table.insert(0, "n_cells", names.value_counts().reindex(table.index).astype(np.int64))
    table = table.sort_index()
    unmatched = table.loc[table["id"] == "", ["n_cells", "suggestion"]]
    unmatched = unmatched.sort_values("n_cells", ascending=False, kind="stable")
    n_named, n_out = int(names.notna().sum()), int(unmatched["n_cells"].sum())
    _say(unmatched, len(table), n_out, n_named, version)
    obs = {
        f"c2s_{name}_{column_name}": pd.Categorical(
            names.map(table[part].replace("", None)), categories=_order(table[part])
        )
        for column_name, part in (("term_id", "id"), ("term", "term"))
    }
    params = {"key": key, "terms": terms, "ontology": version, "synonyms": given, "key_added": name}
    more = {"table": table, "unmatched": unmatched, "n_cells": n_named, "n_matched": n_named - n_out}
    result.write(params, more=more, obs=obs)
    return out if copy else None


def _order(values: pd.Series) -> list[str]:
    return sorted({str(value) for value in values} - {""})


def _say(unmatched: pd.DataFrame, n_names: int, n_out: int, n_cells: int, version: str) -> None:
    """Which names are no term."""
    if not len(unmatched):
        logger.info("all %d names are terms of %s", n_names, version)
        return
    shown = [
        f"{name!r} (perhaps {suggestion})" if suggestion else repr(name)
        for name, suggestion in unmatched["suggestion"].head(_SHOWN).items()
    ]
    logger.warning(
        "%d of %d names (%d of %d cells) are no term of %s: %s%s; pass synonyms={name: term} for those that are one",
        len(unmatched), n_names, n_out, n_cells, version, ", ".join(shown), ", ..." if len(unmatched) > _SHOWN else "",
    )  # fmt: skip
