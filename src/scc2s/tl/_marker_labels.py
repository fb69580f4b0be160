from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scc2s import programs
from scc2s._cells.access import expression
from scc2s._cells.arguments import above, refuse_empty
from scc2s._cells.columns import opened
from scc2s._cells.groups import Groups
from scc2s._cells.provenance import file_names
from scc2s._cells.results import claim
from scc2s.metrics import mean_by_group
from scc2s.tl._asking.answers import given_labels
from scc2s.tl._asking.arguments import refuse_column_name
from scc2s.tl._asking.labels import UNASSIGNED
from scc2s.tl._labelling.marked import best_labels, find_markers, scores_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anndata import AnnData
    from mudata import MuData

    from scc2s.programs import Markers


def marker_labels(
    adata: AnnData | MuData,
    markers: Mapping[str, Sequence[str] | Markers] | pd.DataFrame | None = None,
    *,
    labels: Sequence[str] | None = None,
    groupby: str | None = None,
    min_score: float = 0.0,
    min_margin: float = 0.0,
    layer: str | None = None,
    use_raw: bool | None = None,
    gene_symbols: str | None = None,
    target_sum: float = 1e4,
    key_added: str | None = None,
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """Label each cell by marker genes: what a model's labels have to be compared with.

    No model takes part. The score of a cell type is the mean expression of its markers, each gene brought to 0 to 1,
    less the mean of genes that it should lack (:func:`scc2s.programs.marker_scores`); the best score wins. A gene's
    scale is that of the cells given: label all cells of a study in one call.

    Parameters
    ----------
    adata
        Cells with expression: counts, or log-normalised.
    markers
        Genes by label: a dictionary of lists (or of :class:`scc2s.programs.Markers`), or a DataFrame, e.g. of
        :func:`scanpy.get.rank_genes_groups_df`; see :func:`scc2s.programs.as_markers`. ``None`` takes the table of the
        package, human types of blood and common ones of other tissues (:func:`scc2s.programs.markers`). Capitals make
        no difference where only one gene fits, so that mouse symbols are found; markers that mouse does not have, or
        calls by another name, are not.
    labels
        Labels to choose from, each once; ``None`` takes all of `markers`, and of the package's table the finest
        (``"naive CD4 T cell"``, not ``"T cell"``). The fewer wrong ones are offered the better.
    groupby
        Column of ``.obs``, e.g. ``"leiden"``: also give each group the label with the highest score, averaged over its
        cells. Usually better than cell by cell, where groups are cell types.
    min_score
        Cells (and groups) whose best score is not above it are ``"unassigned"``: at 0, those that express as much of
        what the type should lack as of its markers.
    min_margin
        Cells (and groups) whose best score is less than this above the second are ``"unassigned"``.
    layer
        Layer to take; ``None`` takes ``.raw`` or ``.X``.
    use_raw
        Whether to take ``.raw``; ``None`` does where it is there and no layer is given.
    gene_symbols
        Column of ``.var`` with gene symbols; ``None`` takes the names of the genes.
    target_sum
        Total of a cell that counts and normalised values are brought to.
    key_added
        Name of the results; ``None`` is ``c2s_marker_label``.
    mod
        Modality, where `adata` is a MuData.
    copy
        Return a changed copy; `adata` stays as it was.

    Returns
    -------
    ``None``, or the copy. Sets:

    `.obs['c2s_marker_label' | key_added]` : :class:`pandas.Series` (dtype `category`)
        Label, or ``"unassigned"``. Categories keep the order of the labels.
    `.obs['c2s_marker_label_margin']` : :class:`pandas.Series` (dtype `float32`)
        How far the best score is above the second. It is not a probability.
    `.obsm['c2s_marker_label_scores']` : :class:`pandas.DataFrame` (dtype `float32`, shape `(n_obs, n_labels)`)
        All scores, -1 to 1; ``/`` in a label is ``|`` in its column's name.
    `.obs['c2s_marker_label_<groupby>']` : :class:`pandas.Series` (dtype `category`)
        Label of the cell's group; missing for cells of no group.
    `.uns['c2s']['marker_labels']` (`['marker_labels_<name>']` for another name) : :class:`dict`
        ``table``: each marker and how the data writes it (empty where it is missing); parameters, sources, versions.

    Raises
    ------
    KeyError
        If a label has no markers, or a column or layer is not there.
    TypeError
        If `markers` is not a dictionary or a DataFrame of gene names.
    ValueError
        If fewer than two types have markers in the data, or values are scaled or not finite.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> sc.tl.c2s_marker_labels(adata, labels=["B cell", "T cell", "NK cell", "monocyte", "dendritic cell"])
    >>> adata.obs.loc[adata.obs["bulk_labels"] == "CD19+ B", "c2s_marker_label"].mode()[0]
    'B cell'
    """
    for name, value in (("min_score", min_score), ("min_margin", min_margin)):
        above(name, value, -np.inf)
    above("target_sum", target_sum)
    wanted = _wanted(markers, given_labels(labels, "cell_type", scored=True))
    out, data = opened(adata, mod=mod, copy=copy)
    refuse_empty(data)
    key = "c2s_marker_label" if key_added is None else key_added
    if groupby is not None:
        refuse_column_name("groupby", groupby)
        Groups.of(data, groupby)
    result = claim(
        data,
        "marker_labels" if key == "c2s_marker_label" else f"marker_labels_{key}",
        obs=[key, f"{key}_margin", *([] if groupby is None else [f"{key}_{groupby}"])],
        obsm=[f"{key}_scores"],
    )
    expressed = expression(data, layer=layer, use_raw=use_raw, gene_symbols=gene_symbols)
    names = [name for i, name in enumerate(expressed.names) if expressed.allowed is None or expressed.allowed[i]]
    marked = find_markers(wanted, names)
    scores, kind = scores_of(expressed, marked, target_sum)
    best, margin = best_labels(scores, min_score, min_margin)
    obs: dict[str, Any] = {key: _categories(best, marked.labels), f"{key}_margin": margin.astype(np.float32)}
    if groupby is not None:
        groups = data.obs[groupby].astype("category").cat
        codes = groups.codes.to_numpy()
        by_group, _ = best_labels(mean_by_group(scores, codes, len(groups.categories)), min_score, min_margin)
        obs[f"{key}_{groupby}"] = _categories(np.where(codes < 0, -2, by_group[codes]), marked.labels)
    params = {
        "labels": marked.labels,
        "given": "the package's table" if markers is None else "markers=",
        "sources": sorted({entry.source for entry in wanted.values()}),
        "groupby": groupby,
        "min_score": min_score,
        "min_margin": min_margin,
        "source": expressed.source,
        "values": kind,
        "target_sum": target_sum,
        "gene_symbols": gene_symbols,
        "key_added": key,
    }
    columns = file_names([str(data.obs_names.name), *marked.labels])[1:]
    table = pd.DataFrame(scores.astype(np.float32), index=data.obs_names, columns=columns)
    result.write(params, more={"table": marked.table}, obs=obs, obsm={f"{key}_scores": table})
    return out if copy else None


def _wanted(markers: Any, labels: list[str] | None) -> dict[str, Markers]:
    """Markers of the labels to choose from."""
    if markers is None:
        if labels is not None:
            return programs.markers(labels)
        known = programs.markers()
        broad = {entry.kind_of for entry in known.values()}
        return {label: entry for label, entry in known.items() if label not in broad}
    given = programs.as_markers(markers)
    given_labels(list(given), "cell_type", scored=True)
    if labels is None:
        return given
    if unknown := [label for label in labels if label not in given]:
        msg = f"markers= has none of {unknown[0]!r}; pass labels= some of {', '.join(map(repr, list(given)[:10]))}"
        raise KeyError(msg)
    return {label: given[label] for label in labels}


def _categories(best: np.ndarray, labels: Sequence[str]) -> pd.Categorical:
    """Labels by number; -1 is unassigned, -2 missing."""
    values = np.array([*labels, None, UNASSIGNED], dtype=object)[best]
    return pd.Categorical(values, categories=[*labels, UNASSIGNED]).remove_unused_categories()
