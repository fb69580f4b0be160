from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from scc2s._cells.access import get_adata
from scc2s._cells.arguments import above, refuse_empty, whole
from scc2s._cells.columns import column, opened
from scc2s._cells.groups import Groups
from scc2s._cells.results import claim
from scc2s._logging import logger
from scc2s.tl._asking.arguments import refuse_column_name, share
from scc2s.tl._asking.labels import labels_of_groups, scored_slots
from scc2s.tl._labelling.classify import Classifier, probabilities, within
from scc2s.tl._labelling.sides import by_genes, by_sentences, labelled, most_variable

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData


def transfer_labels(
    adata: AnnData | MuData,
    reference: AnnData | MuData,
    *,
    label_key: str,
    method: Literal["logreg", "knn"] = "logreg",
    features: Literal["genes", "sentence"] = "genes",
    groupby: str | None = None,
    min_prob: float | None = None,
    n_genes: int | None = 2000,
    n_cells: int | None = 1000,
    n_neighbors: int = 15,
    n_comps: int = 50,
    layer: str | None = None,
    reference_layer: str | None = None,
    use_raw: bool | None = None,
    gene_symbols: str | None = None,
    target_sum: float = 1e4,
    sentence_key: str = "c2s_sentence",
    random_state: int = 0,
    key_added: str | None = None,
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """Label each cell by cells that have labels: what a model's labels have to be compared with.

    A plain classifier learns from `reference`, of another study or of the labelled cells of this one, and no language
    model takes part. It always answers with a label of the reference, and is as sure of a cell of a type that the
    reference lacks. How well it labels held-out cells of the reference stands in the record and the log; on another
    study expect less.

    Parameters
    ----------
    adata
        Cells to label.
    reference
        Cells with labels, over genes of the same names. With ``features="sentence"`` with sentences of the same kind.
    label_key
        Column of the reference's ``.obs`` with the labels. Cells without one are left out.
    method
        ``"logreg"``: logistic regression. ``"knn"``: share of each label among the nearest cells (cosine) in principal
        components of the reference.
    features
        ``"genes"``: expression of the genes that both have, log-normalised over just these. ``"sentence"``: the ranks
        of the words in the sentences (:func:`scc2s.pp.sentences`), so just what a language model reads.
    groupby
        Column of ``.obs``, e.g. ``"leiden"``: also give each group the label with the highest probability, averaged
        over its cells.
    min_prob
        Cells (and groups) whose best label is less probable are ``"unassigned"``.
    n_genes
        Genes (words) with the largest variance in the reference that are used; ``None``: all.
    n_cells
        Most cells of each label to learn from, drawn by their names; ``None``: all.
    n_neighbors
        Neighbors that vote, for ``method="knn"``.
    n_comps
        Components of the PCA. For ``method="knn"``.
    layer
        Layer of `adata` to take; ``None`` takes ``.raw`` or ``.X``. Counts or log-normalised.
    reference_layer
        Layer of `reference` to take; ``None`` takes ``.raw`` or ``.X``.
    use_raw
        Whether to take ``.raw`` of both; ``None`` does where it is there and no layer is given.
    gene_symbols
        Column of ``.var`` with gene symbols; ``None`` takes the names of the genes. The reference's own names are taken
        where it has no such column.
    target_sum
        Total of a cell that counts and normalised values are brought to.
    sentence_key
        Column of ``.obs`` with the sentences. For ``features="sentence"``, of both.
    random_state
        Seed of the PCA and of the cells that are drawn.
    key_added
        Name of the results; ``None`` is ``c2s_transfer_label``.
    mod
        Modality, where `adata` is a MuData. Of the reference too.
    copy
        Return a changed copy; `adata` stays as it was.

    Returns
    -------
    ``None``, or the copy. Sets (cells that have none of the genes get missing values):

    `.obs['c2s_transfer_label' | key_added]` : :class:`pandas.Series` (dtype `category`)
        Label, ``"unassigned"`` under `min_prob`.
    `.obs['c2s_transfer_label_prob']`, `.obs['c2s_transfer_label_entropy']` : :class:`pandas.Series` (dtype `float32`)
        Probability of the best label; entropy of all of them in nats.
    `.obsm['c2s_transfer_label_probs']` : :class:`pandas.DataFrame` (dtype `float32`, shape `(n_obs, n_labels)`)
        All probabilities; ``/`` in a label is ``|`` in its column's name.
    `.obs['c2s_transfer_label_<groupby>']` : :class:`pandas.Series` (dtype `category`)
        Label of the cell's group; missing where none of its cells has one.
    `.uns['c2s']['transfer_labels']` (`['transfer_labels_<name>']` for another name) : :class:`dict`
        Parameters; ``accuracy_within_reference`` of cells that were held out, and ``majority_within_reference``, what
        always giving the most frequent label gets there; versions.

    Raises
    ------
    KeyError
        If a column, a layer or sentences are not there.
    ValueError
        If hardly a gene is shared, the reference has fewer than two labels, or values are scaled or not finite.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> cells = sc.datasets.pbmc68k_reduced()
    >>> adata, reference = cells[::2].copy(), cells[1::2].copy()
    >>> sc.tl.c2s_transfer_labels(adata, reference, label_key="bulk_labels")
    >>> bool((adata.obs["c2s_transfer_label"] == adata.obs["bulk_labels"].astype(str)).mean() > 0.7)
    True
    """
    for name, value, known in (("method", method, ("logreg", "knn")), ("features", features, ("genes", "sentence"))):
        if value not in known:
            msg = f"{name}={value!r} is not known; pass {name}={known[0]!r} or {name}={known[1]!r}"
            raise ValueError(msg)
    for name, number in (
        ("n_genes", n_genes),
        ("n_cells", n_cells),
        ("n_neighbors", n_neighbors),
        ("n_comps", n_comps),
    ):
        if number is not None or name in ("n_neighbors", "n_comps"):
            whole(name, number)
    if min_prob is not None:
        share("min_prob", min_prob)
    above("target_sum", target_sum)
    learned_from = get_adata(reference, mod)
    out, data = opened(adata, mod=mod, copy=copy)
    refuse_empty(data, cells=True)
    if groupby is not None:
        refuse_column_name("groupby", groupby)
        Groups.of(data, groupby)
    key = "c2s_transfer_label" if key_added is None else key_added
    result = claim(
        data,
        "transfer_labels" if key == "c2s_transfer_label" else f"transfer_labels_{key}",
        obs=[key, f"{key}_prob", f"{key}_entropy", *([] if groupby is None else [f"{key}_{groupby}"])],
        obsm=[f"{key}_probs"],
    )
    labels = _labels(learned_from, label_key)
    rows = labelled(labels, learned_from.obs_names, n_cells, random_state)
    sides = (
        by_sentences(learned_from, data, sentence_key)
        if features == "sentence"
        else by_genes(
            learned_from,
            data,
            layer=layer,
            reference_layer=reference_layer,
            use_raw=use_raw,
            gene_symbols=gene_symbols,
            target_sum=target_sum,
        )
    )
    y = labels.astype(str).to_numpy(dtype=object)[rows]
    columns = most_variable(sides.reference[rows], n_genes)
    X, Z = sides.reference[rows][:, columns], sides.query[:, columns]
    how = Classifier(method, n_neighbors, n_comps, random_state)
    inside = within(X, y, learned_from.obs_names[rows], how)
    logger.info(
        "on %d held-out cells of the reference these labels are right in %.3f (most frequent label: %.3f)",
        inside.n, inside.accuracy, inside.majority,
    )  # fmt: skip
    probs, names = probabilities(X, y, Z, how)
    probs[~sides.told] = np.nan
    obs: dict[str, Any]
    obs, obsm = scored_slots(data.obs_names, key, probs, names, min_prob)
    if groupby is not None:
        obs[f"{key}_{groupby}"] = labels_of_groups(data.obs[groupby], probs, names, min_prob)
    params = {
        "label_key": label_key,
        "labels": names,
        "method": method,
        "features": features,
        "groupby": groupby,
        "min_prob": min_prob,
        "n_genes": n_genes,
        "n_genes_used": len(columns),
        "n_cells": n_cells,
        "n_reference": len(rows),
        "n_neighbors": n_neighbors,
        "n_comps": n_comps,
        "target_sum": target_sum,
        "sentence_key": sentence_key,
        "random_state": random_state,
        "key_added": key,
        **sides.params,
    }
    inner = {"accuracy_within_reference": inside.accuracy, "majority_within_reference": inside.majority}
    result.write(params, more={**inner, "n_held_out": inside.n}, obs=obs, obsm=obsm)
    return out if copy else None


def _labels(reference: AnnData, label_key: str) -> Any:
    try:
        return column(reference, label_key, "label_key")
    except KeyError as error:
        msg = f"the reference: {error.args[0]}"
        raise KeyError(msg) from None
