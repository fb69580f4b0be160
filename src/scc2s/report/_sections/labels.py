from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scc2s.report._figures import colors_of
from scc2s.report._parts import Bars, Facts, Folded, Note, Panel, Part, Said, Section, Table, say
from scc2s.report._records import records
from scc2s.report._tables import facts_of, how, of_frame
from scc2s.report._values import UNKNOWN, number, text_of

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from scc2s.report._parts import Block, Piece, Sentence
    from scc2s.report._records import Record

LABELS = ("annotate", "marker_labels", "transfer_labels")
ABSTAINED = ("unassigned", "unmapped")
"""What a tool writes where it gives no label."""
VERDICTS = {
    "beats the nulls": (
        "good",
        "The answers change with the genes of the cells: without the genes, or with those of another cell, they are "
        "different.",
    ),
    "as without genes": (
        "caution",
        "In nine cells of ten the answer is the one that is given without any genes: these labels say nothing about "
        "the cells.",
    ),
    "all alike": (
        "caution",
        "The answers hardly differ between the cells: believe them only if one label is right for all of them.",
    ),
    "order alone": (
        "caution",
        "The answers change as much with the order of a cell's own genes as with the genes of another cell: they hang "
        "on the order, or on chance.",
    ),
    "partly as without genes": (
        "caution",
        "For one cell in five or more the answer is the one that is given without any genes: look at the trust of each "
        "cell.",
    ),
    "too few cells": ("plain", "These are too few cells to say whether the answers hang on them."),
}
_PARAMS = {
    "mode": "how labels were found",
    "target": "asked for",
    "targets": "asked for",
    "method": "method",
    "label_key": "labels of the reference",
    "n_reference": "cells of the reference",
    "min_prob": "least probability of a label",
    "min_score": "least score of a label",
    "min_margin": "least distance to the second label",
    "groupby": "also one label for each group of",
    "prior_correction": "corrected for what is said without genes",
    "normalize": "words of a label count by their",
    "n_shortened": "prompts that were shortened",
}
_BINS = 20
_CONTROLS = {
    "n_cells": "cells",
    "information": "bits about the cell",
    "same_label": "same label",
    "chance": "same label by chance",
    "like_own": "answer as with own genes",
    "gain": "bits that own genes add",
    "gain_se": "standard error",
}
_TOOL = {
    "annotate": "labels by a language model",
    "marker_labels": "labels by marker genes, without a model",
    "transfer_labels": "labels learned from a reference, without a language model",
}


def section(adata: AnnData) -> Section | None:
    """Labels of the cells: how many got which, how sure, how many none, and what the controls say."""
    blocks: list[Block] = []
    summary: list[Said] = []
    for one in records(adata, *LABELS):
        found = [part for key in _keys(one) if (part := _part(adata, one, key, summary)) is not None]
        blocks += found
    return Section("labels", "Labels of the cells", blocks, summary) if blocks else None


def label_columns(adata: AnnData) -> list[str]:
    """Columns of obs with labels, those of a language model first."""
    found = [key for one in records(adata, *LABELS) for key in _keys(one)]
    return [key for key in dict.fromkeys(found) if key in adata.obs]


def confidence(adata: AnnData, key: str) -> tuple[str, np.ndarray, str] | None:
    """How sure the labels are: trust where there is one, else probability; with its name and column."""
    for part, name in (("trust", "trust"), ("prob", "probability")):
        column = f"{key}_{part}"
        if column in adata.obs:
            return name, adata.obs[column].to_numpy(dtype=float), column
    return None


def _keys(one: Record) -> list[str]:
    key = text_of(one.params.get("key_added"))
    if "targets" in one.params:
        return [f"{key}_{name}" for name in np.atleast_1d(one.params["targets"]).tolist()]
    if key:
        return [key]
    return [f"c2s_{text_of(one.params.get('target')) or 'cell_type'}"] if one.tool == "annotate" else []


def _part(adata: AnnData, one: Record, key: str, summary: list[Said]) -> Part | None:
    if key not in adata.obs:
        return None
    blocks: list[Block] = []
    about, source = one.value, one.source
    if name := next((n for n in one.value.get("by_target", {}) if key.endswith(f"_{n}")), None):
        about, source = one.value["by_target"][name], f"{one.source}['by_target'][{name!r}]"
    verdict = text_of(about.get("verdict"))
    if verdict:
        level, words = VERDICTS.get(verdict, ("plain", verdict))
        blocks.append(Note(level, say("{} (verdict of the controls: {})", words, verdict)))
    elif one.tool == "annotate":
        blocks.append(
            Note(
                "plain",
                say(
                    "No control questions were asked, so that nothing here says whether the answers hang on the cells."
                ),
            )
        )
    blocks.append(shares(adata, key))
    if (drawn := _sureness(adata, key)) is not None:
        blocks.append(drawn)
    rows = facts_of(one.params, f"{one.source}['params']", _PARAMS)
    rows += facts_of(one.value.get("model", {}), f"{one.source}['model']", {"id": "model"})
    inside = {
        "accuracy_within_reference": "right among held-out cells of the reference",
        "majority_within_reference": "right there by the most frequent label alone",
    }
    rows += facts_of(one.value, one.source, inside, shares=inside)
    blocks.append(how(rows))
    if (controls := about.get("controls")) is not None:
        blocks.append(
            of_frame(
                controls,
                f"{source}['controls']",
                "The same questions with other genes, or none",
                _CONTROLS,
                named="asked about",
                shares=("same_label", "chance", "like_own"),
            )
        )
    blocks += _untaught(one)
    verdict_at = [f"{source}['verdict']"] if verdict else []
    summary.append(Said(f"Labels: {key}", _said(adata, one, key, verdict), verdict_at))
    return Part(f"{key}: {_TOOL[one.tool]}", blocks, f"adata.obs[{key!r}]")


