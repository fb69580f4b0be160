"""Are the names of the genes of an AnnData symbols? What is left out, refused, or said, and the call that mends it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from scc2s._cells.features import other_features
from scc2s._cells.symbol_columns import symbol_column
from scc2s._cells.symbol_mends import column_to_pass, mend
from scc2s._logging import logger
from scc2s.prompts._organism import organism_name
from scc2s.sentences._symbols import judge
from scc2s.sentences._word_kinds import KINDS

if TYPE_CHECKING:
    import pandas as pd

    from scc2s._cells.features import Features
    from scc2s.sentences._symbols import Verdict

_LEAST = {"id": 0.05, "copy": 0.01}
"""Share from which a few are worth a warning: new references have unnamed genes, and most have some names twice."""


_NO_GENES = "pass the gene expression of these cells (mod='rna'?)"


class NamedGenes(NamedTuple):
    """Names of the genes of a ``.var``, and what they are."""

    names: list[str]
    """As they stand, ``""`` where a gene has none."""
    verdict: Verdict
    """On all of the names."""
    features: Features | None
    """Columns that are not genes, by what ``.var`` says about them."""

    def usable(self) -> np.ndarray:
        """Genes that have a name: neither a gap, nor a feature that is not a gene."""
        keep = np.ones(len(self.names), dtype=bool)
        for kind, at in self.verdict.found.items():
            if KINDS[kind].role in ("missing", "feature"):
                keep[at] = False
        if self.features is not None:
            keep &= ~self.features.other
        return keep


def named_genes(var: pd.DataFrame, gene_symbols: str | None) -> NamedGenes:
    """The names of the genes in ``var[gene_symbols]`` (``None``: in its index), judged."""
    names = (var.index if gene_symbols is None else var[gene_symbols].astype(object).fillna("")).tolist()
    if set(map(type, names)) - {str}:
        names = list(map(str, names))
    return NamedGenes(names, judge(names), other_features(var))


class Finding(NamedTuple):
    """Something to say about the names of the genes."""

    text: str
    """What they are."""
    mend: str
    """The call to make."""
    refused: bool = False
    """Whether no sentences are made of them."""
    short: str | None = None
    """What they are, in few words."""

    @property
    def problem(self) -> str:
        """Both in one line."""
        return f"{self.short or self.text}: {self.mend}"


def findings(
    var: pd.DataFrame,
    gene_symbols: str | None,
    chosen: np.ndarray | None = None,
    *,
    organism: str | None = None,
    beside: pd.DataFrame | None = None,
) -> list[Finding]:
    """All that is to be said about the names of the genes; one that is refused stands alone.

    Parameters
    ----------
    var
        Table of genes.
    gene_symbols
        Its column with symbols; ``None``: its index. A column that was asked for is not refused for what it holds.
    chosen
        Genes that are used; ``None``: all.
    organism
        Organism as the user says. Of other organisms than human and mouse, all words that are not ids are taken.
    beside
        ``adata.var``, where `var` is that of ``adata.raw``, which cannot be changed as the AnnData can.
    """
    found = _findings(named_genes(var, gene_symbols), var, gene_symbols, chosen, organism=organism)
    return found if beside is None else [_of_raw(f, beside, gene_symbols) for f in found]


def _of_raw(found: Finding, beside: pd.DataFrame, gene_symbols: str | None) -> Finding:
    """The same with a mend that reaches ``adata.raw``."""
    if gene_symbols is not None or "adata" not in found.mend:
        return found
    mend = f"in adata.raw: call adata = adata.raw.to_adata() first, then {found.mend}"
    if found.refused:
        others = _findings(named_genes(beside, None), beside, None, None, organism=None)
        refused = any(f.refused for f in others)
        if not refused:
            mend = "these are the names in adata.raw, and those in adata.var are symbols: pass use_raw=False"
        elif (column := symbol_column(beside)) is not None:
            mend = f"these are the names in adata.raw: pass use_raw=False, gene_symbols={column!r}"
    return found._replace(mend=mend)


def _findings(
    named: NamedGenes, var: pd.DataFrame, gene_symbols: str | None, chosen: np.ndarray | None, *, organism: str | None
) -> list[Finding]:
    chosen = np.ones(len(var), dtype=bool) if chosen is None else chosen
    where = "the gene names" if gene_symbols is None else f"var[{gene_symbols!r}]"
    said = _of_types(named, chosen)
    genes = chosen if named.features is None else chosen & ~named.features.other
    names, verdict = named.names, named.verdict
    if not genes.all():
        names = [n for n, kept in zip(names, genes, strict=True) if kept]
        verdict = judge(names)
    if (refused := _refusal(names, verdict, var, gene_symbols, where)) is not None:
        return [refused]
    if chosen.any() and not (chosen & named.usable()).any():
        what = "a gene" if said else "a gene with a symbol"
        call = _NO_GENES if said else column_to_pass(None)
        return [Finding(f"nothing in {where} is {what}", call, refused=True)]
    return (
        said
        + [
            _minority(kind, [names[i] for i in at], len(names), var, gene_symbols, where, verdict)
            for kind, at in verdict.found.items()
            if len(at) / len(names) >= _LEAST.get(KINDS[kind].role, 0)
        ]
        + _unknown(names, verdict, None if gene_symbols else var, where, organism=organism)
    )


def usable(
    var: pd.DataFrame,
    gene_symbols: str | None,
    chosen: np.ndarray | None = None,
    *,
    organism: str | None = None,
    beside: pd.DataFrame | None = None,
) -> np.ndarray:
    """Of the `chosen` genes those that have a word; what is odd about their names is logged.

    Raises
    ------
    ValueError
        If most names are not symbols, or none is one.
    """
    chosen = np.ones(len(var), dtype=bool) if chosen is None else chosen
    named = named_genes(var, gene_symbols)
    for found in findings(var, gene_symbols, chosen, organism=organism, beside=beside):
        if found.refused:
            msg = f"{found.text}{', which language models do not know' if found.short else ''}; {found.mend}"
            raise ValueError(msg)
        logger.warning("%s; %s", found.text, found.mend)
    allowed: np.ndarray = chosen & named.usable()
    return allowed


def _of_types(named: NamedGenes, chosen: np.ndarray) -> list[Finding]:
    """Columns that are not genes by what ``.var`` says."""
    if named.features is None or not (left_out := chosen & named.features.other).any():
        return []
    column, values, gene = named.features.column, named.features.values, named.features.gene
    times = Counter(values[left_out].tolist())
    kinds = ", ".join(f"{n} {value}" for value, n in times.most_common(3))
    keep = f"== {gene!r}" if gene else f"!= {next(iter(times))!r}"
    call = f"to take them out of the data: adata = adata[:, adata.var[{column!r}] {keep}].copy()"
    text = f"{left_out.sum()} features are not genes by var[{column!r}] ({kinds}) and are left out of sentences"
    return [Finding(text, call)]


def _refusal(
    names: list[str], verdict: Verdict, var: pd.DataFrame, gene_symbols: str | None, where: str
) -> Finding | None:
    bad, unknown = verdict.share("id", "spelling", "feature"), len(verdict.unknown) / max(1, len(names))
    kinds = [kind for kind in verdict.found if KINDS[kind].role in ("id", "spelling", "feature")]
    if gene_symbols is not None or not kinds or bad + unknown < 0.5 or bad < unknown:
        return None
    top = kinds[0]
    share = sum(len(verdict.found[k]) for k in kinds if KINDS[k].what == KINDS[top].what) / len(names)
    text = f"{share:.0%} of {where} are {_described(top, names[verdict.found[top][0]])}"
    if others := [KINDS[k].what for k in kinds if KINDS[k].what != KINDS[top].what]:
        text += f" and {bad - share:.0%} {' or '.join(dict.fromkeys(others))}"
    column = symbol_column(var, more_than=verdict.n_symbols / len(names))
    call = mend(top, [names[i] for i in verdict.found[top]], column)
    if KINDS[top].role == "feature" and share == 1:
        call = _NO_GENES
    short = f"gene names are {KINDS[top].what}" + ("" if top == "ensembl" else f" {KINDS[top].detail}".rstrip())
    return Finding(text, call, refused=True, short=short)


def _minority(
    kind: str, found: list[str], n: int, var: pd.DataFrame, gene_symbols: str | None, where: str, verdict: Verdict
) -> Finding:
    role, percent = KINDS[kind].role, f"{100 * len(found) / n:.0f} %"
    examples = list(dict.fromkeys(found))[:3]
    if role == "missing":
        text = f"{len(found)} of {n} genes have no symbol and are left out"
        shown = ", ".join(repr(e) for e in examples if e)
        text += f" ({where} {'hold' if gene_symbols is None else 'holds'} {shown})" if shown else ""
        return Finding(text, "give them one to use them, or pass another column as gene_symbols=")
    count = percent if role == "id" else f"{len(found)}"
    be = "are" if len(found) > 1 or role == "id" else "is one of the"
    text = f"{count} of {where} {be} {_described(kind, ', '.join(examples))}"
    if role == "feature":
        text += f", and {'are' if len(found) > 1 else 'is'} left out of sentences"
    elif role != "copy":
        text += ", not symbols"
    column = None
    if role != "feature" and gene_symbols is None:
        column = symbol_column(var, more_than=(verdict.n_symbols + 1) / n)
    return Finding(text, mend(kind, found, column, gene_symbols))


def _unknown(
    names: list[str], verdict: Verdict, var: pd.DataFrame | None, where: str, *, organism: str | None
) -> list[Finding]:
    """Words of no known form are refused only where a column has better ones: organisms have ways of their own."""
    if not names or len(verdict.unknown) < 0.5 * len(names) or _is_other(organism):
        return []
    example, share = names[verdict.unknown[0]], verdict.n_symbols / len(names)
    text = f"{len(verdict.unknown) / len(names):.0%} of {where} do not look like gene symbols (such as {example})"
    if var is not None and (column := symbol_column(var, more_than=share, named=True)) is not None:
        return [Finding(text, column_to_pass(column), refused=True)]
    return [Finding(text, f"{column_to_pass(None)}, or say organism= if its genes are named so")]


def _is_other(organism: str | None) -> bool:
    """Whether the user says that it is another organism than human and mouse."""
    if organism is None or organism.strip().lower() in ("unknown", "nan", ""):
        return False
    return organism_name(organism) not in ("Homo sapiens", "Mus musculus")


def _described(kind: str, example: str) -> str:
    what, detail = KINDS[kind].what, KINDS[kind].detail
    return f"{what} (such as {example}){' ' + detail if detail else ''}"
