from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scc2s.report._parts import Fact, Facts, Folded, Part, Quote, Said, Section, say
from scc2s.report._records import records
from scc2s.report._tables import facts_of
from scc2s.report._values import number, text_of, without_paths

if TYPE_CHECKING:
    from anndata import AnnData

    from scc2s.report._parts import Block
    from scc2s.report._records import Record

_INFO = {
    "id": "name",
    "revision": "revision",
    "weights_hash": "hash of its weights",
    "adapter": "adapter on it",
    "family": "family of prompts",
    "architecture": "architecture",
    "n_parameters": "parameters",
    "max_tokens": "longest prompt and answer, in tokens",
    "backend": "run by",
    "url": "address",
    "device": "device",
    "dtype": "numbers",
    "quantization": "quantisation",
}
_TOOLS = {
    "annotate": "labels",
    "embed": "embedding",
    "caption": "captions",
    "perturb": "perturbation",
    "fate": "fate",
    "screen": "screen",
    "experiments": "grid of perturbations",
    "name_genes": "names of gene lists",
    "perplexity": "perplexity",
    "attention": "attention",
    "importance": "importance of genes",
    "ask": "answers",
    "compare": "comparison",
    "chat": "conversation",
    "abstract": "abstracts",
    "hypothesize": "hypothesis",
    "search": "search",
    "generate": "generated cells",
    "same_neighborhood": "neighbourhoods",
    "same_niche": "niches",
    "generate_neighbor": "generated neighbours",
    "contexts_result": "samples of cells",
}
_SHORTENED = "n_shortened"


def section(adata: AnnData) -> Section | None:
    """Which models were asked, and in which words."""
    asked = [one for one in records(adata) if isinstance(one.value.get("model"), dict)]
    if not asked:
        return None
    by_model: dict[tuple[str, ...], list[Record]] = {}
    for one in asked:
        info = one.value["model"]
        by_model.setdefault(
            tuple(text_of(info.get(key)) for key in ("id", "revision", "weights_hash", "backend", "dtype")), []
        ).append(one)
    blocks: list[Block] = []
    for (name, *_), used in by_model.items():
        first = used[0]
        info, source = first.value["model"], f"{first.source}['model']"
        rows = [*facts_of(info, source, _INFO), *_licence(name)]
        rows.append(Fact("asked for", ", ".join(dict.fromkeys(_job(one) for one in used)), "adata.uns['c2s']"))
        blocks.append(Part(without_paths(name), [Facts("The model", rows)], source))
    blocks += _prompts(asked)
    return Section("models", "Models and prompts", blocks, _summary(list(by_model), by_model))


def _job(one: Record) -> str:
    kind = _TOOLS.get(one.tool, one.tool)
    return f"{kind} ({one.name})" if one.name not in (one.tool, f"{one.tool}_record") else kind


def _licence(name: str) -> list[Fact]:
    """What the catalogue of the package says of it; nothing is fetched."""
    from scc2s.models import catalogue

    table = catalogue()
    there = table[table["id"] == name]
    if not len(there):
        return []
    terms, seen = (text_of(there[key].iloc[0]) for key in ("licence", "licence_seen"))
    return [Fact("licence, as seen on its card", f"{terms} ({seen})" if seen else terms, "scc2s.models.catalogue()")]


def _prompts(asked: list[Record]) -> list[Block]:
    """Each wording once, with what it was for."""
    found: dict[str, list[Record]] = {}
    for one in asked:
        prompt = text_of(one.params.get("prompt"))
        if prompt:
            found.setdefault(prompt, []).append(one)
    quotes: list[Block] = [
        Quote(", ".join(dict.fromkeys(_job(one) for one in used)), prompt, f"{used[0].source}['params']['prompt']")
        for prompt, used in found.items()
    ]
    short: list[Fact] = []
    for one in asked:
        n, where = one.param(_SHORTENED)
        if isinstance(n, int | np.integer) and n:
            short.append(
                Fact(f"prompts shortened: {_job(one)}", number(n, where), where, "genes were left out from the end")
            )
    blocks: list[Block] = []
    if quotes:
        blocks.append(Part("Prompts", [Folded(f"The wording of the prompts ({len(quotes)})", quotes)]))
    if short:
        blocks.append(Facts("Prompts that had no room for all genes", short))
    return blocks


def _summary(models: list[tuple[str, ...]], by_model: dict[tuple[str, ...], list[Record]]) -> list[Said]:
    names = [without_paths(key[0]) for key in models]
    sources = f"{by_model[models[0]][0].source}['model']"
    if len(names) == 1:
        return [Said("Models", [say("One language model was asked: {}.", names[0])], [sources])]
    every = ", ".join(dict.fromkeys(names))
    return [Said("Models", [say("The language models that were asked are {}.", every)], [sources])]
