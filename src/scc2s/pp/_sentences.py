from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from scc2s._cells.access import expression, get_adata, refuse_unwritable, sentence_slots
from scc2s._cells.genes import listed
from scc2s._cells.provenance import record
from scc2s._cells.rows import BLOCK
from scc2s._logging import logger
from scc2s._settings import settings
from scc2s.prompts._organism import ALIASES, guess_organism
from scc2s.sentences._join import Joiner
from scc2s.sentences._rank import Ranker

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anndata import AnnData
    from mudata import MuData

    from scc2s._cells.access import OnDuplicate
    from scc2s._cells.expression import Expression
    from scc2s.sentences._rank import TieBreak

_MANY_CELLS = 100_000
_SMALL_BLOCK = 2_048
"""Cells at a time where the ranks of a full block would not be small beside the matrix or the result."""


def sentences(
    adata: AnnData | MuData,
    *,
    n_genes: int | None = 200,
    layer: str | None = None,
    use_raw: bool | None = None,
    gene_symbols: str | None = None,
    upper: bool = False,
    exclude: Iterable[str] = (),
    var_mask: str | np.ndarray | pd.Series | None = None,
    on_duplicate: OnDuplicate = "error",
    organism: str | None = None,
    tie_break: TieBreak = "hash",
    random_state: int = 0,
    store: Literal["text", "ranks"] | None = None,
    key_added: str = "c2s_sentence",
    mod: str = "rna",
    n_jobs: int | None = None,
    copy: bool = False,
) -> AnnData | MuData | None:
    """Write each cell as a sentence: the names of its expressed genes, by falling expression.

    Counts, normalised and log-transformed values of a cell give the same sentence (Rizvi et al., bioRxiv
    10.1101/2025.04.14.648850, equation 1), so nothing has to be done to the data first; scaled data is refused. In
    count data most genes are tied with others; they are ordered by `tie_break`.

    Parameters
    ----------
    adata
        Cells. The matrix may be sparse, dense, on disk (backed mode; read block by block) or a dask array.
    n_genes
        Longest sentence, in genes; ``None`` takes all expressed genes.
    layer
        Layer to take the expression from.
    use_raw
        Whether to take it from ``.raw``; ``None`` does if it is set and no `layer` is given.
    gene_symbols
        Column of ``.var`` with gene symbols; ``None`` takes the names of the genes. Genes without one are left out.
    upper
        Write genes in capitals, also those of mouse, as the published C2S models were trained.
    exclude
        Genes to leave out, by name.
    var_mask
        Genes to use: a boolean column of ``.var`` such as ``"highly_variable"``, or a boolean for each gene.
    on_duplicate
        Genes of one name: ``"error"``, or merge them to their largest value (``"max"``) or, for counts, their
        ``"sum"``.
    organism
        Name of the organism, e.g. ``"Homo sapiens"``, for the prompts of all later steps.
    tie_break
        Order of genes with the same value: ``"hash"`` (a seeded hash of the set of genes that the cell expresses and
        the name of the gene: favours no gene, and does not depend on the order of cells or genes), ``"name"``
        (alphabetical) or ``"var_order"``.
    random_state
        Seed of the hash.
    store
        ``"text"`` or ``"ranks"``; ``None`` takes ranks, which are smaller, for more than 100 000 cells. Every function
        of this package reads both.
    key_added
        Name of the sentences.
    mod
        Modality, where `adata` is a MuData.
    n_jobs
        Threads; ``None`` takes ``scc2s.settings.n_jobs``. The result does not depend on it.
    copy
        Return a changed copy; `adata` stays as it was.

    Returns
    -------
    ``None``, or the copy. Sets:

    `.obs['c2s_sentence' | key_added]` : :class:`pandas.Series` (dtype `object`)
        Sentence, ``""`` for a cell without expressed genes (``store="text"``).
    `.obsm['c2s_ranks']` : :class:`numpy.ndarray` (dtype `int32`, shape `(n_obs, n_genes)`)
        Position in ``.uns['c2s']['sentences']['genes']`` of each gene of the sentence, -1 after the last
        (``store="ranks"``).
    `.obs['c2s_n_genes']` : :class:`pandas.Series` (dtype `int32`)
        Genes in the sentence.
    `.uns['organism']` : :class:`str`
        If `organism` is given.
    `.uns['c2s']['sentences']` : :class:`dict`
        Parameters, number of empty cells and versions; the genes, where ranks are stored.

    With another `key_added`, such as ``"top50_sentence"``, ``top50`` stands for ``c2s`` in the names of obs and obsm,
    and the record is ``sentences_top50``.

    Raises
    ------
    InvalidValuesError
        If values are negative, NaN or infinite (a ValueError).
    ValueError
        If the gene names are database ids or repeat.
    KeyError
        If a layer, column or modality is not there.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> sc.pp.c2s_sentences(adata, n_genes=4)
    >>> adata.obs["c2s_sentence"].iloc[0]
    'FTL CD74 JUNB AIF1'
    """
    out = adata.copy() if copy else adata
    data = get_adata(out, mod)
    refuse_unwritable(data)
    if store not in (None, "text", "ranks"):
        msg = f"store={store!r} is not known; pass 'text', 'ranks' or None"
        raise ValueError(msg)
    if store is None:
        store = "ranks" if data.n_obs > _MANY_CELLS else "text"
    exclude = listed(exclude)
    expressed = expression(
        data,
        layer=layer,
        use_raw=use_raw,
        gene_symbols=gene_symbols,
        upper=upper,
        exclude=exclude,
        var_mask=var_mask,
        on_duplicate=on_duplicate,
    )
    ranker = Ranker(
        expressed.names,
        tie_break=tie_break,
        seed=random_state,
        allowed=expressed.allowed,
        n_jobs=n_jobs or settings.n_jobs,
    )
    slots = sentence_slots(key_added)
    if store == "text":
        text, lengths = _text(expressed, ranker, n_genes)
        # object by name: pandas 3 would make it its own string type, which older readers do not know
        data.obs[slots.text] = pd.Series(text, index=data.obs_names, dtype=object)
        data.obsm.pop(slots.ranks, None)  # of an earlier call
    else:
        data.obsm[slots.ranks], lengths = _ranks(expressed, ranker, n_genes)
        data.obs = data.obs.drop(columns=slots.text, errors="ignore")
    data.obs[slots.n_genes] = lengths
    n_empty = int((lengths == 0).sum())
    if n_empty:
        logger.warning("%d of %d cells express no gene and have an empty sentence", n_empty, data.n_obs)
    _set_organism(data, organism, expressed.names)
    params = {
        "n_genes": n_genes,
        "source": expressed.source,
        "layer": layer,
        "use_raw": use_raw,
        "gene_symbols": gene_symbols,
        "upper": upper,
        "exclude": exclude,
        "var_mask": var_mask if isinstance(var_mask, str | None) else np.asarray(var_mask),
        "on_duplicate": on_duplicate,
        "organism": organism,
        "tie_break": tie_break,
        "random_state": random_state,
        "store": store,
        "n_empty": n_empty,
    }
    record(data, slots.record, params)
    if store == "ranks":
        data.uns["c2s"][slots.record]["genes"] = np.array(expressed.names, dtype=object)
    return out if copy else None


