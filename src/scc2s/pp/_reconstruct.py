from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypedDict, Unpack

import numpy as np

from scc2s._cells.access import get_sentences, sentence_slots
from scc2s._cells.arguments import threads
from scc2s._cells.columns import opened
from scc2s._cells.gene_words import stored_fit, words_of
from scc2s._cells.ranks import stored_ranks
from scc2s._cells.results import claim, name_of_result, refuse_name, refuse_record
from scc2s._logging import logger
from scc2s.sentences import RankFit, parse
from scc2s.sentences._parse import check_reading, codes_of
from scc2s.sentences._places_to_values import expression_at
from scc2s.sentences._recode import Recoded

if TYPE_CHECKING:
    from collections.abc import Callable

    from anndata import AnnData
    from mudata import MuData

    from scc2s._cells.gene_words import GeneWords
    from scc2s.sentences import Parsed

_ROWS = 2048


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
        Column of ``.obs`` with the sentences, or the name that their ranks go by.
    fit
        The line from rank to expression; ``None`` takes ``.uns['c2s']['rank_fit']``.
    clip
        Raise values below 0 to 0. (Published C2S code does not.) How many genes that costs is logged.
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
        Parameters, slope and intercept, numbers of words, of words that are not genes of ``.var``, and of genes that
        `clip` made 0; versions.

    Raises
    ------
    KeyError
        If there are no sentences, or no fit.
    TypeError
        If `fit` is not a :class:`scc2s.sentences.RankFit`.
    ValueError
        If ranks are not of the list of genes beside them, or `key_added` cannot be written or belongs to another
        result.

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
    check_reading(duplicates, unknown)
    n_jobs = threads(n_jobs)
    refuse_name(key_added)
    out, data = opened(adata, mod=mod, copy=copy, tables=False)
    name = name_of_result(key_added, "reconstructed")
    result = claim(data, name, layers=[key_added])
    refuse_record(data, name, usual="reconstructed", holds="n_invalid")
    _refuse_relative(data, sentence_key)
    line = _line(data, fit)
    genes = words_of(data, sentence_key, gene_symbols=gene_symbols)
    how: _Reading = {"duplicates": duplicates, "unknown": unknown}
    read = _of_ranks(data, sentence_key, genes, **how) or _of_text(data, sentence_key, genes, **how)
    value = line.predict(np.arange(1, read.n_places + 1), clip=clip).astype(np.float32)
    found = expression_at(read.rows, data.n_obs, data.n_vars, value, n_jobs=n_jobs)
    n_words, n_valid = int(read.counts.n_words.sum()), int(read.counts.n_valid.sum())
    if n_words > n_valid:
        logger.warning("%d of %d words of the sentences are not genes of .var", n_words - n_valid, n_words)
    n_below = _warn_of_lost(value, read, found.nnz, data.n_obs, line) if clip else 0
    params = {
        "sentence_key": sentence_key,
        "slope": line.slope,
        "intercept": line.intercept,
        "clip": clip,
        "duplicates": duplicates,
        "unknown": unknown,
        "gene_symbols": genes.gene_symbols,
        "n_words": n_words,
        "n_invalid": n_words - n_valid,
        "n_below_zero": n_below,
    }
    result.write(params, layers={key_added: found})
    return out if copy else None


def _refuse_relative(data: AnnData, sentence_key: str) -> None:
    """Sentences whose ranks say how far a gene is above a reference, not how strong it is."""
    found = data.uns.get("c2s", {}).get(sentence_slots(sentence_key).record, {})
    if (said := str(found.get("params", {}).get("reference", "None"))) != "None":
        msg = (
            f"the sentences {sentence_key!r} are of genes above a reference ({said}), and their ranks are not ranks of "
            "expression; call sc.pp.c2s_sentences(adata) first, or pass sentence_key= others"
        )
        raise ValueError(msg)


def _line(data: AnnData, fit: RankFit | None) -> RankFit:
    if fit is not None and not isinstance(fit, RankFit):
        msg = f"fit is of type {type(fit).__name__}; pass fit= a RankFit, e.g. scc2s.sentences.RankFit.from_dict(...)"
        raise TypeError(msg)
    line = stored_fit(data) if fit is None else fit
    if not (np.isfinite(line.slope) and np.isfinite(line.intercept)):
        msg = (
            f"the line has slope {line.slope} and intercept {line.intercept}; call sc.pp.c2s_rank_fit(adata) again, or "
            "pass fit= another line"
        )
        raise ValueError(msg)
    return line


def _warn_of_lost(value: np.ndarray, read: _Read, n_kept: int, n_cells: int, line: RankFit) -> int:
    """Say how many genes of the sentences are at 0 because the line is below it there; their number."""
    if (value > 0).all():
        return 0
    first = 1 + int(np.argmin(value > 0))
    n_genes = n_kept + _n_without_value(read, value, n_cells)
    if n_genes > n_kept:
        logger.warning(
            "the line is below 0 from rank %d on: of %.0f genes a cell (mean) %.0f are left, the rest became 0; %skeep "
            "values below 0 (clip=False), or make shorter sentences (sc.pp.c2s_sentences(adata, n_genes=%d))",
            first,
            n_genes / n_cells,
            n_kept / n_cells,
            "" if line.fit_range is None else "fit it to all ranks (sc.pp.c2s_rank_fit(adata, fit_range=None)), ",
            max(first - 1, 1),
        )
    return n_genes - n_kept


def _n_without_value(read: _Read, value: np.ndarray, n_cells: int) -> int:
    """Genes at places where the line gives nothing."""
    nothing = value == 0
    steps = range(0, n_cells, _ROWS)
    return sum(int((read.rows(start, min(start + _ROWS, n_cells))[:, nothing] >= 0).sum()) for start in steps)


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
    stored = None if key in data.obs else stored_ranks(data, sentence_slots(key))
    if stored is None:
        return None
    ranks, words = stored
    gene_of = codes_of(words, genes.words)
    if gene_of is None:
        return None
    columns = genes.columns[gene_of]
    recoded = Recoded(ranks, columns, shrinking=how["duplicates"] == "c2s", keep_unknown=how["unknown"] == "keep")
    return _Read(recoded, ranks.shape[1], recoded)


def _of_text(data: AnnData, key: str, genes: GeneWords, **how: Unpack[_Reading]) -> _Read:
    parsed = parse(get_sentences(data, key), genes.words, **how)

    def rows(start: int, stop: int) -> np.ndarray:
        columns: np.ndarray = genes.columns[parsed.ranks[start:stop]]
        return columns

    return _Read(rows, parsed.ranks.shape[1], parsed)
