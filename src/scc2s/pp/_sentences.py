from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from scc2s._cells.access import expression, sentence_slots
from scc2s._cells.arguments import threads, whole
from scc2s._cells.columns import opened
from scc2s._cells.genes import listed
from scc2s._cells.masks import mask_params
from scc2s._cells.ranks import gene_list_mark, marks
from scc2s._cells.relative import relative_to
from scc2s._cells.results import claim, refuse_name
from scc2s._cells.rows import BLOCK
from scc2s._cells.second_sentence import SecondSentence
from scc2s._logging import logger
from scc2s.prompts._organism import guess_organism, organism_name
from scc2s.sentences._join import Joiner
from scc2s.sentences._rank import Ranker

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anndata import AnnData
    from mudata import MuData

    from scc2s._cells.access import OnDuplicate, Slots, WhichFeatures
    from scc2s._cells.expression import Expression
    from scc2s._cells.relative import Relative
    from scc2s._cells.results import Result
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
    features: WhichFeatures = "genes",
    reference: str | pd.Series[Any] | np.ndarray | AnnData | MuData | None = None,
    tie_break: TieBreak = "hash",
    random_state: int = 0,
    store: Literal["text", "ranks"] | None = None,
    key_added: str = "c2s_sentence",
    mod: str = "rna",
    into: str | None = None,
    n_jobs: int | None = None,
    copy: bool = False,
) -> AnnData | MuData | None:
    """Write each cell as a sentence: the names of its expressed genes, by falling expression.

    Counts, normalised and log-transformed values of a cell give the same sentence (Rizvi et al., bioRxiv
    10.1101/2025.04.14.648850, equation 1), so nothing has to be done to the data first; scaled data is refused. In
    count data most genes are tied with others; they are ordered by `tie_break`. Bulk profiles (TPM, CPM, counts,
    logarithms of a microarray) are rows like any other: only the order of the genes counts.

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
        Genes of one name: ``"error"``, or merge them to their largest value (``"max"``) or their ``"sum"``. Logarithms
        are summed as what they are logarithms of, so that counts and logarithms give one sentence.
    organism
        Organism, for the prompts of all later steps: ``"Homo sapiens"``, ``"human"``, ``"NCBITaxon:9606"``, ...
    features
        ``"all"``: also what is not a gene, such as the antibodies of CITE-seq (``mod="prot"``). Experimental: names are
        taken as they stand, and no published model was trained on such words.
    reference
        Order genes by how far they stand above a reference, and leave out those that do not: log(1 + x), x of a total
        of 1e4 for each cell, less the reference's mean of the same (scc2s definition). For states rather than types,
        since genes that all cells have go. ``"mean"``: the mean of all cells. A column of ``.obs``: the mean of the
        cell's own group, such as its type. A Series of such values by gene, or an array, one a gene: what another data
        set has. An AnnData: the mean of its rows. ``None``: genes by expression alone, as models were trained.
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
    into
        Modality whose cells get these sentences too, as a column ``c2s_<mod>_sentence`` (or `key_added`) for prompts
        such as ``"{cell_sentence} ... {c2s_prot_sentence}"``. Experimental. Cells are matched by name; those that `mod`
        does not have get a missing value, and are counted in the log.
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
    `.obs['c2s_gene_list']` : :class:`pandas.Series` (dtype `category`)
        Fingerprint of that list of genes (``store="ranks"``): ranks of data sets that were put together are read only
        with their own list.
    `.obs['c2s_n_genes']` : :class:`pandas.Series` (dtype `int32`)
        Genes in the sentence.
    `.uns['organism']` : :class:`str`
        Scientific name, if `organism` is given.
    `.uns['c2s']['sentences']` : :class:`dict`
        Parameters, number of empty cells and versions; the genes and their fingerprint, where ranks are stored;
        ``reference`` (genes x groups), where there is one: its columns can be passed for other cells.

    `.mod[into].obs['c2s_<mod>_sentence' | key_added]` : :class:`pandas.Series` (dtype `object`)
        The sentence again, where `into` is given; with its number of genes and a record of its own.

    With another `key_added`, such as ``"top50_sentence"``, ``top50`` stands for ``c2s`` in the names of obs and obsm,
    and the record is ``sentences_top50``.

    Raises
    ------
    InvalidValuesError
        If values are negative, NaN or infinite (a ValueError).
    ValueError
        If most gene names are not symbols (database ids, peaks, probes, ...), or names repeat, a name or number is out
        of range, or `key_added` cannot be written or belongs to another result.
    TypeError
        If a number is not one, or `organism` not a name.
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
    if n_genes is not None:
        n_genes = whole("n_genes", n_genes)
    random_state, n_jobs = whole("random_state", random_state, None), threads(n_jobs)
    if store not in (None, "text", "ranks"):
        msg = f"store={store!r} is not known; pass 'text', 'ranks' or None"
        raise ValueError(msg)
    if features not in ("genes", "all"):
        msg = f"features={features!r} is not known; pass features='genes' or features='all'"
        raise ValueError(msg)
    named = None if organism is None else organism_name(organism)
    out, data = opened(adata, mod=mod, copy=copy, tables=False)
    slots, result = _claimed(data, key_added)
    second = None
    if into is not None:
        second = SecondSentence.of(out, mod=mod, into=into, key_added=key_added, store=store)
        store = "text"
    if store is None:
        store = "ranks" if data.n_obs > _MANY_CELLS else "text"
    exclude = listed(exclude)
    more: dict[str, Any] = {}
    plain = expression(
        data,
        layer=layer,
        use_raw=use_raw,
        gene_symbols=gene_symbols,
        upper=upper,
        exclude=exclude,
        var_mask=var_mask,
        on_duplicate=on_duplicate,
        organism=organism,
        features=features,
    )
    above = None if reference is None else relative_to(data, plain, reference, mod=mod, features=features)
    expressed: Expression | Relative = plain if above is None else above
    if above is not None:
        more["reference"] = above.table
    ranker = Ranker(expressed.names, tie_break=tie_break, seed=random_state, allowed=expressed.allowed, n_jobs=n_jobs)
    obs: dict[str, Any] = {}
    obsm: dict[str, np.ndarray] = {}
    if store == "text":
        text, lengths = _text(expressed, ranker, n_genes)
        # object by name: pandas 3 would make it its own string type, which older readers do not know
        obs[slots.text] = pd.Series(text, index=data.obs_names, dtype=object)
    else:
        obsm[slots.ranks], lengths = _ranks(expressed, ranker, n_genes)
        obs[slots.gene_list] = marks(expressed.names, data.obs_names)
        more |= {"genes": np.array(expressed.names, dtype=object), "gene_list": gene_list_mark(expressed.names)}
    obs[slots.n_genes] = lengths
    n_empty = int((lengths == 0).sum())
    if n_empty:
        what = "express no gene" if reference is None else "express no gene above the reference"
        logger.warning("%d of %d cells %s and have an empty sentence", n_empty, data.n_obs, what)
    params = {
        "n_genes": n_genes,
        "source": expressed.source,
        "layer": layer,
        "use_raw": use_raw,
        "gene_symbols": gene_symbols,
        "upper": upper,
        "exclude": exclude,
        **mask_params(data, var_mask, layer=layer, use_raw=use_raw),
        "on_duplicate": on_duplicate,
        "organism": named,
        "features": features,
        "reference": None if above is None else above.said,
        "tie_break": tie_break,
        "random_state": random_state,
        "store": store,
        "n_empty": n_empty,
    }
    result.write(params, more=more, obs=obs, obsm=obsm)
    _remove_others(data, slots, store)
    if second is not None:
        second.write(params, data.obs_names, obs[slots.text], lengths)
    if named is not None:
        _warn_of_other_organism(named, expressed.names)
        data.uns["organism"] = named
    return out if copy else None


def _claimed(data: AnnData, key: str) -> tuple[Slots, Result]:
    refuse_name(key)
    slots = sentence_slots(key)
    if slots.record == "sentences" and key != "c2s_sentence":
        msg = f"key_added={key!r} has the slots of 'c2s_sentence'; pass key_added='c2s_sentence', or another name"
        raise ValueError(msg)
    twin = key.removesuffix("_sentence") if key.endswith("_sentence") else f"{key}_sentence"
    written = np.atleast_1d(data.uns.get("c2s", {}).get(slots.record, {}).get("written", []))
    if twin in data.obs and f"obs:{twin}" in written.tolist():
        msg = f"key_added={key!r} has the slots of {twin!r}, which is there; pass key_added={twin!r}, or another name"
        raise ValueError(msg)
    obs = (slots.text, slots.n_genes, slots.gene_list)
    return slots, claim(data, slots.record, obs=obs, obsm=[slots.ranks])


def _remove_others(data: AnnData, slots: Slots, store: str) -> None:
    """What would be read in place of the new sentences, and stands in no record (set by hand, or by older versions)."""
    if store == "text":
        data.obsm.pop(slots.ranks, None)
    unused = slots.gene_list if store == "text" else slots.text
    if unused in data.obs:
        data.obs = data.obs.drop(columns=unused)


def _text(expressed: Expression | Relative, ranker: Ranker, n_genes: int | None) -> tuple[np.ndarray, np.ndarray]:
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


def _ranks(expressed: Expression | Relative, ranker: Ranker, n_genes: int | None) -> tuple[np.ndarray, np.ndarray]:
    found = np.full((expressed.n_cells, min(n_genes or 1, len(expressed.names))), -1, dtype=np.int32)
    for start, block in expressed.blocks(_SMALL_BLOCK):
        ranks = ranker(block, n_genes, start=start)
        if (wider := ranks.shape[1] - found.shape[1]) > 0:  # only where n_genes is None
            found = np.pad(found, ((0, 0), (0, wider)), constant_values=-1)
        found[start : start + len(ranks), : ranks.shape[1]] = ranks
    return found, (found >= 0).sum(axis=1, dtype=np.int32)


def _warn_of_other_organism(named: str, names: list[str]) -> None:
    looks_like = guess_organism(names)
    if named in ("Homo sapiens", "Mus musculus") and looks_like and named != looks_like:
        logger.warning("organism=%r, but the genes are named like those of %s", named, looks_like)
