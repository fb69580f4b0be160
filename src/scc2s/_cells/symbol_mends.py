"""The call that mends names of genes that are not symbols."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from scc2s.sentences._word_kinds import KINDS
from scc2s.sentences._word_patterns import GENOME, GENOME_END

if TYPE_CHECKING:
    from collections.abc import Sequence


def column_to_pass(column: str | None) -> str:
    """What to pass, where a column is known, and where none is."""
    if column is not None:
        return f"pass gene_symbols={column!r}"
    return "pass gene_symbols= the column of var that holds symbols, or set adata.var_names to symbols"


def mend(kind: str, found: Sequence[str], column: str | None, gene_symbols: str | None = None) -> str:
    """The call that mends the names of one kind.

    Parameters
    ----------
    kind
        Of :data:`~scc2s.sentences._word_kinds.KINDS`.
    found
        Names of that kind, at least one.
    column
        Column of ``.var`` with more symbols, if there is one: it mends all but what is not a gene.
    gene_symbols
        Column that the names were taken from; ``None``: the names of the genes.
    """
    names = "adata.var_names" if gene_symbols is None else f"adata.var[{gene_symbols!r}]"
    if KINDS[kind].role == "feature":
        return _without(kind, found, names)
    if column is not None:
        merged = kind in ("copies", "transcripts", "transcript_names", "refseq", "probes")
        return column_to_pass(column) + (", on_duplicate='max' (or 'sum')" if merged else "")
    if kind == "genome_prefix":
        return _one_genome(found, names)
    if kind == "dates":
        return "set the symbols again from the file they came from (a spreadsheet turns SEPTIN2 or MARCHF1 into a date)"
    if kind == "copies":
        return "pass gene_symbols= the column with the names before they were numbered, and on_duplicate='max' or 'sum'"
    change = _CHANGES.get(kind)
    if kind == "joined" and found[0].endswith((")", "]")):
        change = _IN_BRACKETS[found[0].upper().startswith("ENS")]
    if "|" in found[0] and kind in ("joined", "probes") and not found[0].upper().startswith("ENS"):
        change = "split('|').str[0]"
    elif "|" in found[0] and kind == "probes":
        change = "split('|').str[1]"
    return column_to_pass(None) if change is None else f"{_renamed(names)}{change}"


_CHANGES = {
    "joined": r"replace(r'(?i)[-_|:.]?ENS[A-Z]*[GT]\d+(\.\d+)?[-_|:]?', '', regex=True)",
    "gene_prefix": r"replace(r'^\w+[:|-]', '', regex=True)",
    "quoted": r"""replace(r'''^b?['"]|['"]$''', '', regex=True)""",
    "r_names": r"replace(r'^(HLA|H2|MT|mt)[._]', r'\1-', regex=True), or read the names again",
}
"""Of the texts, where one call mends all of a kind."""


_IN_BRACKETS = (
    r"replace(r'\s*[(\[].*', '', regex=True)",
    r"replace(r'.*[(\[]|[)\]]$', '', regex=True)",
)
"""Of what is joined as ``TP53 (ENSG...)``, and as ``ENSG... (TP53)``."""


def _renamed(names: str) -> str:
    return f"{names} = {names}.str."


def _without(kind: str, found: Sequence[str], names: str) -> str:
    if kind == "peaks":
        subset = "adata[:, adata.var['feature_types'] == 'Gene Expression']"
        return f"pass the gene expression of these cells, e.g. {subset}, or mod='rna' of a MuData"
    some = list(dict.fromkeys(found))
    shown = repr(some) if len(some) <= 3 else f"{some[:2]!r}"[:-1] + ", ...]"
    return f"to take them out of the data: adata = adata[:, ~{names}.isin({shown})].copy()"


def _one_genome(found: Sequence[str], names: str) -> str:
    before = Counter(m[0] for name in found if (m := GENOME.match(name)) is not None)
    if not before:
        after = next(m[0] for name in found if (m := GENOME_END.search(name)) is not None)
        return f"{_renamed(names)}removesuffix({after!r})"
    first = next(iter(before))
    rename = f"{_renamed(names)}removeprefix({first!r})"
    if len(before) == 1:
        return rename
    one = f"adata = adata[cells, {names}.str.startswith({first!r})].copy()"
    return f"take the cells and genes of one organism, {one}, then {rename}"
