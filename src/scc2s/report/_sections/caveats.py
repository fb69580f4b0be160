from __future__ import annotations

from typing import TYPE_CHECKING

from scc2s.report._parts import Note, Section, say
from scc2s.report._records import ours, records

if TYPE_CHECKING:
    from anndata import AnnData

    from scc2s.report._parts import Block

RESEARCH = (
    "Research use only. Nothing in this report is validated for diagnosis, prognosis, treatment or any other clinical "
    "use, "
    "and nothing in it may guide anyone's care."
)
_ASKED = "What a language model says about a cell is a prediction, not a finding. It can be fluent and wrong."
_SENTENCE = (
    "A cell sentence keeps the order of the genes, not their amounts. In count data most genes of a cell are tied with "
    "others; a fixed rule orders these, so that late places of a sentence say little."
)
_LABELS = (
    "A probability is among the labels that were offered: where the right one is not among them, another gets its "
    "share. A "
    "model may have been trained on cells like these, or on these, and this report cannot tell."
)
_PREDICTED = (
    "A predicted cell that is no closer to real ones than the cell before, a scrambled name or the mean shift of other "
    "groups says nothing about the perturbation."
)
_CELLS = (
    "Intervals over cells are too narrow for statements about people or animals; those over donors stand where the "
    "column of "
    "donors was given."
)
_TRACED = (
    "The summary repeats numbers of this file in words and draws no conclusion from them. Every number has the "
    "expression beside it that gives it in Python, with adata the file that was read."
)


def section(adata: AnnData) -> Section:
    """What a reader has to keep in mind, as far as it concerns what is there."""
    tools = {one.tool for one in records(adata)}
    lines = [_TRACED]
    if any(isinstance(one.value.get("model"), dict) for one in records(adata)):
        lines.append(_ASKED)
    if "sentences" in tools:
        lines.append(_SENTENCE)
    if tools & {"annotate", "transfer_labels"}:
        lines.append(_LABELS)
    if tools & {"perturb", "fate", "screen", "experiments"}:
        lines += [_PREDICTED, _CELLS]
    blocks: list[Block] = [Note("caution", say("{}", RESEARCH)), *(Note("plain", say("{}", line)) for line in lines)]
    if not ours(adata):
        blocks.append(Note("plain", say("No function of scc2s has written a result to this file yet.")))
    return Section("caveats", "What to keep in mind", blocks)
