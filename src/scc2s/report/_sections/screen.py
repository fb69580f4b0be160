from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scc2s import pl
from scc2s.report._figures import picture
from scc2s.report._parts import Note, Part, Said, Section, Table, say
from scc2s.report._records import place, records, table
from scc2s.report._tables import facts_of, how, of_frame
from scc2s.report._values import number, text_of

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from scc2s.report._parts import Block, Piece, Sentence
    from scc2s.report._records import Record

_COLUMNS = {
    "hit": "hit",
    "split": "split",
    "low": "from",
    "high": "to",
    "effect_positive": "effect, positive context",
    "effect_neutral": "effect, neutral context",
    "p": "p",
    "q": "q",
    "validity": "words that are genes",
    "complete": "cells of full length",
    "n_positive": "cells, positive",
    "n_neutral": "cells, neutral",
    "reasons": "why not",
    "interval_over": "intervals over",
}
_PARAMS = {
    "program": "program",
    "genes": "genes of the program",
    "missing": "genes of it that the data lack",
    "context_key": "contexts",
    "positive": "positive context",
    "neutral": "neutral context",
    "donor_key": "donors",
    "n_donors": "number of donors",
    "n_cells": "cells of a context, at most",
    "n_null": "made-up names for each name",
    "baseline": "compared with",
    "max_neutral": "effect of a hit in the neutral context, at most",
    "min_validity": "words of a hit that are genes, at least",
    "alpha": "false discovery rate of a hit, at most",
    "smallest_effect": "split that would be found with this power",
    "power": "power",
}


def section(adata: AnnData) -> Section | None:
    """Screens: what a model says many names do, beside names that mean nothing."""
    blocks: list[Block] = []
    summary: list[Said] = []
    for one in records(adata, "screen"):
        key = one.name.removesuffix("_record")
        found = table(adata, key)
        if found is not None:
            blocks.append(_part(adata, one, key, found))
            summary.append(Said("Screen" if key == "screen" else f"Screen: {key}", _said(one, key, found)))
    return Section("screen", "Screens", blocks, summary) if blocks else None


def _part(adata: AnnData, one: Record, key: str, found: pd.DataFrame) -> Part:
    blocks: list[Block] = []
    if notice := text_of(one.params.get("notice")):
        blocks.append(Note("caution", say("{}", notice)))
    if len(found):
        hits = int(found["hit"].sum())
        blocks.append(
            picture(
                lambda: pl.screen(adata, key=key, show=False),
                f"Effects of {len(found)} names on the program with their intervals, beside the band that holds 95 % "
                f"of "
                f"names that mean nothing; {hits} hits are colored. The values stand in the table below.",
                "What the model says of each name, beside names that mean nothing",
                f"{place(key)}, {place(f'{key}_controls')}",
            )
        )
    columns = {c: shown for c, shown in _COLUMNS.items() if c in found and found[c].notna().any()}
    blocks.append(
        of_frame(
            found, place(key), "Names, best first", columns, name="name", named="name", shares=("validity", "complete")
        )
    )
    controls = table(adata, f"{key}_controls")
    if controls is not None and len(controls):
        blocks.append(_controls(controls, place(f"{key}_controls")))
    rows = facts_of(one.params, f"{one.source}['params']", _PARAMS)
    rows += facts_of(one.value.get("model", {}), f"{one.source}['model']", {"id": "model"})
    blocks.append(how(rows))
    return Part(f"Screen: {key}", blocks, place(key))


def _controls(controls: pd.DataFrame, source: str) -> Table:
    """The controls by kind: how many, and where their splits lie."""
    rows: list[list[Piece]] = []
    for kind in dict.fromkeys(controls["control"].astype(str)):
        where = f"{source}.loc[{source}['control'] == {kind!r}, 'split']"
        values = controls.loc[controls["control"] == kind, "split"]
        ends = [number(values.quantile(q), f"{where}.quantile({q})") for q in (0.025, 0.5, 0.975)]
        rows.append([kind, number(len(values), f"len({where})"), *ends])
    header = ["control", "answers", "2.5 % are below", "median split", "97.5 % are below"]
    return Table("Controls of the screen", header, rows, source)


def _said(one: Record, key: str, found: pd.DataFrame) -> list[Sentence]:
    where = place(key)
    hits, n = number(int(found["hit"].sum()), f"{where}['hit'].sum()"), number(len(found), f"len({where})")
    lines = [
        say(
            "{} of {} names are hits by the rule of the screen; a hit is an answer of the model, not a finding.",
            hits,
            n,
        )
    ]
    least, place_of = one.param("smallest_effect")
    power, of_power = one.param("power")
    real: Any = least
    if least is not None and power is not None and real > 0:
        lines.append(
            say(
                "A split of {} would have been found with a power of {}; a smaller one less often.",
                number(least, place_of),
                number(power, of_power, share=True),
            )
        )
    return lines