def shares(adata: AnnData, key: str) -> Table:
    """Labels with their cells, and how sure they are."""
    values = adata.obs[key].astype("category")
    where = f"adata.obs[{key!r}]"
    names = list(values.cat.categories)
    colors = colors_of(len(names), adata.uns.get(f"{key}_colors"))
    columns = {
        f"{key}_{part}": name
        for part, name in (("prob", "median probability"), ("trust", "median trust"), ("margin", "median margin"))
        if f"{key}_{part}" in adata.obs
    }
    counts = values.value_counts()
    rows: list[list[Piece]] = []
    swatches: list[str | None] = []
    for i, name in sorted(enumerate(names), key=lambda one: (one[1] in ABSTAINED, -int(counts[one[1]]))):
        is_it = f"({where} == {name!r})"
        row: list[Piece] = [f"{i + 1}. {text_of(name)}" if name not in ABSTAINED else str(name)]
        row += [
            number(int(counts[name]), f"{is_it}.sum()"),
            number(float(counts[name] / max(adata.n_obs, 1)), f"{is_it}.mean()", share=True),
        ]
        for column in columns:
            some = adata.obs.loc[(values == name).to_numpy(), column]
            row.append(
                number(some.median(), f"adata.obs.loc[{is_it}, {column!r}].median()") if some.notna().any() else UNKNOWN
            )
        rows.append(row)
        swatches.append(None if name in ABSTAINED else colors[i])
    if n := int(values.isna().sum()):
        rows.append(
            [
                "(no label)",
                number(n, f"{where}.isna().sum()"),
                number(n / adata.n_obs, f"{where}.isna().mean()", share=True),
                *[UNKNOWN] * len(columns),
            ]
        )
        swatches.append(None)
    header = ["label", "cells", "share of all cells", *columns.values()]
    return Table("Labels, by number of cells", header, rows, where, colors=swatches)


def _sureness(adata: AnnData, key: str) -> Bars | None:
    """How probability and trust are distributed."""
    panels = []
    for part, name in (("prob", "probability"), ("trust", "trust")):
        column = f"{key}_{part}"
        if column not in adata.obs or not adata.obs[column].notna().any():
            continue
        values = adata.obs[column].dropna().to_numpy(dtype=float).clip(0, 1)
        counts = np.histogram(values, bins=_BINS, range=(0, 1))[0]
        panels.append(Panel(f"{name} of the label", counts.tolist(), f"adata.obs[{column!r}]"))
    return Bars("How sure the labels are", panels) if panels else None


def _untaught(one: Record) -> list[Block]:
    taught = one.value.get("taught")
    if not isinstance(taught, dict):
        return []
    names = {
        "labels_not_taught": "labels that the model was not taught",
        "organisms_not_taught": "organisms that it was not taught",
        "own_tokens": "share of the words of the sentences that are one token of it",
    }
    rows = [
        row
        for row in facts_of(taught, f"{one.source}['taught']", names, shares=("own_tokens",))
        if row.value != UNKNOWN and getattr(row.value, "shown", "") != UNKNOWN
    ]
    return [Folded("What the model was taught, as it says itself", [Facts("Taught", rows)])] if rows else []


def _said(adata: AnnData, one: Record, key: str, verdict: str) -> list[Sentence]:
    """How many have a label, which is the most frequent, how sure, and what the controls say."""
    values: pd.Series = adata.obs[key]
    where = f"adata.obs[{key!r}]"
    absent = values.isna() | values.isin(list(ABSTAINED))
    n = int((~absent).sum())
    of_absent = f"({where}.isna() | {where}.isin({list(ABSTAINED)!r}))"
    who = {
        "annotate": "The model",
        "marker_labels": "Marker genes",
        "transfer_labels": "What was learned from the reference",
    }[one.tool]
    gave = "give" if one.tool == "marker_labels" else "gives"
    lines = [
        say(
            f"{who} {gave} {{}} of {{}} cells a label ({{}}); {{}} cells have none.",
            number(n, f"(~{of_absent}).sum()"),
            number(adata.n_obs, "adata.n_obs"),
            key,
            number(int(absent.sum()), f"{of_absent}.sum()"),
        )
    ]
    if n:
        counts = values[~absent].astype(str).value_counts()
        top = str(counts.index[0])
        share = number(float(counts.iloc[0] / adata.n_obs), f"({where} == {top!r}).mean()", share=True)
        lines.append(say("The most frequent label is {}, of {} of all cells.", top, share))
        if (sure := confidence(adata, key)) is not None and np.isfinite(sure[1][~absent]).any():
            where_sure = f"adata.obs.loc[~{of_absent}, {sure[2]!r}].median()"
            middle = number(float(adata.obs.loc[~absent, sure[2]].median()), where_sure)
            meaning = {
                "trust": " (0: no surer than without the cell's genes; 1: certain)",
                "probability": " among the labels that were offered",
            }[sure[0]]
            lines.append(say(f"The median {sure[0]} of a label is {{}}{meaning}.", middle))
    if verdict:
        lines.append(say("{}", VERDICTS.get(verdict, ("", f"Verdict of the controls: {verdict}."))[1]))
    return lines
