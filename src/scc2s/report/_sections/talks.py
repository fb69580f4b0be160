from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scc2s.report._parts import Card, Folded, Note, Part, Said, Section, say
from scc2s.report._records import TALKS, records
from scc2s.report._tables import facts_of, how, of_frame, piece
from scc2s.report._values import UNKNOWN, number, text_of

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from scc2s.report._parts import Block, Piece, Sentence
    from scc2s.report._records import Record

_KINDS = {
    "ask": "Answers",
    "compare": "Comparison of groups",
    "chat": "Conversation",
    "abstract": "Abstracts",
    "hypothesize": "Hypothesis, not a finding",
}
_MOST_OPEN = 8
_FACTS = {
    "status": "status",
    "why": "why",
    "n_claims": "statements that were looked at",
    "n_contradicted": "contradicted by the cells",
    "genes_not_in_evidence": "genes named that are not in the evidence",
    "like_null": "words in common with an answer without genes",
    "null_text": "what the model says without the genes",
    "genes": "genes that the model was told",
    "texts": "texts that it was shown",
    "interactions": "interactions that it was told",
}
_CLAIMS = {
    "context": "answer",
    "said": "said to be",
    "group": "group",
    "than": "than",
    "share": "cells with it",
    "auroc": "area",
    "pval_adj": "adjusted p",
    "highest_in": "highest in",
    "holds": "holds",
    "why": "why",
}
_PARAMS = {
    "groupby": "groups",
    "a": "one group",
    "b": "the other",
    "kind": "kind of question",
    "versus": "compared with",
    "by": "by",
    "samples": "samples",
    "n_cells": "cells that were shown",
    "n_genes": "genes of a cell that were shown",
    "source": "evidence from",
}


def section(adata: AnnData) -> Section | None:
    """Texts of models that talk, each statement held against the cells."""
    blocks: list[Block] = []
    summary: list[Said] = []
    for one in records(adata, *TALKS):
        found = one.value.get("table")
        if found is None or not len(found):
            continue
        blocks.append(_part(one, found))
        summary.append(
            Said(f"{_KINDS[one.tool]}: {one.name}" if one.name != one.tool else _KINDS[one.tool], _said(one, found))
        )
    return Section("talks", "Answers in words", blocks, summary) if blocks else None


def _part(one: Record, found: pd.DataFrame) -> Part:
    source = f"{one.source}['table']"
    notice = text_of(one.value.get("notice")) or (
        "These texts were written by a language model. What they name was held against the cells; what they say beyond "
        "that was not."
    )
    blocks: list[Block] = [Note("caution" if one.tool == "hypothesize" else "plain", say("{}", notice))]
    cards: list[Block] = [_card(found, i, source) for i in range(len(found))]
    blocks += cards[:_MOST_OPEN]
    if len(cards) > _MOST_OPEN:
        blocks.append(Folded(f"The other {len(cards) - _MOST_OPEN} texts", cards[_MOST_OPEN:]))
    claims = one.value.get("claims")
    if claims is not None and len(claims):
        shown = of_frame(
            claims,
            f"{one.source}['claims']",
            "Statements and what the cells say of them",
            _CLAIMS,
            name="name",
            named="gene or type",
            shares=("share",),
            most=60,
        )
        blocks.append(Folded(f"Statements that were held against the cells ({len(claims)})", [shown]))
    if one.tool == "hypothesize" and (pairs := one.value.get("interactions")) is not None and len(pairs):
        blocks.append(
            Folded(
                f"Interactions that the model was told of ({len(pairs)})",
                [of_frame(pairs, f"{one.source}['interactions']", "Interactions")],
            )
        )
    rows = facts_of(one.params, f"{one.source}['params']", _PARAMS)
    rows += facts_of(one.value.get("model", {}), f"{one.source}['model']", {"id": "model"})
    blocks.append(how(rows))
    return Part(f"{_KINDS[one.tool]}: {one.name}", blocks, one.source)


def _card(found: pd.DataFrame, i: int, source: str) -> Card:
    row = found.iloc[i]
    facts: list[tuple[str, Piece]] = []
    for column, shown in _FACTS.items():
        if column not in found or text_of(row[column]) == "":
            continue
        value = piece(row[column], f"{source}[{column!r}].iloc[{i}]")
        if value != UNKNOWN:
            facts.append((shown, value))
    flags: list[tuple[str, str]] = []
    if "flagged" in found:
        flags.append(("caution", "flagged") if bool(row["flagged"]) else ("plain", "not flagged"))
    title = text_of(row.get("question")) or str(found.index[i])
    about = str(found.index[i])
    text = text_of(row["text"]) or "(no answer: no cell has a sentence)"
    return Card(title if about == title else f"{about}: {title}", text, f"{source}.iloc[{i}]", flags, facts)


def _said(one: Record, found: pd.DataFrame) -> list[Sentence]:
    source = f"{one.source}['table']"
    n = number(len(found), f"len({source})")
    lines: list[Sentence] = []
    if "flagged" in found:
        bad = number(int(found["flagged"].astype(bool).sum()), f"{source}['flagged'].sum()")
        lines.append(say(f"A model that talks wrote {{}} {_texts(found)}; {{}} flagged.", n, bad))
    else:
        lines.append(say(f"A model that talks wrote {{}} {_texts(found)}.", n))
    claims: Any = one.value.get("claims")
    if claims is not None and len(claims) and "holds" in claims:
        where = f"{one.source}['claims']"
        counts = [
            number(int((claims["holds"] == word).sum()), f"({where}['holds'] == {word!r}).sum()")
            for word in ("yes", "no", "")
        ]
        lines.append(
            say(
                "Of {} statements on genes and types, the cells bear out {}, contradict {} and leave {} open.",
                number(len(claims), f"len({where})"),
                *counts,
            )
        )
    return lines


def _texts(found: pd.DataFrame) -> str:
    return "text" if len(found) == 1 else "texts"
