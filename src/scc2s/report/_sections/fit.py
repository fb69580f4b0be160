from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scc2s import pl
from scc2s.report._figures import picture
from scc2s.report._parts import Facts, Said, Section, Words, say
from scc2s.report._records import records
from scc2s.report._tables import facts_of
from scc2s.report._values import number

if TYPE_CHECKING:
    from anndata import AnnData

    from scc2s.report._parts import Block, Sentence
    from scc2s.report._records import Record

_VALUES = {
    "slope": "slope",
    "intercept": "intercept",
    "r2": "R2 of single values, with this line",
    "r2_all_ranks": "R2 of single values, line fitted to all ranks",
    "r2_rank_means": "R2 of the means of the ranks only",
    "pearson": "Pearson correlation",
    "spearman": "Spearman correlation",
    "n": "pairs of cell and gene",
}
_LOW = 0.5


def section(adata: AnnData) -> Section | None:
    """The line from rank to expression: how much of the expression a sentence keeps."""
    found = records(adata, "rank_fit")
    if not found:
        return None
    blocks: list[Block] = []
    summary: list[Said] = []
    for one in found:
        values = facts_of(one.value, one.source, _VALUES)
        params = facts_of(one.params, f"{one.source}['params']", {"source": "fitted to", "values": "values"})
        blocks += [_drawn(adata, one), Facts(f"The fit: {one.name}", [*values, *params])]
        if one is found[0]:
            summary += [Said("From rank to expression", said)] if (said := _said(one)) else []
    blocks.append(
        Words(
            [
                say(
                    "Three values of R2 are in circulation for such a line. Only that of single values says how well "
                    "the "
                    "expression of a gene in a cell can be told from its rank; that of the means of the ranks is close "
                    "to 1 for almost any data."
                )
            ]
        )
    )
    return Section("fit", "From rank to expression", blocks, summary)


def _drawn(adata: AnnData, one: Record) -> Any:
    slope, r2 = (number(one.value.get(key, float("nan")), "").shown for key in ("slope", "r2"))
    return picture(
        lambda: pl.rank_fit(adata, key=one.name, show=False),
        "Expression against rank on a logarithmic axis: the density of all pairs of cell and gene, their mean at each "
        f"rank, and the fitted straight line, with slope {slope} and R2 {r2}.",
        "Expression against rank in the cell, with the fitted line",
        one.source,
    )


def _said(one: Record) -> list[Sentence]:
    r2 = one.value.get("r2")
    if r2 is None:
        return []
    shown = number(r2, f"{one.source}['r2']", share=True)
    more = " That is little: expression that is told from ranks here is rough." if float(r2) < _LOW else ""
    return [
        say(
            "From the rank of a gene in a sentence its expression can be told by a straight line, which explains {} of "
            "the variation of single values (R2)." + more,
            shown,
        )
    ]
