from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scc2s._cells.access import get_adata
from scc2s._cells.arguments import refuse_empty, whole
from scc2s._cells.columns import column
from scc2s._cells.fields import prompt_fields
from scc2s._cells.groups import Groups, top_genes
from scc2s._cells.texts import texts_about, texts_of
from scc2s._logging import logger

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

_COLUMNS = ["study", "cluster", "n_cells", "cell_type", "tissue", "organism", "disease", "genes", "text"]
_MOSTLY = 0.5
"""Share of the cells above which a value is that of the cluster."""
_LETTERS = re.compile(r"[^\W\d_]")
_SHOWN = 5


def cluster_facts(
    adata: AnnData | MuData,
    *,
    groupby: str,
    cell_type_key: str | None = None,
    study_key: str | None = None,
    tissue_key: str | None = None,
    disease_key: str | None = None,
    n_top: int = 3,
    rank_genes_key: str | None = None,
    layer: str | None = None,
    use_raw: bool | None = None,
    organism: str | None = None,
    sentence_key: str = "c2s_sentence",
    mod: str = "rna",
) -> pd.DataFrame:
    """What is known of each cluster: the table that :func:`scc2s.train.build_captions` lets a teacher write about.

    Nothing is written to `adata`.

    Parameters
    ----------
    adata
        Cells; sentences are not needed.
    groupby
        Column of ``.obs`` with the clusters. Cells without a value are left out.
    cell_type_key
        Column of ``.obs`` with cell types. ``None``: the names of the clusters are the types, but for those without a
        letter.
    study_key
        Column of ``.obs`` with the study. Clusters of each study are told apart, and compared with others of that study
        alone. ``None``: one study.
    tissue_key, disease_key
        Columns of ``.obs``; ``None`` takes ``"tissue"`` and ``"disease"`` where they are there.
    n_top
        Genes of each cluster, the highest against all other cells.
    rank_genes_key
        Your own result of :func:`scanpy.tl.rank_genes_groups` in ``.uns``. ``None`` calls it on a log-normalised copy.
    layer, use_raw
        Expression for this test; ``None`` takes that of the sentences, or the usual one without sentences.
    organism
        Organism; ``None`` takes that of `adata`, or a guess from the gene names.
    sentence_key
        Column of ``.obs`` with the sentences.
    mod
        Modality, where `adata` is a MuData.

    Returns
    -------
    One row a cluster, in the order of its categories, by study: ``study`` (blank for one), ``cluster``, ``n_cells``,
    ``cell_type``, ``tissue``, ``organism``, ``disease`` (the value of over half of its cells; blank where there is
    none), ``genes`` (best first, with commas; blank for a cluster of one cell), ``text`` (those of
    :func:`scc2s.pp.add_text` that are about some of its cells).

    Raises
    ------
    KeyError
        If there is no such column, or no such result of the test.
    ValueError
        If there are no cells, or no groups.
    TypeError
        If `n_top` is not a whole number.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> adata.obs["tissue"] = "blood"
    >>> facts = sc.pp.c2s_cluster_facts(adata, groupby="bulk_labels").set_index("cluster")
    >>> facts.loc["CD19+ B", ["cell_type", "tissue", "organism", "genes"]].tolist()
    ['CD19+ B', 'blood', 'Homo sapiens', 'CD79A, PTPRCAP, CD79B']
    """
    whole("n_top", n_top)
    data = get_adata(adata, mod)
    refuse_empty(data)
    column(data, groupby, "groupby")
    values = {
        "cell_type": None if cell_type_key is None else column(data, cell_type_key, "cell_type_key"),
        "tissue": _column(data, tissue_key, "tissue"),
        "disease": _column(data, disease_key, "disease"),
        "organism": pd.Series(prompt_fields(data, ["organism"], organism=organism)["organism"], dtype=object),
    }
    has_text = len(texts_of(data)) > 0
    rows = []
    for study, inside in _studies(data, study_key).items():
        part = data if inside.all() else data[inside]
        groups = Groups.of(part, groupby)
        genes = top_genes(
            part, groupby, n_top, key=rank_genes_key, sentence_key=sentence_key, layer=layer, use_raw=use_raw
        )
        places = np.flatnonzero(inside)
        for code, name in enumerate(groups.names):
            cells = places[groups.codes == code]
            found = {fact: "" if of is None else _mostly(of, cells) for fact, of in values.items()}
            if cell_type_key is None:
                found["cell_type"] = name if _LETTERS.search(name) else ""
            text = "\n\n".join(one for _, one in texts_about(data, cells)) if has_text else ""
            rows.append(
                {"study": study, "cluster": name, "n_cells": len(cells), **found, "genes": ", ".join(genes[name]),
                 "text": text}
            )  # fmt: skip
    table = pd.DataFrame(rows, columns=_COLUMNS)
    if blank := table.loc[table["cell_type"] == "", "cluster"].tolist():
        more = ", ..." if len(blank) > _SHOWN else ""
        logger.warning("%d clusters have no cell type: %s%s", len(blank), ", ".join(blank[:_SHOWN]), more)
    return table


def _column(adata: AnnData, key: str | None, usual: str) -> pd.Series[Any] | None:
    """The column that was named, or the usual one where it is there."""
    if key is None:
        found: pd.Series[Any] | None = adata.obs.get(usual)
        return found
    return column(adata, key, f"{usual}_key")


def _studies(adata: AnnData, study_key: str | None) -> dict[str, np.ndarray]:
    """Which cells are of each study."""
    if study_key is None:
        return {"": np.ones(adata.n_obs, dtype=bool)}
    groups = Groups.of(adata, study_key)
    return {name: groups.codes == code for code, name in enumerate(groups.names)}


def _mostly(values: pd.Series[Any], rows: np.ndarray) -> str:
    """The value of over half of the cells; blank where there is none."""
    counts = values.iloc[rows].dropna().astype(str).value_counts()
    counts = counts[counts.index.str.strip() != ""]
    if not len(counts) or counts.iloc[0] <= _MOSTLY * len(rows):
        return ""
    return str(counts.index[0])
