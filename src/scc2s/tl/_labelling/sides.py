"""Cells with labels and cells without, in the same features."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

from scc2s._cells.access import expression, get_sentences, sentence_slots
from scc2s._cells.sampling import some_of_each
from scc2s._cells.values import describe, log_blocks
from scc2s._logging import logger
from scc2s.prompts._answers import UNMAPPED
from scc2s.sentences._features import rank_features
from scc2s.tl._asking.labels import UNASSIGNED

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from scc2s._cells.expression import Expression

LEAST_SHARED = 20
"""Genes that both sides must have."""


class Sides(NamedTuple):
    """Features of both, over the same columns."""

    reference: sparse.csr_matrix
    query: sparse.csr_matrix
    told: np.ndarray
    """Cells of the query that have a value above 0 in any column."""
    params: dict[str, Any]
    """For the record."""


def by_genes(
    reference: AnnData, adata: AnnData, *, layer: str | None, reference_layer: str | None, use_raw: bool | None,
    gene_symbols: str | None, target_sum: float, called: str = "reference",
) -> Sides:  # fmt: skip
    """Log-normalised expression of the genes that both have, normalised over just these, since one may be a panel.

    Raises
    ------
    ValueError
        If hardly a gene is shared, or values are scaled or not finite.
    """
    theirs = expression(reference, layer=reference_layer, use_raw=None if reference_layer else use_raw,
                        gene_symbols=gene_symbols if gene_symbols in reference.var else None)  # fmt: skip
    ours = expression(adata, layer=layer, use_raw=use_raw, gene_symbols=gene_symbols)
    names, known = _allowed(ours), _allowed(theirs)
    place = {name: i for i, name in reversed(list(enumerate(known)))}
    shared = [(i, place[name]) for i, name in enumerate(names) if name in place]
    if len(shared) < LEAST_SHARED:
        msg = (
            f"{len(shared)} of {len(names)} genes are in {called}= too, and {LEAST_SHARED} are needed; pass "
            f"{called}= of the same organism with the same kind of gene names, or gene_symbols= the column with symbols"
        )
        raise ValueError(msg)
    logger.info("%d genes are in both (%d in the cells, %d in %s=)", len(shared), len(names), len(known), called)
    query, kind = _logged(ours, [i for i, _ in shared], target_sum)
    learned, reference_kind = _logged(theirs, [i for _, i in shared], target_sum)
    params = {
        "n_shared_genes": len(shared),
        "source": ours.source,
        "values": kind,
        "reference_source": theirs.source,
        "reference_values": reference_kind,
    }
    return Sides(learned, query, np.diff(query.indptr) > 0, params)


def by_sentences(reference: AnnData, adata: AnnData, sentence_key: str, *, called: str = "reference") -> Sides:
    """Ranks of the words of the sentences that a model would read, and nothing else.

    Raises
    ------
    KeyError
        If one of them has no sentences.
    ValueError
        If hardly a word is shared.
    """
    texts = get_sentences(adata, sentence_key)
    if sentence_key not in reference.obs and sentence_slots(sentence_key).ranks not in reference.obsm:
        extra = "" if sentence_key == "c2s_sentence" else f", key_added={sentence_key!r}"
        msg = f"{called}= has no sentences; call sc.pp.c2s_sentences({called}{extra}) first"
        raise KeyError(msg)
    known = get_sentences(reference, sentence_key)
    most = max((len(text.split()) for text in (*texts, *known)), default=0)
    learned, words = rank_features(known, most)
    query, _ = rank_features(texts, most, vocabulary=words)
    n_shared = len(np.unique(query.indices))
    if n_shared < LEAST_SHARED:
        msg = (
            f"{n_shared} words of the sentences are in those of {called}= too, and {LEAST_SHARED} are needed; make "
            "both of the same organism and the same kind of gene names: sc.pp.c2s_sentences(adata, gene_symbols=...)"
        )
        raise ValueError(msg)
    params = {"n_shared_genes": n_shared, "n_genes": most}
    return Sides(learned, query, np.diff(query.indptr) > 0, params)


def labelled(labels: pd.Series[Any], names: pd.Index, n_cells: int | None, random_state: int) -> np.ndarray:
    """Rows of the reference that have a label, at most `n_cells` of each, drawn by their names.

    Raises
    ------
    ValueError
        If there are fewer than two labels.
    """
    known = labels.notna().to_numpy() & ~labels.astype(str).isin([UNASSIGNED, UNMAPPED]).to_numpy()
    if n_out := int((~known).sum()):
        logger.warning("%d of %d cells of the reference have no label, and are left out", n_out, len(labels))
    values = labels.astype(object).to_numpy()
    values = np.array([str(v) if k else None for v, k in zip(values, known, strict=True)], dtype=object)
    n_labels = len(set(values[known]))
    if n_labels < 2:
        msg = f"the reference has {n_labels} labels in obs[{labels.name!r}]; pass label_key= a column with at least two"
        raise ValueError(msg)
    rows = some_of_each(values, list(names), len(values) if n_cells is None else n_cells, random_state)
    if len(rows) < known.sum():
        logger.info("%d of %d cells of the reference are learned from (n_cells=%s)", len(rows), known.sum(), n_cells)
    return rows


def most_variable(X: sparse.csr_matrix, n: int | None) -> np.ndarray:
    """Columns with the largest variance over mean, as they stand."""
    if n is None or n >= X.shape[1]:
        return np.arange(X.shape[1])
    mean = np.asarray(X.mean(axis=0)).ravel()
    variance = np.asarray(X.multiply(X).mean(axis=0)).ravel() - mean**2
    spread = np.divide(variance, mean, out=np.zeros_like(mean), where=mean > 0)
    return np.sort(np.argsort(-spread, kind="stable")[:n])


def _allowed(expressed: Expression) -> list[str]:
    allowed = expressed.allowed
    return [name for i, name in enumerate(expressed.names) if allowed is None or allowed[i]]


def _logged(expressed: Expression, columns: list[int], target_sum: float) -> tuple[sparse.csr_matrix, str]:
    values = describe(expressed.blocks(2048))
    parts = []
    for block in log_blocks(expressed, values, target_sum, math.e):
        part = sparse.csr_matrix(block[:, columns], dtype=np.float64, copy=True)
        part.data = np.expm1(part.data)
        part.eliminate_zeros()
        total = np.asarray(part.sum(axis=1)).ravel()
        factor = np.divide(target_sum, total, out=np.zeros_like(total), where=total > 0)
        parts.append(sparse.csr_matrix(sparse.diags_array(factor) @ part).log1p())
    return sparse.csr_matrix(sparse.vstack(parts, format="csr")), values.kind
