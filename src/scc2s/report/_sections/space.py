from __future__ import annotations

from typing import TYPE_CHECKING

from scc2s import pl
from scc2s.report._figures import picture
from scc2s.report._parts import Facts, Note, Part, Said, Section, say
from scc2s.report._records import records
from scc2s.report._tables import facts_of, how, of_frame
from scc2s.report._values import number, text_of

from .labels import VERDICTS

if TYPE_CHECKING:
    from anndata import AnnData

    from scc2s.report._parts import Block
    from scc2s.report._records import Record

_ASKED = ("same_neighborhood", "same_niche", "generate_neighbor")
_DRAWN = ("neighborhoods", "niches", "contexts")
_TITLES = {
    "same_neighborhood": "Are these cells neighbours?",
    "same_niche": "Are these cells of one niche?",
    "generate_neighbor": "The missing neighbour",
    "neighborhoods": "Neighbourhoods",
    "niches": "Niches",
    "contexts": "Samples of cells",
}


def section(adata: AnnData) -> Section | None:
    """Questions about several cells together: neighbourhoods, niches, samples."""
    blocks: list[Block] = []
    summary: list[Said] = []
    for one in records(adata, *_DRAWN):
        blocks.append(_contexts(adata, one))
    for one in records(adata, *_ASKED):
        blocks.append(_asked(one))
        if verdict := text_of(one.value.get("verdict")):
            words = VERDICTS.get(verdict, ("", verdict))[1]
            summary.append(Said(_TITLES[one.tool], [say("{}", words)], [f"{one.source}['verdict']"]))
    for one in records(adata, "contexts_result"):
        blocks.append(_by_context(one))
    return Section("contexts", "Several cells at once", blocks, summary) if blocks else None


def _contexts(adata: AnnData, one: Record) -> Part:
    table = one.value.get("table")
    blocks: list[Block] = []
    n = 0 if table is None else len(table)
    names = {
        "groupby": "groups",
        "spatial_key": "coordinates",
        "radius": "radius",
        "unit": "unit",
        "n_cells": "cells of one",
        "n_no_group": "cells without a group",
        "n_unused": "cells that are in none",
        "scheme": "split",
    }
    blocks.append(Facts("How they were drawn", facts_of(one.params, f"{one.source}['params']", names)))
    if table is not None and n:
        spatial = text_of(one.params.get("spatial_key")) or "spatial"
        if "center" in table and spatial in adata.obsm:
            blocks.append(
                picture(
                    lambda: pl.neighborhood(adata, contexts=one.name, show=False),
                    "The cells around the centre of the first context, as they lie in the tissue.",
                    "The first context, in its place",
                    f"{one.source}['table'].iloc[0], adata.obsm[{spatial!r}]",
                )
            )
        blocks.append(of_frame(table, f"{one.source}['table']", "Contexts", named="context", most=10))
    return Part(f"{_TITLES[one.tool]}: {one.name} ({number(n, '').shown})", blocks, one.source)


def _asked(one: Record) -> Part:
    blocks: list[Block] = []
    if verdict := text_of(one.value.get("verdict")):
        level, words = VERDICTS.get(verdict, ("plain", verdict))
        blocks.append(Note(level, say("{} (verdict of the controls: {})", words, verdict)))
    for key, title in (
        ("report", "Answers beside floors that need no model"),
        ("controls", "The same questions with other genes, or none"),
    ):
        if (table := one.value.get(key)) is not None and len(table):
            blocks.append(of_frame(table, f"{one.source}[{key!r}]", title, most=60))
    names = {
        "contexts": "asked about",
        "part": "part",
        "n_asked": "questions",
        "interactions": "interactions in the prompt",
    }
    rows = facts_of(one.params, f"{one.source}['params']", names)
    rows += facts_of(one.value.get("model", {}), f"{one.source}['model']", {"id": "model"})
    blocks.append(how(rows))
    return Part(f"{_TITLES[one.tool]} ({one.name})", blocks, one.source)


def _by_context(one: Record) -> Part:
    blocks: list[Block] = []
    if verdict := text_of(one.value.get("verdict")):
        level, words = VERDICTS.get(verdict, ("plain", verdict))
        blocks.append(Note(level, say("{} (verdict of the controls: {})", words, verdict)))
    for key, title in (("table", "Answers by context"), ("controls", "The same questions with other genes, or none")):
        if (table := one.value.get(key)) is not None and len(table):
            blocks.append(of_frame(table, f"{one.source}[{key!r}]", title, named="context", most=15))
    names = {"target": "asked for", "mode": "how", "n_shortened": "prompts that were shortened"}
    rows = facts_of(one.params, f"{one.source}['params']", names)
    rows += facts_of(one.value.get("model", {}), f"{one.source}['model']", {"id": "model"})
    blocks.append(how(rows))
    return Part(f"{one.path[0].removeprefix('by_')}: {one.name}", blocks, one.source)
