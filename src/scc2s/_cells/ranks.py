"""Sentences kept as numbers of genes: they carry a mark of their list of genes, and are read with no other."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scc2s._logging import logger

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anndata import AnnData

    from scc2s._cells.access import Slots


def gene_list_mark(genes: Iterable[str]) -> str:
    """Fingerprint of a list of genes in their order.

    Examples
    --------
    >>> gene_list_mark(["A", "B"]) == gene_list_mark(["B", "A"])
    False
    """
    return blake2b("\0".join(genes).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def marks(genes: Iterable[str], index: pd.Index) -> pd.Series:
    """The mark of a list of genes for each cell: rows of several data sets stay apart when they are put together."""
    codes = np.zeros(len(index), dtype=np.int8)
    return pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index([gene_list_mark(genes)])), index=index)


def stored_ranks(adata: AnnData, slots: Slots) -> tuple[np.ndarray, list[str]] | None:
    """Ranked genes of each cell and the words that they stand for; ``None`` where no ranks are stored.

    Raises
    ------
    KeyError
        If the list of genes is gone, as it is after ``ad.concat`` without ``uns_merge``.
    ValueError
        If the ranks, or some of them, are not of that list, or were cut.
    """
    if slots.ranks not in adata.obsm:
        return None
    record = adata.uns.get("c2s", {}).get(slots.record, {})
    genes, marked = (record.get("genes"), record.get("gene_list")) if isinstance(record, Mapping) else (None, None)
    if genes is None:
        msg = (
            f"adata.obsm[{slots.ranks!r}] holds numbers of genes, and their list in adata.uns['c2s'][{slots.record!r}] "
            f"is gone (ad.concat leaves it out); {_mend(slots)}"
        )
        raise KeyError(msg)
    words = list(map(str, np.asarray(genes).tolist()))
    ranks = _whole(np.asarray(adata.obsm[slots.ranks]), len(words), slots)
    if slots.gene_list in adata.obs:
        _refuse_other_lists(in_memory(adata, slots.gene_list), gene_list_mark(words), slots)
    elif marked is not None:
        msg = (
            f"adata.obs[{slots.gene_list!r}], which says what list of genes the ranks of each cell are of, is gone "
            f"(ad.concat leaves it out where one part lacks it); {_mend(slots)}"
        )
        raise ValueError(msg)
    else:
        logger.warning(
            "adata.obsm[%r] was stored without a mark of its list of genes; if it was put together from several data "
            "sets, %s",
            slots.ranks,
            _mend(slots),
        )
    if slots.n_genes in adata.obs:
        _refuse_cut(ranks, in_memory(adata, slots.n_genes), slots)
    return ranks, words


def in_memory(adata: AnnData, name: str) -> pd.Series[Any]:
    """A column of obs, also of an AnnData that was read lazily."""
    column = adata.obs[name]
    return column if isinstance(column, pd.Series) else pd.Series(np.asarray(column.values), index=adata.obs_names)


def _whole(ranks: np.ndarray, n_genes: int, slots: Slots) -> np.ndarray:
    """Ranks as integers; an outer join makes them floats, with NaN where a part had fewer columns."""
    if ranks.dtype.kind == "f":
        filled = np.where(np.isnan(ranks), -1, ranks)
        if np.abs(filled).max(initial=0) < 2**31 and (filled == np.rint(filled)).all():
            ranks = filled.astype(np.int32)
    if ranks.ndim != 2 or ranks.dtype.kind not in "iu" or int(ranks.max(initial=-1)) >= n_genes:
        msg = (
            f"adata.obsm[{slots.ranks!r}] (shape {ranks.shape}, {ranks.dtype}) holds ranks that do not fit the list of "
            f"{n_genes} genes in adata.uns['c2s'][{slots.record!r}]; {_mend(slots)}"
        )
        raise ValueError(msg)
    return ranks


def _refuse_other_lists(column: pd.Series[Any], mark: str, slots: Slots) -> None:
    found = column.astype("category")
    known = np.flatnonzero(found.cat.categories == mark)
    others = found.cat.codes.to_numpy() != (known[0] if len(known) else -2)
    if others.any():
        msg = (
            f"the ranks of {int(others.sum())} of {len(column)} cells (first: {column.index[int(others.argmax())]!r}) "
            f"are of another list of genes than the one in adata.uns['c2s'][{slots.record!r}]; {_mend(slots)}"
        )
        raise ValueError(msg)


def _refuse_cut(ranks: np.ndarray, n_genes: pd.Series[Any], slots: Slots) -> None:
    """Rows that hold more or fewer genes than were written: a join of ranks of different width cuts or fills them."""
    said = pd.to_numeric(n_genes, errors="coerce").fillna(-1).to_numpy(dtype=np.float64)
    wrong = ~_end_there(ranks, said)
    doubtful = np.flatnonzero(wrong)
    wrong[doubtful] = np.count_nonzero(ranks[doubtful] >= 0, axis=1) != said[doubtful]
    if wrong.any():
        msg = (
            f"{int(wrong.sum())} of {len(ranks)} cells do not have as many genes in adata.obsm[{slots.ranks!r}] as "
            f"adata.obs[{slots.n_genes!r}] says (ad.concat cuts ranks of different width); {_mend(slots)}"
        )
        raise ValueError(msg)


def _end_there(ranks: np.ndarray, n_genes: np.ndarray) -> np.ndarray:
    """Whether the last of `n_genes` genes of a row is there and nothing after it, so that rows need not be counted."""
    width = ranks.shape[1]
    if not width:
        return np.asarray(n_genes == 0)
    rows = np.arange(len(ranks))
    last, after = (np.clip(n_genes - back, 0, width - 1).astype(np.intp) for back in (1, 0))
    full, none = n_genes == width, n_genes == 0
    there = (none | (ranks[rows, last] >= 0)) & (full | (ranks[rows, after] < 0))
    return np.asarray(there & (n_genes >= 0) & (n_genes <= width))


def _mend(slots: Slots) -> str:
    key = "" if slots.text == "c2s_sentence" else f", key_added={slots.text!r}"
    return (
        f"call sc.pp.c2s_sentences(adata{key}) again, or before ad.concat keep sentences as text: "
        f"sc.pp.c2s_sentences(adata, store='text'{key})"
    )
