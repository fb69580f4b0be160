"""The records in ``uns["c2s"]``: which tool wrote each, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from anndata import AnnData

_PREFIXES = (
    ("sentences_", "sentences"),
    ("annotate_", "annotate"),
    ("embed_", "embed"),
    ("perplexity_", "perplexity"),
    ("caption_", "caption"),
    ("name_genes_", "name_genes"),
    ("marker_labels_", "marker_labels"),
    ("transfer_labels_", "transfer_labels"),
    ("bulk_match_", "bulk_match"),
    ("donors_", "donors"),
    ("search_", "search"),
)
_BY_ENTRY = (
    ("r2_all_ranks", "rank_fit"),
    ("random_weights_correlation", "importance"),
    ("silhouette_null", "donors"),
    ("interactions", "hypothesize"),
    ("system", "chat"),
)
"""Entries that the records of one tool have, whatever the user has called them."""
_BY_PARAMETER = (
    ("smallest_effect", "screen"),
    ("max_interactions", "hypothesize"),
    ("versus", "ask"),
    ("samples", "abstract"),
    ("n_invalid", "reconstructed"),
    ("scheme", "split"),
    ("program_source", "program_score"),
)
TALKS = ("ask", "compare", "chat", "abstract", "hypothesize")
_NAMED = {
    "sentences",
    "rank_fit",
    "recipe",
    "generate",
    "annotate",
    "embed",
    "perplexity",
    "caption",
    "name_genes",
    "perturb",
    "fate",
    "marker_labels",
    "transfer_labels",
    "compare_labels",
    "neighborhoods",
    "niches",
    "interactions",
    "same_neighborhood",
    "same_niche",
    "generate_neighbor",
    "text",
    "chat",
    "ask",
    "compare",
    "abstract",
    "bulk_match",
    "donors",
    "split",
    "match_labels",
    "search",
    "hypothesize",
    "contexts",
    "pseudobulk",
}


@dataclass(frozen=True)
class Record:
    """How one result came about."""

    tool: str
    path: tuple[str, ...]
    """Keys in ``uns["c2s"]``."""
    value: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Its own key."""
        return self.path[-1]

    @property
    def source(self) -> str:
        """Expression that gives the record."""
        return place(*self.path)

    @property
    def params(self) -> Mapping[str, Any]:
        """Parameters."""
        found = self.value.get("params")
        return found if isinstance(found, Mapping) else {}

    def param(self, name: str) -> tuple[Any, str]:
        """A parameter and where it stands; ``None`` where there is none."""
        return given(self.params.get(name)), f"{self.source}['params'][{name!r}]"


def place(*keys: str) -> str:
    """Expression for an entry of ``uns["c2s"]``.

    Examples
    --------
    >>> place("rank_fit", "r2")
    "adata.uns['c2s']['rank_fit']['r2']"
    """
    return "adata.uns['c2s']" + "".join(f"[{key!r}]" for key in keys)


def given(value: Any) -> Any:
    """A value of a record; what a file cannot hold stands there as ``"None"``."""
    return None if isinstance(value, str) and value == "None" else value


def ours(adata: AnnData) -> Mapping[str, Any]:
    """``uns["c2s"]``, or nothing."""
    found = adata.uns.get("c2s")
    return found if isinstance(found, Mapping) else {}


def records(adata: AnnData, *tools: str) -> list[Record]:
    """All records by name, which is how files order them, so that a report of a file is the same; of `tools` alone."""
    found = []
    held = ours(adata)
    for key, value in held.items():
        if not isinstance(value, Mapping):
            continue
        if "params" in value or key in _NAMED - {"perturb", "fate", "compare_labels", "match_labels"}:
            found.append(Record(_tool(key, value, held), (key,), value))
        elif "r2_all_ranks" in value:
            found.append(Record("rank_fit", (key,), value))
        else:
            tool = "contexts_result" if key.startswith("by_") else key
            found += [Record(tool, (key, name), one) for name, one in value.items() if isinstance(one, Mapping)]
    return sorted((one for one in found if not tools or one.tool in tools), key=lambda one: one.path)


def entry(adata: AnnData, *keys: str) -> Any:
    """What ``uns["c2s"]`` holds under these keys, or ``None``."""
    found: Any = ours(adata)
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def table(adata: AnnData, *keys: str) -> pd.DataFrame | None:
    """A table of ``uns["c2s"]``, or ``None``."""
    found = entry(adata, *keys)
    return found if isinstance(found, pd.DataFrame) else None


def _tool(key: str, value: Mapping[str, Any], held: Mapping[str, Any]) -> str:
    if key in _NAMED:
        return key
    for start, tool in _PREFIXES:
        if key.startswith(start):
            return tool
    params = value.get("params")
    params = params if isinstance(params, Mapping) else {}
    if key.endswith("_record"):
        stem = key.removesuffix("_record")
        if "smallest_effect" in params:
            return "screen"
        if f"{stem}_answers" in held:
            return "benchmark"
        return "experiments" if "min_cells" in params and "control_name" in params else "attention"
    for name, tool in _BY_ENTRY:
        if name in value:
            return tool
    if "claims" in value:
        return next((tool for name, tool in _BY_PARAMETER if name in params and tool in TALKS), "compare")
    if "report" in value and "table" in value:
        return "generate_neighbor" if "overlap" in value["table"] else "same_neighborhood"
    if "cells" in value and "table" in value:
        return "contexts"
    return next((tool for name, tool in _BY_PARAMETER if name in params), "other")
