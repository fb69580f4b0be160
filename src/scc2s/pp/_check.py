from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from scc2s._cells.access import get_adata, matrix, stated_organism
from scc2s._cells.genes import id_share, symbols
from scc2s._cells.rows import row_blocks
from scc2s._cells.symbol_columns import symbol_column
from scc2s._cells.symbols import findings, named_genes
from scc2s._cells.values import describe
from scc2s.prompts._organism import guess_organism
from scc2s.sentences._symbols import judge

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData


def check(
    adata: AnnData | MuData,
    *,
    layer: str | None = None,
    use_raw: bool | None = None,
    gene_symbols: str | None = None,
    mod: str = "rna",
) -> dict[str, Any]:
    """Say what a data set holds, and what stands in the way of cell sentences. Changes nothing.

    Parameters
    ----------
    adata
        Cells.
    layer
        Layer to look at.
    use_raw
        Whether to look at ``.raw``; ``None`` does if it is set and no `layer` is given, as :func:`scc2s.pp.sentences`.
    gene_symbols
        Column of ``.var`` with gene symbols; ``None`` takes the names of the genes.
    mod
        Modality, where `adata` is a MuData.

    Returns
    -------
    Dictionary with

    ``source``
        The matrix: ``"X"``, ``"raw.X"`` or a layer.
    ``values``
        ``"counts"``, ``"normalised"``, ``"log1p"``, ``"scaled"`` (negative values), ``"not finite"`` or ``"empty"``.
        Counts are whole numbers; logarithms are known by values that turn into multiples of one another without it.
    ``base``, ``target_sum``
        Base of the logarithm; total of a cell before it, where all cells have the same. Else ``None``.
    ``n_cells``, ``n_genes``, ``dtype``
        Shape and type of the matrix.
    ``n_stored_zeros``, ``n_negative``, ``n_not_finite``, ``n_empty_cells``
        Counts of what may surprise.
    ``duplicate_names``, ``case_collisions``
        Gene names that repeat; groups of different names that are the same in capitals (the first five of each).
    ``id_share``
        Share of names that are ids of a database (Ensembl, RefSeq, NCBI Gene, HGNC, WormBase, FlyBase, ...).
    ``gene_names``
        How many names look like gene symbols (``"symbols"``) and like no word that is known (``"unknown"``), and how
        many are of each other kind that is there: ``"ensembl"``, ``"refseq"``, ``"entrez"``, ``"joined"``
        (``TP53_ENSG...``), ``"peaks"``, ``"probes"``, ``"genome_prefix"`` (``GRCh38_CD3D``), ``"dates"`` (``1-Mar``),
        ``"copies"`` (``TBCE-1``), ``"r_names"`` (``HLA.DRA``), ``"spike_ins"``, ``"antibodies"``, ``"missing"``
        (``"nan"``), ... They are told by how the symbols of many organisms are written (scc2s definition), so a single
        name may be misjudged.
    ``symbol_column``
        Column of ``.var`` with more symbols than the names hold; ``None`` if there is none.
    ``organism``
        Guess from how the genes are named; ``None`` where that does not tell.
    ``problems``
        What :func:`scc2s.pp.sentences` would refuse, leave out or warn of, and the call that mends it; an empty list if
        nothing.

    Raises
    ------
    KeyError
        If a layer, column or modality is not there.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> verdict = sc.pp.c2s_check(sc.datasets.pbmc68k_reduced())
    >>> verdict["source"], verdict["values"], verdict["organism"], verdict["problems"]
    ('raw.X', 'log1p', 'Homo sapiens', [])
    """
    data = get_adata(adata, mod)
    X, var, source = matrix(data, layer=layer, use_raw=use_raw)
    names = symbols(var, gene_symbols).dropna().astype(str).tolist()
    named = named_genes(var, gene_symbols)
    usable = [n for n, kept in zip(named.names, named.usable(), strict=True) if kept]
    verdict = judge(names)
    values = describe(row_blocks(X, 2048))
    found = {
        "source": source,
        "values": values.kind,
        "base": values.base,
        "target_sum": values.target_sum,
        "n_cells": X.shape[0],
        "n_genes": X.shape[1],
        "dtype": str(X.dtype),
        "n_stored_zeros": values.n_stored_zeros,
        "n_negative": values.n_negative,
        "n_not_finite": values.n_not_finite,
        "n_empty_cells": values.n_empty,
        "duplicate_names": [n for n, times in Counter(usable).items() if times > 1][:5],
        "case_collisions": _case_collisions(names)[:5],
        "id_share": id_share(names),
        "gene_names": {
            "symbols": verdict.n_symbols,
            "unknown": len(verdict.unknown),
            **{kind: len(at) for kind, at in verdict.found.items()},
        },
        "symbol_column": symbol_column(var, more_than=verdict.n_symbols / max(1, len(names))),
        "organism": guess_organism(names),
    }
    beside = data.var if source == "raw.X" else None
    of_names = [f.problem for f in findings(var, gene_symbols, organism=stated_organism(data), beside=beside)]
    return {**found, "problems": _problems(found) + of_names}


def _case_collisions(names: list[str]) -> list[tuple[str, ...]]:
    groups: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        groups.setdefault(name.upper(), []).append(name)
    return [tuple(g) for g in groups.values() if len(g) > 1]


def _problems(found: dict[str, Any]) -> list[str]:
    problems = []
    if found["n_not_finite"]:
        problems.append("NaN or infinite values have no rank: replace them, or pass layer= with a clean matrix")
    if found["n_negative"]:
        problems.append("negative values have no rank (scaled data?): pass layer= or use_raw= with the unscaled matrix")
    if found["duplicate_names"]:
        problems.append("gene names repeat: pass on_duplicate='max' or 'sum', or call adata.var_names_make_unique()")
    return problems
