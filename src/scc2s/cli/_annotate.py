from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from . import _options as o
from ._run import Result, chosen, info, need_sentences, run

if TYPE_CHECKING:
    from anndata import AnnData


def annotate(
    source: o.Source,
    target: o.Target,
    label: Annotated[
        list[str] | None, typer.Option(help="A label to choose from; repeat. Default: the model's.")
    ] = None,
    labels_from: Annotated[str | None, typer.Option(help="Column of obs whose values are the labels.")] = None,
    model: o.ModelName = None,
    prompt: o.Prompt = None,
    mode: Annotated[str, typer.Option(help="score or generate.")] = "score",
    groupby: Annotated[str | None, typer.Option(help="Column of obs; also give each group one label.")] = None,
    min_prob: Annotated[float | None, typer.Option(help="Less probable cells are 'unassigned'.")] = None,
    controls: Annotated[bool, typer.Option(help="Ask the control questions and write the report.")] = True,
    cache: o.Cache = None,
    organism: o.Organism = None,
    backend: o.Backend = "torch",
    device: o.Device = "auto",
    dtype: o.Dtype = "auto",
    mod: o.Mod = None,
    as_json: o.Json = False,
) -> None:
    """Label each cell; makes sentences first where the file has none."""

    def work(adata: AnnData) -> Result:
        from scc2s import tl

        labels = _labels(adata, label, labels_from)
        need_sentences(adata)
        asked = chosen(model, device, dtype, backend)
        tl.annotate(
            adata,
            labels=labels,
            model=asked,
            prompt=prompt,
            mode=mode,  # type: ignore[arg-type]  # checked by annotate
            groupby=groupby,
            min_prob=min_prob,
            controls=controls,
            cache=cache,
            organism=organism,
        )
        counts = adata.obs["c2s_cell_type"].value_counts()
        said = {"cells": {str(k): int(v) for k, v in counts.items()}, "model": info(asked)}
        if controls:
            said["verdict"] = adata.uns["c2s"]["annotate"]["verdict"]
        return Result(said)

    run("annotate", source, target, work, as_json, mod=mod, cache=cache)


def _labels(adata: AnnData, label: list[str] | None, labels_from: str | None) -> list[str] | None:
    if labels_from is None:
        return label
    if label:
        msg = "labels are given twice; pass --label or --labels-from, not both"
        raise ValueError(msg)
    if labels_from not in adata.obs:
        msg = f"obs has no column {labels_from!r}; it has {', '.join(map(str, adata.obs.columns[:20]))}"
        raise KeyError(msg)
    return [str(v) for v in adata.obs[labels_from].astype("category").cat.categories]
