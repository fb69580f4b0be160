from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from scc2s._cells.access import matrix
from scc2s._cells.arguments import whole
from scc2s._cells.columns import opened
from scc2s._cells.genes import gene_words
from scc2s._cells.results import claim, refuse_record
from scc2s._logging import logger
from scc2s.programs._interaction_files import read_pairs
from scc2s.programs._interactions import in_panel, refuse_template, said, together

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from anndata import AnnData
    from mudata import MuData

    from scc2s.programs._interaction_files import Pairs

    Source = pd.DataFrame | str | PathLike[str]

TEMPLATE = "{a} {relation} {b}"


def interactions(
    adata: AnnData | MuData,
    source: Source | Mapping[str, Source],
    *,
    panel: Sequence[str] | None = None,
    extracellular: bool | Sequence[str] | None = None,
    template: str = TEMPLATE,
    max_pairs: int | None = None,
    gene_symbols: str | None = None,
    use_raw: bool | None = None,
    key_added: str = "interactions",
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """Known interactions of the genes of these data, in words for a prompt.

    An interaction is taken where every partner is a gene of the panel (of a complex, every subunit) and, as far as
    `extracellular` asks for it, lies outside of cells or on their surface. Tables are read from your own files and
    keep their licences; none come with the package.

    Parameters
    ----------
    adata
        Cells; their genes are the panel.
    source
        Folder of the CSV files of CellPhoneDB version 5; file of BioGRID in the format TAB 3.0 (``.tab3.txt``,
        unpacked; physical interactions within an organism); table of LIANA or OmniPath with ligands and receptors; or a
        DataFrame with ``a``, ``b`` and, if there are any, ``relation`` (``"binds"`` where there is none) and
        ``evidence``. Subunits of a complex are joined by ``_`` or ``+``. Several sources as a dictionary by name.
    panel
        Genes to take in place of those of `adata`.
    extracellular
        ``True``: all partners must be extracellular, by what CellPhoneDB (and tables of ligands and receptors) say; a
        source that says nothing, such as BioGRID, is judged by the others given with it. A list: these genes are.
        ``False``: any. ``None``: as ``True`` where a source says it, else any.
    template
        How an interaction is said, with ``{a}``, ``{b}``, ``{relation}``, ``{evidence}``, ``{source}``.
    max_pairs
        Keep so many, those with most records first.
    gene_symbols
        Column of ``.var`` with gene symbols; ``None`` takes the names of the genes.
    use_raw
        Whether to take the genes of ``.raw``; ``None`` does where it is there.
    key_added
        Name of the result in ``.uns["c2s"]``.
    mod
        Modality, where `adata` is a MuData.
    copy
        Return a changed copy; `adata` stays as it was.

    Returns
    -------
    ``None``, or the copy. Sets:

    `.uns['c2s']['interactions' | key_added]` : :class:`dict`
        ``table``: ``a``, ``b`` (subunits joined by ``+``), ``relation``, ``evidence``, ``source``, ``n_records`` and
        ``text``; ``text``: all of them as one paragraph; parameters with the numbers of rows read and kept.

    Raises
    ------
    FileNotFoundError
        If a file is not there.
    KeyError
        If a column of ``.var`` is not there.
    TypeError
        If `source` is no table and no path, or `template` is not a text.
    ValueError
        If the columns of a source are of no known kind, no interaction has all partners in the panel, a source says
        nothing of what is extracellular and ``extracellular=True``, or `template` has other fields.

    Examples
    --------
    >>> import pandas as pd, scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> known = pd.DataFrame({"ligand": ["CCL5", "NONE1"], "receptor": ["CCR7", "CD4"]})
    >>> own = pd.DataFrame({"a": ["CD79A"], "b": ["CD79B"], "relation": ["forms a complex with"]})
    >>> sc.pp.c2s_interactions(adata, {"known": known, "own": own}, extracellular=False)
    >>> adata.uns["c2s"]["interactions"]["text"]
    'CCL5 signals to CCR7; CD79A forms a complex with CD79B.'
    """
    refuse_template(template)
    max_pairs = None if max_pairs is None else whole("max_pairs", max_pairs)
    if not isinstance(extracellular, bool | None) and (
        isinstance(extracellular, str) or not isinstance(extracellular, Iterable)
    ):
        msg = f"extracellular={extracellular!r} is not a list of genes; pass extracellular= True, False, None or a list"
        raise TypeError(msg)
    out, data = opened(adata, mod=mod, copy=copy)
    refuse_record(data, key_added, usual="interactions", holds="text")
    result = claim(data, key_added)
    genes = _panel(data, panel, gene_symbols, use_raw)
    read = {name: read_pairs(one) for name, one in _named(source).items()}
    outside = _outside(read, extracellular)
    tables = []
    for name, pairs in read.items():
        table = pairs.rows.assign(source=pairs.kind if name == "" else name)
        tables.append(in_panel(table, genes, outside.get(name)))
        logger.info(
            "%s: %d of %d interactions have all partners in the panel of %d genes%s%s",
            name or pairs.kind, len(tables[-1]), len(pairs.rows), len(genes),
            "" if outside.get(name) is None else " and extracellular",
            f"; {pairs.n_other} rows of other kinds are left out" if pairs.n_other else "",
        )  # fmt: skip
    table = pd.concat(tables, ignore_index=True)
    if not len(table):
        some = [gene for pairs in read.values() for gene in (*pairs.rows["a"][:2], *pairs.rows["b"][:2])]
        msg = (
            f"none of {sum(len(pairs.rows) for pairs in read.values())} interactions has all partners among the "
            f"{len(genes)} genes of the panel (theirs: {', '.join('+'.join(g) for g in some[:4])}; the panel's: "
            f"{', '.join(genes[:4])}); pass gene_symbols= a column with symbols, a table of this organism, or "
            "extracellular=False"
        )
        raise ValueError(msg)
    table = table.sort_values("n_records", ascending=False, kind="stable").iloc[:max_pairs].reset_index(drop=True)
    table["text"] = said(table, template)
    table.index = table.index.astype(str)
    params: dict[str, Any] = {
        "sources": {name or pairs.kind: pairs.kind for name, pairs in read.items()},
        "n_read": {name or pairs.kind: len(pairs.rows) for name, pairs in read.items()},
        "n_panel": len(genes),
        "n_pairs": len(table),
        "extracellular": extracellular if isinstance(extracellular, bool | None) else "given",
        "template": template,
        "max_pairs": max_pairs,
        "gene_symbols": gene_symbols,
        "use_raw": use_raw,
        "key_added": key_added,
    }
    result.write(params, more={"table": table, "text": together(table["text"].tolist())})
    return out if copy else None


def _named(source: Any) -> dict[str, Any]:
    """Sources by name; one alone has none."""
    if not isinstance(source, Mapping):
        return {"": source}
    if not source:
        msg = "source is empty; pass a table, a path, or a dictionary of these by name"
        raise ValueError(msg)
    return {str(name): one for name, one in source.items()}


def _panel(adata: AnnData, panel: Sequence[str] | None, gene_symbols: str | None, use_raw: bool | None) -> list[str]:
    if panel is not None:
        if isinstance(panel, str) or not all(isinstance(gene, str) for gene in panel):
            msg = "panel is not a list of genes; pass panel= a list of texts"
            raise TypeError(msg)
        return list(dict.fromkeys(panel))
    var = adata.raw.var if use_raw or (use_raw is None and adata.raw is not None) else adata.var
    if use_raw and adata.raw is None:
        var = matrix(adata, use_raw=True)[1]  # raises, and says what to do
    return list(dict.fromkeys(word for word in gene_words(var, gene_symbols) if word))


def _outside(read: Mapping[str, Pairs], extracellular: Any) -> dict[str, Iterable[str] | None]:
    """Genes that count as extracellular for each source; ``None``: all do."""
    if extracellular is False:
        return dict.fromkeys(read)
    if not isinstance(extracellular, bool | None):
        given = frozenset(map(str, extracellular))
        return dict.fromkeys(read, given)
    sayings = [pairs.extracellular for pairs in read.values() if pairs.extracellular is not None]
    every = frozenset[str]().union(*sayings)
    silent = [name or pairs.kind for name, pairs in read.items() if pairs.extracellular is None]
    if silent and not sayings:
        if extracellular is True:
            msg = (
                f"{silent[0]} does not say what is extracellular; pass extracellular= a list of genes, CellPhoneDB "
                "as a second source, or extracellular=False"
            )
            raise ValueError(msg)
        logger.info("%s: nothing says what is extracellular; all interactions are taken", silent[0])
        return dict.fromkeys(read)
    return {name: every if pairs.extracellular is None else pairs.extracellular for name, pairs in read.items()}
