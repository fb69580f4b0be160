from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scc2s import pl
from scc2s._cells.access import get_sentences, sentence_slots
from scc2s.report._figures import picture
from scc2s.report._parts import Fact, Facts, Quote, Said, Section, say
from scc2s.report._records import records
from scc2s.report._tables import facts_of
from scc2s.report._values import number

if TYPE_CHECKING:
    from anndata import AnnData

    from scc2s.report._parts import Block, Sentence
    from scc2s.report._records import Record

_SHOWN = 30
_PARAMS = {
    "n_genes": "genes in a sentence, at most",
    "source": "made from",
    "tie_break": "order of equal values",
    "organism": "organism",
    "var_mask": "genes that were used",
    "exclude": "genes left out",
    "reference": "ordered by how far genes stand above",
    "store": "kept as",
}


def section(adata: AnnData) -> Section | None:
    """The sentences of the cells: how they were made, how long they are, and one of them."""
    found = records(adata, "sentences")
    if not found:
        return None
    blocks: list[Block] = []
    summary: list[Said] = []
    for one in found:
        key = "c2s_sentence" if one.name == "sentences" else f"{one.name.removeprefix('sentences_')}_sentence"
        lengths, said = _lengths(adata, one, key)
        blocks.append(Facts(f"Sentences: {key}", [*facts_of(one.params, f"{one.source}['params']", _PARAMS), *lengths]))
        if one is found[0]:
            summary += [Said("Sentences", said)] if said else []
            blocks += _example(adata, key)
    return Section("sentences", "Cell sentences", blocks, summary)


def _lengths(adata: AnnData, one: Record, key: str) -> tuple[list[Fact], list[Sentence]]:
    column = sentence_slots(key).n_genes
    empty, where = one.param("n_empty")
    rows = [] if empty is None else [Fact("cells with an empty sentence", number(empty, where), where)]
    if column not in adata.obs or not adata.n_obs:
        return rows, []
    values, place = adata.obs[column], f"adata.obs[{column!r}]"
    middle = number(values.median(), f"{place}.median()")
    for shown, q in (("shortest sentence, in genes", "min"), ("longest sentence, in genes", "max")):
        rows.append(Fact(shown, number(getattr(values, q)(), f"{place}.{q}()"), f"{place}.{q}()"))
    rows.append(Fact("median length, in genes", middle, f"{place}.median()"))
    said = [
        say(
            "Each cell was written as a sentence, the names of its genes from the strongest down; half of the "
            "sentences "
            "have {} genes or more.",
            middle,
        )
    ]
    if empty:
        said.append(
            say("{} cells have an empty sentence, so that no model can be asked about them.", number(empty, where))
        )
    return rows, said


def _example(adata: AnnData, key: str) -> list[Block]:
    """A sentence of middling length, as text and with its expression."""
    lengths = adata.obs[sentence_slots(key).n_genes].to_numpy() if sentence_slots(key).n_genes in adata.obs else None
    if lengths is None or not (lengths > 0).any():
        return []
    there = np.flatnonzero(lengths > 0)
    row = int(there[np.argsort(lengths[there], kind="stable")[len(there) // 2]])
    cell = str(adata.obs_names[row])
    one = adata[[row]]
    words = get_sentences(one, key)[0].split()
    shown = " ".join(words[:_SHOWN]) + (" \N{HORIZONTAL ELLIPSIS}" if len(words) > _SHOWN else "")
    source = f"adata.obs.loc[{cell!r}, {key!r}]" if key in adata.obs else f"adata.obsm[{sentence_slots(key).ranks!r}]"
    drawn = picture(
        lambda: pl.sentence(adata, row, n_genes=_SHOWN, sentence_key=key, show=False),
        f"Bar chart of the expression of the first {min(_SHOWN, len(words))} genes in the sentence of cell {cell}, "
        "which falls from left to right; genes of equal expression share a grey band.",
        f"The first genes of the sentence of cell {cell}, with the expression they were ordered by",
        source,
    )
    return [Quote(f"The sentence of one cell of middling length, {cell}", shown, source), drawn]
