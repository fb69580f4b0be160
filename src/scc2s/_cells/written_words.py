"""Words that a model may write: genes of ``.var``, and of ``.raw`` where the sentences of a data set come from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s._cells.access import get_sentences, sentence_slots
from scc2s._cells.gene_words import GeneWords, words_of
from scc2s._cells.genes import gene_words
from scc2s._cells.masks import stored_mask

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from anndata import AnnData


def writable_words(adata: AnnData, sentence_key: str = "c2s_sentence") -> GeneWords:
    """:func:`words_of`, and after them the words of genes that only ``.raw`` has, whose column is -1.

    scanpy's usual layout keeps all genes in ``.raw`` and some in ``.var``, and sentences come from ``.raw``. Held to
    those of ``.var``, a model would write other cells than it reads: each gene nearer to the top than in a real cell.
    """
    genes = words_of(adata, sentence_key)
    of_raw = _words_of_raw(adata, sentence_key)
    if not of_raw:
        return genes
    left_out = raw_words(adata, sentence_key).keys() - set(of_raw)
    if left_out:
        genes = genes._replace(in_sentences=[word for word in genes.in_sentences if word not in left_out])
    known = {word.casefold() for word in genes.words}
    held = [word for word in of_raw if word.casefold() not in known]
    if not held:
        return genes
    columns = np.r_[genes.columns[:-1], np.full(len(held) + 1, -1)].astype(np.int32)
    return genes._replace(words=[*genes.words, *held], columns=columns, in_sentences=[*genes.in_sentences, *held])


def raw_words(adata: AnnData, sentence_key: str = "c2s_sentence") -> dict[str, int]:
    """Words of the genes of ``.raw``, written as the sentences are, with the first column of each there."""
    made_with = adata.uns.get("c2s", {}).get(sentence_slots(sentence_key).record, {}).get("params", {})
    symbols, var = words_of(adata, sentence_key).gene_symbols, adata.raw.var
    if symbols is not None and symbols not in var:
        return {}
    names = gene_words(
        var, symbols, upper=bool(made_with.get("upper", False)), features=str(made_with.get("features", "genes"))
    )
    return {word: i for i, word in reversed(list(enumerate(names))) if word}


def may_hold(adata: AnnData, sentence_key: str, sentences: Iterable[str]) -> set[str]:
    """Words, in small letters, that `sentences` hold or, by the record of how they were made, may hold."""
    found = {word for sentence in sentences for word in sentence.split()}
    found.update(writable_words(adata, sentence_key).in_sentences)
    return {word.casefold() for word in found}


def _words_of_raw(adata: AnnData, sentence_key: str) -> list[str]:
    """Words that sentences from ``.raw`` may hold, each once; none where the sentences come from elsewhere."""
    if adata.raw is None:
        return []
    made_with = adata.uns.get("c2s", {}).get(sentence_slots(sentence_key).record, {}).get("params", {})
    source = made_with.get("source")
    if source not in (None, "raw.X", "generate"):
        return []
    excluded, kept = set(made_with.get("exclude", ())), _kept(adata, made_with)
    index = [str(name) for name in adata.raw.var_names]
    columns = sorted(raw_words(adata, sentence_key).items(), key=lambda item: item[1])
    words = [word for word, i in columns if kept[i] and not excluded & {word, index[i]}]
    if source is None and not _holds_any(adata, sentence_key, set(words) - set(words_of(adata, sentence_key).words)):
        return []
    return words


def _holds_any(adata: AnnData, sentence_key: str, words: set[str]) -> bool:
    """Whether sentences without a record hold words that only ``.raw`` has."""
    return any(not words.isdisjoint(sentence.split()) for sentence in get_sentences(adata, sentence_key))


def _kept(adata: AnnData, made_with: Mapping[str, Any]) -> np.ndarray:
    """Genes of ``.raw`` that the sentences were limited to."""
    var = adata.raw.var
    mask = stored_mask(var.index, made_with)
    if isinstance(mask, str):  # a column of .var alone says nothing of genes that .var lacks: they were left out
        mask = var[mask].to_numpy(bool) if mask in var else np.zeros(len(var), dtype=bool)
    return np.ones(len(var), dtype=bool) if mask is None or len(mask) != len(var) else mask
