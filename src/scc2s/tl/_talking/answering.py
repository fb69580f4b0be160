"""Topics asked, answers with what stands beside them: what ask, compare and abstract have in common."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scc2s._cells.access import sentence_slots
from scc2s._cells.arguments import whole
from scc2s._cells.contexts import Contexts
from scc2s._cells.recorded import recorded_expression
from scc2s._cells.texts import texts_about
from scc2s._cells.values import describe, log_blocks
from scc2s._logging import logger
from scc2s.ontology._terms import version as ontology_version
from scc2s.programs import as_markers
from scc2s.programs import markers as shipped_markers
from scc2s.prompts._consensus import alike
from scc2s.prompts._passages import choose, passages
from scc2s.prompts._talks import shown
from scc2s.tl._asking.arguments import share
from scc2s.tl._asking.cells import look
from scc2s.tl._asking.decoding import Decoding
from scc2s.tl._describing.gene_lists import one_organism
from scc2s.tl._describing.grounding import listing
from scc2s.tl._talking.asker import Asker, most_genes
from scc2s.tl._talking.evidence import cells_shown, genes_table, tested_genes
from scc2s.tl._talking.judging import Judge, summary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anndata import AnnData

    from scc2s._cells.expression import Expression
    from scc2s.models import Model
    from scc2s.tl._talking.asker import Messages
    from scc2s.tl._talking.evidence import Higher
    from scc2s.tl._talking.topics import Topic

_FIELD = "{cell_sentence} {organism}"
"""What conversations take from the cells."""


@dataclass(frozen=True)
class Options:
    """Arguments that tools which talk share, checked."""

    decoding: Decoding
    n_cells: int
    n_genes: int
    n_top: int
    min_share: float
    markers: Any
    controls: bool
    plain: bool
    use_text: bool
    text_tokens: int
    layer: str | None
    use_raw: bool | None
    organism: str | None
    sentence_key: str

    def __post_init__(self) -> None:
        for name, least in (("n_cells", 1), ("n_genes", 1), ("n_top", 0), ("text_tokens", 1)):
            whole(name, getattr(self, name), least)
        share("min_share", self.min_share)
        _ = self.known_markers

    def showing(self, n_cells: int) -> Options:
        """The same with another number of cells."""
        return replace(self, n_cells=n_cells)

    @property
    def known_markers(self) -> Mapping[str, Any]:
        """Genes by cell type."""
        return shipped_markers() if self.markers is None else as_markers(self.markers)

    def params(self) -> dict[str, Any]:
        """What a record of the result should hold."""
        names = ("n_cells", "n_genes", "n_top", "min_share", "controls", "plain", "use_text", "text_tokens")
        drawn = ("temperature", "top_p", "top_k", "max_new_tokens", "random_state")
        return {
            **{name: getattr(self, name) for name in names},
            **{name: getattr(self.decoding, name) for name in drawn},
            "markers": [f"{label}: {listing(one.genes)}" for label, one in self.known_markers.items()],
            "ontology": ontology_version(),
            "sentence_key": self.sentence_key,
        }


@dataclass(frozen=True)
class Before:
    """What is read of the data, and who is asked."""

    sentences: list[str]
    organism: str
    cells: list[dict[str, np.ndarray]]
    """Cells shown of each side, for each topic."""
    higher: list[list[Higher]]
    expressed: Expression
    texts: list[list[tuple[str, str]]]
    asker: Asker
    more: list[list[str]] = field(default_factory=list)
    """Other lines of evidence for each topic; none where the list is empty."""

    @classmethod
    def read(
        cls,
        data: AnnData,
        topics: Sequence[Topic],
        model: str | Model | None,
        options: Options,
        *,
        higher: list[list[Higher]] | None = None,
    ) -> Before:
        """Refuse what cannot be asked about, then a model that does not talk, and only then test genes.

        Raises
        ------
        KeyError
            There are no sentences, or no texts where some are wanted.
        TypeError
            The model does not talk.
        ValueError
            No cell has a sentence, the data is of several organisms, values are scaled or not finite, or the model has
            no chat template.
        """
        seen = look(data, _FIELD, "caption", organism=options.organism, sentence_key=options.sentence_key)
        organism = one_organism(data, None, options.organism)
        cells = [
            cells_shown(data, topic.sides, seen.sentences, options.n_cells, options.decoding.random_state)
            for topic in topics
        ]
        slots = sentence_slots(options.sentence_key).record
        expressed = recorded_expression(data, slots, layer=options.layer, use_raw=options.use_raw)
        texts = []
        for topic in topics:
            rows = np.concatenate(list(topic.sides.values()))
            texts.append(texts_about(data, rows) if options.use_text else [])
        next(iter(log_blocks(expressed, describe(expressed.blocks(2048)), 1e4, math.e)), None)  # an error now
        asker = Asker.load(model, options.decoding, plain=options.plain)
        if higher is None:
            higher = tested_genes(expressed, topics, options.n_top) if options.n_top else [[] for _ in topics]
        return cls(seen.sentences, organism or "", cells, higher, expressed, texts, asker)

    def system(
        self,
        place: int,
        n_genes: int,
        texts: Sequence[tuple[str, str]],
        *,
        rows: Mapping[str, np.ndarray] | None = None,
    ) -> str:
        """The message that shows the cells of a topic; without genes for ``n_genes=0``."""
        cells = self.cells[place] if rows is None else rows
        said = {side: [self.sentences[row] for row in some] for side, some in cells.items()}
        higher = [(one.group, one.other, one.genes) for one in self.higher[place]] if n_genes else []
        more = self.more[place] if n_genes and self.more else []
        return shown(said, organism=self.organism, n_genes=n_genes, higher=higher, texts=texts, more=more)


def open_options(
    *,
    temperature: float,
    top_p: float,
    top_k: int | None,
    max_new_tokens: int,
    random_state: int,
    cache: Any,
    **rest: Any,
) -> Options:
    """The arguments as they were given, checked."""
    whole("max_new_tokens", max_new_tokens)
    decoding = Decoding(
        temperature=temperature,
        top_p=top_p,
        top_k=top_k,
        max_new_tokens=max_new_tokens,
        random_state=random_state,
        cache=cache,
    )
    return Options(decoding=decoding, **rest)


def texts_for(asker: Asker, texts: Sequence[tuple[str, str]], question: str, most_tokens: int) -> list[tuple[str, str]]:
    """Source and text of the passages that go into a prompt."""
    found = choose(passages(texts), question, lambda some: asker.model.count_tokens(some).tolist(), most_tokens)
    return [(one.source, one.text) for one in found]


def answer_topics(data: AnnData, topics: Sequence[Topic], before: Before, options: Options) -> dict[str, pd.DataFrame]:
    """Ask, and hold the answers against the cells.

    Returns
    -------
    ``table`` (one row a topic), ``cells`` (those shown), ``genes`` (of the test), ``claims``.
    """
    asker = before.asker
    rows: list[dict[str, Any]] = []
    asked: list[Messages] = []
    nulls: list[Messages] = []
    judge = Judge(
        before.expressed, topics, options.known_markers, min_share=options.min_share, ignore=asker.model.labels or ()
    )
    for place, topic in enumerate(topics):
        texts = texts_for(asker, before.texts[place], topic.question, options.text_tokens)
        n_genes = most_genes(asker, _conversation(before, place, topic, texts), options.n_genes)
        messages, null = (_conversation(before, place, topic, texts)(n) for n in (n_genes, 0))
        empty = not any(len(some) for some in before.cells[place].values())
        asked += [] if empty else [messages]
        nulls += [] if empty else [null]
        rows.append(_row(data, before, place, topic, texts, messages, n_genes, empty=empty))
    answers = iter(asker.ask(asked))
    without = iter(asker.ask(nulls) if options.controls else [""] * len(nulls))
    for row in rows:
        row["text"], row["null_text"] = ("", "") if not row["prompt"] else (next(answers), next(without))
        row["model"] = str(asker.model.id)
    table = pd.DataFrame(rows).set_index("name", drop=False)
    _say(table, options.n_genes)
    table["like_null"] = [
        alike(text, null) if text and options.controls else np.nan
        for text, null in zip(table["text"], table["null_text"], strict=True)
    ]
    names = [topic.name for topic in topics]
    found = judge.look(table["text"].tolist(), topics, names)
    checked = summary(found, names, table["like_null"].tolist()).set_axis(table.index)
    table = pd.concat([table, checked], axis=1)
    log_flagged(table)
    order = [
        *("name", "question", "text", "model_text", "cells", "genes", "texts", "n_genes_shown", "model", "prompt"),
        *("null_text", "like_null", "n_claims", "n_contradicted", "flagged", "why"),
    ]
    cells = [
        [str(name) for some in before.cells[place].values() for name in data.obs_names[some]]
        for place in range(len(topics))
    ]
    entries = Contexts(table[order].rename(columns={"name": "context"}), cells).entries()
    entries["cells"].index = entries["cells"].index.astype(str)
    entries["table"].index.name = None
    return {**entries, "genes": genes_table(names, before.higher), "claims": found}


def _conversation(before: Before, place: int, topic: Topic, texts: Sequence[tuple[str, str]]) -> Any:
    def messages(n_genes: int) -> Messages:
        system = before.system(place, n_genes, texts)
        return [{"role": "system", "content": system}, {"role": "user", "content": topic.question}]

    return messages


def _row(
    data: AnnData,
    before: Before,
    place: int,
    topic: Topic,
    texts: Sequence[tuple[str, str]],
    messages: Messages,
    n_genes: int,
    *,
    empty: bool,
) -> dict[str, Any]:
    shown_rows = [row for some in before.cells[place].values() for row in some]
    return {
        "name": topic.name,
        "question": topic.question,
        "model_text": True,
        "cells": listing(data.obs_names[shown_rows].astype(str)),
        "genes": listing(gene for one in before.higher[place] for gene in one.genes),
        "texts": listing(source for source, _ in texts),
        "n_genes_shown": 0 if empty else n_genes,
        "prompt": "" if empty else json.dumps(messages, ensure_ascii=False),
    }


def _say(table: pd.DataFrame, n_genes: int) -> None:
    empty = table.index[table["prompt"] == ""]
    if len(empty):
        logger.warning("%d of %d topics have no cell with a sentence: %s", len(empty), len(table), listing(empty[:5]))
    short = table[(table["n_genes_shown"] < n_genes) & (table["prompt"] != "")]
    if len(short):
        logger.warning(
            "the cells of %d of %d prompts are shown with their first %d genes or more, to fit the model",
            len(short), len(table), int(short["n_genes_shown"].min()),
        )  # fmt: skip


def log_flagged(table: pd.DataFrame) -> None:
    """Log how many answers are flagged, and why the first are."""
    flagged = table[table["flagged"]]
    if len(flagged):
        said = "; ".join(f"{name} ({why.partition('; ')[0]})" for name, why in flagged["why"].iloc[:3].items())
        more = "; ..." if len(flagged) > 3 else ""
        logger.warning("%d of %d answers are flagged: %s%s", len(flagged), len(table), said, more)