def _text(expressed: Expression, ranker: Ranker, n_genes: int | None) -> tuple[np.ndarray, np.ndarray]:
    joiner = Joiner(expressed.names)
    text = np.full(expressed.n_cells, "", dtype=object)
    lengths = np.zeros(expressed.n_cells, dtype=np.int32)
    for start, block in expressed.blocks(BLOCK if n_genes else _SMALL_BLOCK):

        def write(row: int, ranks: np.ndarray, start: int = start) -> None:
            part = slice(start + row, start + row + len(ranks))
            lengths[part] = np.count_nonzero(ranks >= 0, axis=1)
            text[part] = joiner.write(ranks)

        ranker(block, n_genes, start=start, then=write)
    return text, lengths


def _ranks(expressed: Expression, ranker: Ranker, n_genes: int | None) -> tuple[np.ndarray, np.ndarray]:
    found = np.full((expressed.n_cells, min(n_genes or 1, len(expressed.names))), -1, dtype=np.int32)
    for start, block in expressed.blocks(_SMALL_BLOCK):
        ranks = ranker(block, n_genes, start=start)
        if (wider := ranks.shape[1] - found.shape[1]) > 0:  # only where n_genes is None
            found = np.pad(found, ((0, 0), (0, wider)), constant_values=-1)
        found[start : start + len(ranks), : ranks.shape[1]] = ranks
    return found, (found >= 0).sum(axis=1, dtype=np.int32)


def _set_organism(adata: AnnData, organism: str | None, names: list[str]) -> None:
    if organism is None:
        return
    claimed, looks_like = ALIASES.get(organism.lower()), guess_organism(names)
    if claimed and looks_like and claimed != looks_like:
        logger.warning("organism=%r, but the genes are named like those of %s", organism, looks_like)
    adata.uns["organism"] = organism
