from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scc2s.report._parts import Fact, Note, Part, Section, say
from scc2s.report._records import TALKS, ours, place, records
from scc2s.report._tables import facts_of, how, of_frame, piece
from scc2s.report._values import text_of

from .labels import LABELS

if TYPE_CHECKING:
    from anndata import AnnData

    from scc2s.report._parts import Block

_ELSEWHERE = {
    *LABELS,
    *TALKS,
    "sentences",
    "rank_fit",
    "recipe",
    "split",
    "embed",
    "caption",
    "perturb",
    "fate",
    "experiments",
    "screen",
    "generate",
    "compare_labels",
    "benchmark",
    "neighborhoods",
    "niches",
    "contexts",
    "contexts_result",
    "same_neighborhood",
    "same_niche",
    "generate_neighbor",
}
"""Tools whose results have a chapter of their own."""
_TITLES = {
    "name_genes": "Names of gene lists",
    "perplexity": "Perplexity",
    "attention": "Attention",
    "importance": "Importance of genes",
    "search": "Search",
    "bulk_match": "Match to bulk profiles",
    "donors": "Groups of donors",
    "program_score": "Score of a program",
    "match_labels": "Labels matched to an ontology",
    "reconstructed": "Reconstructed expression",
    "interactions": "Known interactions",
    "text": "Texts beside the cells",
    "pseudobulk": "Pseudobulk",
}
_QUIET = ("params", "versions", "model", "written")
_TABLES_OF = {"name_genes": "key_added", "attention": None}
_CAUTION = {
    "attention": "Weights of attention are not an explanation: they show where a model looks, not why it answers.",
    "importance": "The change of an answer when a gene is left out speaks of the model, not of the biology.",
    "name_genes": "A name of a gene list is text that a language model wrote, not a finding.",
}
_MOST_FACTS = 40
_MOST_ROWS = 10


def section(adata: AnnData) -> Section | None:
    """All results that have no chapter of their own, each as its record has it."""
    parts: list[Block] = []
    for one in records(adata):
        if one.tool in _ELSEWHERE:
            continue
        blocks: list[Block] = []
        if one.tool in _CAUTION:
            blocks.append(Note("plain", say("{}", _CAUTION[one.tool])))
        if notice := text_of(one.value.get("notice")):
            blocks.append(Note("caution", say("{}", notice)))
        facts = [*_single(one.params, f"{one.source}['params']"), *_single(one.value, one.source)]
        facts += facts_of(one.value.get("model", {}), f"{one.source}['model']", {"id": "model"})
        blocks += _tables(adata, one.value, one.source, _beside(one.tool, one.name, one.params))
        blocks.append(how(facts[:_MOST_FACTS]))
        parts.append(Part(f"{_TITLES.get(one.tool, one.tool)}: {one.name}", blocks, one.source))
    return Section("others", "Other results", parts) if parts else None


def _beside(tool: str, name: str, params: Mapping[str, Any]) -> str | None:
    """Key of the table that a tool writes beside its record."""
    if tool == "name_genes":
        return text_of(params.get("key_added")) or None
    return name.removesuffix("_record") if tool == "attention" else None


def _single(values: Mapping[str, Any], source: str) -> list[Fact]:
    """Numbers and short texts."""
    found = []
    for key, value in values.items():
        if key in (*_QUIET, "notice", "prompt") or isinstance(value, Mapping | pd.DataFrame) or np.size(value) > 60:
            continue
        if text_of(value):
            where = f"{source}[{key!r}]"
            found.append(Fact(str(key).replace("_", " "), piece(value, where), where))
    return found


def _tables(adata: AnnData, values: Mapping[str, Any], source: str, beside: str | None) -> list[Block]:
    found: list[Block] = [
        of_frame(value, f"{source}[{key!r}]", str(key).replace("_", " "), most=_MOST_ROWS)
        for key, value in values.items()
        if isinstance(value, pd.DataFrame) and len(value) and value.shape[1] <= 40
    ]
    table = ours(adata).get(beside) if beside else None
    if isinstance(table, pd.DataFrame) and len(table):
        found.append(of_frame(table, place(str(beside)), str(beside), most=_MOST_ROWS))
    return found
