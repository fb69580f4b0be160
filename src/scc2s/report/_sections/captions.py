from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scc2s import pl
from scc2s.report._figures import colors_of, picture
from scc2s.report._parts import Card, Folded, Note, Part, Said, Section, say
from scc2s.report._records import place, records, table
from scc2s.report._tables import facts_of, how, piece
from scc2s.report._values import UNKNOWN, missing, number, text_of

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from scc2s.report._parts import Block, Piece, Sentence
    from scc2s.report._records import Record

_MOST_DRAWN = 12
_MOST_OPEN = 12
_PARAMS = {
    "groupby": "groups",
    "n_cells": "cells of a group that were shown, at most",
    "n_captions": "captions of a group",
    "min_share": "a gene counts as expressed in this share of the cells",
    "min_auroc": "a gene counts as higher from",
    "source": "evidence from",
}
_FACTS = {
    "share_grounded": "named genes that the group expresses",
    "share_specific": "named genes that are higher in it",
    "genes_named": "genes named",
    "genes_not_expressed": "not expressed",
    "genes_not_specific": "not higher than elsewhere",
    "genes_unknown": "unknown or not measured",
    "type": "type named",
    "type_auroc": "markers of it higher in (area)",
    "type_markers": "markers that are higher",
    "type_rival": "type whose markers stand out more",
    "genes": "genes highest in the group, by the data",
    "like_null": "words in common with an answer without genes",
    "like_others": "words in common with captions of other groups",
}
_SHARES = ("share_grounded", "share_specific")


def section(adata: AnnData) -> Section | None:
    """Captions of groups, each with what the cells say of it."""
    blocks: list[Block] = []
    summary: list[Said] = []
    for one in records(adata, "caption"):
        key = text_of(one.params.get("key_added")) or "captions"
        found = table(adata, key)
        if found is None or not len(found):
            continue
        blocks.append(_part(adata, one, key, found))
        summary.append(Said(f"Captions: {key}" if key != "captions" else "Captions", [_said(found, key)]))
    return Section("captions", "Captions", blocks, summary) if blocks else None


def _part(adata: AnnData, one: Record, key: str, found: pd.DataFrame) -> Part:
    warned = Note(
        "plain",
        say(
            "A caption is text that a language model wrote, not a finding. Beside it stands what the cells say of it. "
            "One "
            "that is not flagged is not therefore right."
        ),
    )
    blocks: list[Block] = [warned]
    first = found[found["caption"] == 0] if "caption" in found else found
    if "X_umap" in adata.obsm and len(first) <= _MOST_DRAWN:
        blocks.append(
            picture(
                lambda: pl.captions(adata, key=key, show=False),
                f"Map of the cells with a caption for each of {len(first)} groups at its side; flagged ones have a "
                f"dashed "
                "frame. The captions stand as text below.",
                "Captions beside the map; those with a dashed frame are flagged",
                f"{place(key)}, adata.obsm['X_umap']",
            )
        )
    groups = [text_of(name) for name in found["group"]]
    colors = _colors(adata, text_of(one.params.get("groupby")))
    cards: list[Block] = [_card(found, i, key, groups[i], colors.get(groups[i])) for i in range(len(found))]
    blocks += cards[:_MOST_OPEN]
    if len(cards) > _MOST_OPEN:
        blocks.append(Folded(f"The other {len(cards) - _MOST_OPEN} captions", cards[_MOST_OPEN:]))
    rows = facts_of(one.params, f"{one.source}['params']", _PARAMS, shares=("min_share",))
    rows += facts_of(one.value.get("model", {}), f"{one.source}['model']", {"id": "model"})
    blocks.append(how(rows))
    return Part(f"Captions: {key}", blocks, place(key))


def _colors(adata: AnnData, groupby: str) -> dict[str, str]:
    if groupby not in adata.obs:
        return {}
    names = [text_of(name) for name in adata.obs[groupby].astype("category").cat.categories]
    return dict(zip(names, colors_of(len(names), adata.uns.get(f"{groupby}_colors")), strict=True))


def _card(found: pd.DataFrame, i: int, key: str, group: str, color: str | None) -> Card:
    row = found.iloc[i]
    facts: list[tuple[str, Piece]] = []
    for column, shown in _FACTS.items():
        if column not in found or missing(row[column]) or text_of(row[column]) == "":
            continue
        value = piece(row[column], f"{place(key)}[{column!r}].iloc[{i}]", share=column in _SHARES)
        if value != UNKNOWN:
            facts.append((shown, value))
    flagged = "flagged" in found and bool(row["flagged"])
    flags = [("caution", "flagged") if flagged else ("plain", "not flagged")]
    supported = text_of(row.get("type_supported"))
    if supported in ("yes", "no"):
        flags.append(
            ("good", "its type is supported") if supported == "yes" else ("caution", "its type is not supported")
        )
    if why := text_of(row.get("why")):
        facts.insert(0, ("why flagged" if flagged else "not judged", why))
    number_of = int(row["caption"]) if "caption" in found else 0
    title = group if not number_of else f"{group}, caption {number_of + 1}"
    text = text_of(row["text"]) or "(no caption: no cell of the group has a sentence)"
    return Card(title, text, f"{place(key)}.iloc[{i}]", flags, facts, color)


def _said(found: pd.DataFrame, key: str) -> Sentence:
    where = place(key)
    n: Any = number(len(found), f"len({where})")
    groups = number(int(found["group"].nunique()), f"{where}['group'].nunique()")
    if "flagged" not in found:
        return say("A model wrote {} captions for {} groups.", n, groups)
    bad = number(int(found["flagged"].astype(bool).sum()), f"{where}['flagged'].sum()")
    return say(
        "A model wrote {} captions for {} groups; {} of them are flagged: the cells contradict them or do not bear "
        "them "
        "out, or they say what the model says without a cell.",
        n,
        groups,
        bad,
    )
