from __future__ import annotations

from typing import TYPE_CHECKING

from scc2s import pl
from scc2s.report._figures import picture
from scc2s.report._parts import Folded, Note, Said, Section, say
from scc2s.report._records import records
from scc2s.report._tables import facts_of, how, of_frame
from scc2s.report._values import number, text_of

if TYPE_CHECKING:
    from anndata import AnnData

    from scc2s.report._parts import Block

_PARAMS = {
    "n_asked": "words asked for",
    "n_genes": "genes in a cell",
    "constrain": "the model could only write genes of the data",
    "temperature": "temperature",
    "share_valid": "words that are genes of the data",
    "share_unique": "words that are not repeats",
    "n_incomplete": "cells that are shorter than asked for",
    "controls_note": "why there is no table",
}


def section(adata: AnnData) -> Section | None:
    """Cells that a model wrote: how far they are like real ones."""
    blocks: list[Block] = []
    summary: list[Said] = []
    for one in records(adata, "generate"):
        blocks.append(Note("caution", say("These cells were written by a language model. None of them was measured.")))
        if {"c2s_valid", "c2s_unique", "c2s_complete"} <= set(adata.obs):
            blocks.append(
                picture(
                    lambda: pl.validity(adata, show=False),
                    "Bars for the share of words that are genes, of genes that are not repeats, and of cells that are "
                    "as long "
                    "as asked for.",
                    "Whether what the model wrote are cells",
                    "adata.obs[['c2s_valid', 'c2s_unique', 'c2s_complete']]",
                )
            )
        controls = one.value.get("controls")
        if controls is not None and len(controls):
            blocks.append(
                Folded(
                    f"Scores beside real cells, with floors and ceiling ({len(controls)} rows)",
                    [of_frame(controls, f"{one.source}['controls']", "Written cells beside real ones", most=100)],
                )
            )
        rows = facts_of(one.params, f"{one.source}['params']", _PARAMS, shares=("share_valid", "share_unique"))
        rows += facts_of(one.value.get("model", {}), f"{one.source}['model']", {"id": "model"})
        blocks.append(how(rows))
        line = say(
            "All {} cells of this file were written by {}; none of them was measured.",
            number(adata.n_obs, "adata.n_obs"),
            text_of(one.value.get("model", {}).get("id")) or "a model",
        )
        summary.append(Said("Generated cells", [line], [f"{one.source}['model']"]))
    return Section("generated", "Generated cells", blocks, summary) if blocks else None
