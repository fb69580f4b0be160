from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scc2s import pl
from scc2s.report._figures import picture
from scc2s.report._parts import Folded, Part, Said, Section, say
from scc2s.report._records import records
from scc2s.report._tables import facts_of, how, of_frame
from scc2s.report._values import number, text_of

if TYPE_CHECKING:
    from anndata import AnnData

    from scc2s.report._parts import Block, Sentence
    from scc2s.report._records import Record

_MOST_LABELS = 40
_LONGEST = 60
"""Characters of a label that a figure has room for."""
_MEASURES = {"value": "value", "low": "from", "high": "to", "floor": "most frequent label alone"}
_TYPES = {
    "n": "cells",
    "precision": "precision",
    "recall": "recall",
    "recall_low": "from",
    "recall_high": "to",
    "f1": "F1",
    "instead": "most often called instead",
    "instead_share": "share of its cells",
}


def section(adata: AnnData) -> Section | None:
    """Labels against other labels: how far they agree, beside what the most frequent label alone would get."""
    blocks: list[Block] = []
    summary: list[Said] = []
    for one in records(adata, "compare_labels"):
        if "measures" not in one.value:
            continue
        blocks.append(_part(adata, one))
        summary += [Said("Labels compared", said)] if (said := _said(one)) else []
    return Section("comparisons", "Labels compared", blocks, summary) if blocks else None


def _part(adata: AnnData, one: Record) -> Part:
    a, b = text_of(one.params.get("a")), text_of(one.params.get("b"))
    measures = one.value["measures"]
    blocks: list[Block] = [
        of_frame(measures, f"{one.source}['measures']", f"How far {a} agrees with {b}", _MEASURES, named="measure")
    ]
    found = one.value["confusion"]
    names = [*map(str, found.index), *map(str, found.columns)]
    if max(found.shape) <= _MOST_LABELS and max(map(len, names), default=0) <= _LONGEST:
        blocks.append(
            picture(
                lambda: pl.confusion(adata, key=one.name, show=False),
                f"Heat map: rows are the {len(one.value['confusion'])} labels of {b}, columns those of {a}; each row "
                f"adds up to "
                "1. The values by label stand in the table below.",
                f"Which labels are mixed up: share of the cells of each label of {b} by label of {a}",
                f"{one.source}['confusion']",
            )
        )
    blocks += _calibrated(adata, a, b)
    types = of_frame(
        one.value["types"],
        f"{one.source}['types']",
        f"Each label of {b}",
        _TYPES,
        named=b,
        shares=("precision", "recall", "recall_low", "recall_high", "instead_share"),
        most=200,
    )
    blocks.append(Folded(f"Label by label ({len(one.value['types'])})", [types]))
    rows = facts_of(one.value, one.source, {"n": "cells that were compared", "n_left_out": "cells that were left out"})
    rows += facts_of(
        one.params,
        f"{one.source}['params']",
        {"ontology": "ontology", "same_terms": "labels that mean the same", "donor_key": "intervals over"},
    )
    blocks.append(how(rows))
    return Part(f"{a} against {b}", blocks, one.source)


def _calibrated(adata: AnnData, a: str, b: str) -> list[Block]:
    """Whether probabilities are right as often as they say, where both columns use the same words."""
    if f"{a}_probs" not in adata.obsm or b not in adata.obs or a not in adata.obs:
        return []
    offered = set(adata.obsm[f"{a}_probs"].columns)
    if not set(adata.obs[b].dropna().astype(str)) <= offered:
        return []
    found: Any = picture(
        lambda: pl.calibration(adata, b, key=a, show=False),
        f"Share of labels of {a} that are the same as {b}, against their probability; on the diagonal both agree.",
        f"Whether labels are right as often as their probability says, {b} taken as the truth",
        f"adata.obsm[{f'{a}_probs'!r}], adata.obs[{b!r}]",
    )
    return [found]


def _said(one: Record) -> list[Sentence]:
    measures, where = one.value["measures"], f"{one.source}['measures']"
    if "agreement" not in measures.index:
        return []
    value, floor = (
        number(measures.loc["agreement", column], f"{where}.loc['agreement', {column!r}]", share=True)
        for column in ("value", "floor")
    )
    a, b = text_of(one.params.get("a")), text_of(one.params.get("b"))
    return [
        say(
            "The labels {} agree with {} in {} of the cells; the most frequent label alone would in {}.",
            a,
            b,
            value,
            floor,
        )
    ]
