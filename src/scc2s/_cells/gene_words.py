"""From sentences back to an AnnData: the words that stand for its genes, the line that gives their expression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from scc2s._cells.access import sentence_slots, stated_organism
from scc2s._cells.genes import gene_words
from scc2s._cells.masks import stored_mask
from scc2s._cells.symbols import usable
from scc2s.sentences import RankFit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anndata import AnnData


class GeneWords(NamedTuple):
    """Words that a sentence about an AnnData may hold."""

    words: list[str]
    """Each once."""
    columns: np.ndarray
    """Column of ``.var`` that each word stands for, the first where several do; then -1, which index -1 picks."""
    in_sentences: list[str]
    """Those words that the AnnData's own sentences may hold: what was excluded from them is left out."""
    gene_symbols: str | None
    """Column of ``.var`` they come from; ``None``: the names of the genes."""


def words_of(adata: AnnData, sentence_key: str = "c2s_sentence", *, gene_symbols: str | None = None) -> GeneWords:
    """Words of the genes in ``.var``, written as the sentences named `sentence_key` were (symbols, capitals)."""
    made_with = adata.uns.get("c2s", {}).get(sentence_slots(sentence_key).record, {}).get("params", {})
    if gene_symbols is None and made_with.get("gene_symbols", "None") != "None":
        gene_symbols = made_with["gene_symbols"]
    names = gene_words(
        adata.var,
        gene_symbols,
        upper=bool(made_with.get("upper", False)),
        features=str(made_with.get("features", "genes")),
    )
    if not made_with:  # no sentences of this AnnData were made, where this would have been said
        usable(adata.var, gene_symbols, organism=stated_organism(adata))
    columns = dict(zip(names, range(len(names)), strict=True))
    if len(columns) < len(names) or "" in columns:
        columns = {}
        for i, word in enumerate(names):
            if word:
                columns.setdefault(word, i)
    excluded = set(made_with.get("exclude", ()))
    kept = _kept(adata, made_with)
    in_sentences = list(columns)
    if excluded or not kept.all():
        index = [str(name) for name in adata.var_names]
        in_sentences = [word for word, i in columns.items() if kept[i] and not excluded & {word, index[i]}]
    return GeneWords(list(columns), np.array([*columns.values(), -1], dtype=np.int32), in_sentences, gene_symbols)


def _kept(adata: AnnData, made_with: Mapping[str, Any]) -> np.ndarray:
    """Genes that the sentences were limited to, as far as ``.var`` can tell (they may have been made from ``.raw``)."""
    mask = stored_mask(adata.var_names, made_with)
    if isinstance(mask, str):
        mask = adata.var[mask].to_numpy(bool) if mask in adata.var else None
    return np.ones(adata.n_vars, dtype=bool) if mask is None or len(mask) != adata.n_vars else mask


def stored_fit(adata: AnnData) -> RankFit:
    """The line of :func:`scc2s.pp.rank_fit`."""
    stored = adata.uns.get("c2s", {}).get("rank_fit")
    if stored is None:
        msg = "there is no rank fit in adata.uns['c2s']['rank_fit']; call sc.pp.c2s_rank_fit(adata) first, or pass fit="
        raise KeyError(msg)
    return RankFit.from_dict(stored)
