from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypedDict, Unpack

import numpy as np

from scc2s._cells.access import get_adata, get_sentences, refuse_unwritable, sentence_slots
from scc2s._cells.gene_words import stored_fit, words_of
from scc2s._cells.provenance import record
from scc2s._logging import logger
from scc2s._settings import settings
from scc2s.sentences import parse
from scc2s.sentences._parse import check_reading, codes_of
from scc2s.sentences._places_to_values import expression_at
from scc2s.sentences._recode import Recoded

if TYPE_CHECKING:
    from collections.abc import Callable

    from anndata import AnnData
    from mudata import MuData

    from scc2s._cells.gene_words import GeneWords
    from scc2s.sentences import Parsed, RankFit


def reconstruct(
    adata: AnnData | MuData,
    *,
    sentence_key: str = "c2s_sentence",
    fit: RankFit | None = None,
    clip: bool = True,
    duplicates: Literal["mean", "c2s"] = "mean",
    unknown: Literal["keep", "drop"] = "keep",
    gene_symbols: str | None = None,
    key_added: str = "c2s_reconstructed",
    mod: str = "rna",
    n_jobs: int | None = None,
    copy: bool = False,
) -> AnnData | MuData | None:
    """Turn sentences back into expression, with the line of :func:`scc2s.pp.rank_fit`.

    A gene at rank r gets ``slope * log10(r) + intercept``, a gene that is not in the sentence 0 (Levine et al., ICML
    2024). What comes back is the shape of a cell's profile: all cells share one line, so differences of depth are lost,
    and genes after the end of the sentence are 0.

    Parameters
    ----------
    adata
        Cells with sentences (:func:`scc2s.pp.sentences`, or written by a language model).
    sentence_key
        Name of the sentences.
    fit
        The line; ``None`` takes ``.uns['c2s']['rank_fit']``.
    clip
        Raise values below 0 to 0. (Published C2S code does not.)
    duplicates, unknown
        How words that repeat, and words that are not a gene, are read: see :func:`scc2s.sentences.parse`.
    gene_symbols
        Column of ``.var`` with gene symbols; ``None`` takes what the sentences were made with.
    key_added
        Name of the layer.
    mod
        Modality, where `adata` is a MuData.
    n_jobs
        Threads; ``None`` takes ``scc2s.settings.n_jobs``.
    copy
        Return a changed copy; `adata` stays as it was.

    Returns
    -------
    ``None``, or the copy. Sets:

    `.layers['c2s_reconstructed' | key_added]` : :class:`scipy.sparse.csr_matrix` (dtype `float32`)
        Expression in the units of the fit (log-normalised), no stored zeros.
    `.uns['c2s'][key_added without 'c2s_']` : :class:`dict`
        Parameters, slope and intercept, numbers of words and of words that are no gene of ``.var``, versions.

    Raises
    ------
    KeyError
        If there are no sentences, or no fit.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> sc.pp.c2s_sentences(adata, n_genes=50)
    >>> sc.pp.c2s_rank_fit(adata)
    >>> sc.pp.c2s_reconstruct(adata)
    >>> adata.layers["c2s_reconstructed"].shape, adata.layers["c2s_reconstructed"].nnz
    ((700, 765), 35000)
    """
    out = adata.copy() if copy else adata
    data = get_adata(out, mod)
    refuse_unwritable(data)
    line = fit or stored_fit(data)
    genes = words_of(data, sentence_key, gene_symbols=gene_symbols)
    check_reading(duplicates, unknown)
    how: _Reading = {"duplicates": duplicates, "unknown": unknown}
    read = _of_ranks(data, sentence_key, genes, **how) or _of_text(data, sentence_key, genes, **how)
    value = line.predict(np.arange(1, read.n_places + 1), clip=clip).astype(np.float32)
    found = expression_at(read.rows, data.n_obs, data.n_vars, value, n_jobs=n_jobs or settings.n_jobs)
    n_words, n_invalid = int(read.counts.n_words.sum()), int((read.counts.n_words - read.counts.n_valid).sum())
    if n_invalid:
        logger.warning("%d of %d words of the sentences are no gene of .var", n_invalid, n_words)
    data.layers[key_added] = found
    params = {
        "sentence_key": sentence_key,
        "slope": line.slope,
        "intercept": line.intercept,
        "clip": clip,
        "duplicates": duplicates,
        "unknown": unknown,
        "gene_symbols": genes.gene_symbols,
        "n_words": n_words,
        "n_invalid": n_invalid,
    }
    record(data, key_added.removeprefix("c2s_"), params)
    return out if copy else None


class _Reading(TypedDict):
    duplicates: Literal["mean", "c2s"]
    unknown: Literal["keep", "drop"]


class _Read(NamedTuple):
    """Sentences as columns of ``.var``."""

    rows: Callable[[int, int], np.ndarray]
    """Columns of the genes of some cells by place, -1 where none stands."""
    n_places: int
    counts: Parsed | Recoded
    """Words, and valid words, of each cell; of ranks only once rows were asked for."""


def _of_ranks(data: AnnData, key: str, genes: GeneWords, **how: Unpack[_Reading]) -> _Read | None:
    """Stored ranks without a way through text; ``None`` where there is text, or a stored gene is not one word."""
    slots = sentence_slots(key)
    stored = data.uns.get("c2s", {}).get(slots.record, {}).get("genes")
    if key in data.obs or slots.ranks not in data.obsm or stored is None:
        return None
    gene_of = codes_of(list(stored), genes.words)
    if gene_of is None:
        return None
    ranks = np.asarray(data.obsm[slots.ranks])
    columns = genes.columns[gene_of]
    recoded = Recoded(ranks, columns, shrinking=how["duplicates"] == "c2s", keep_unknown=how["unknown"] == "keep")
    return _Read(recoded, ranks.shape[1], recoded)


def _of_text(data: AnnData, key: str, genes: GeneWords, **how: Unpack[_Reading]) -> _Read:
    parsed = parse(get_sentences(data, key), genes.words, **how)

    def rows(start: int, stop: int) -> np.ndarray:
        columns: np.ndarray = genes.columns[parsed.ranks[start:stop]]
        return columns

    return _Read(rows, parsed.ranks.shape[1], parsed)
