from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from . import _options as o
from ._run import Result, chosen, info, need_sentences, run

if TYPE_CHECKING:
    from anndata import AnnData


def caption(
    source: o.Source,
    target: o.TableTarget,
    groupby: o.Groupby,
    n_cells: Annotated[int, typer.Option(help="Cells of a group that are shown for one caption.")] = 3,
    n_captions: Annotated[int, typer.Option(help="Captions for each group.")] = 1,
    model: o.ModelName = None,
    prompt: o.Prompt = None,
    temperature: o.Temperature = 0.0,
    top_p: o.TopP = 1.0,
    top_k: o.TopK = None,
    max_new_tokens: Annotated[int, typer.Option(help="Longest answer.")] = 128,
    random_state: o.RandomState = 0,
    cache: o.Cache = None,
    organism: o.Organism = None,
    device: o.Device = "auto",
    dtype: o.Dtype = "auto",
    mod: o.Mod = None,
    as_json: o.Json = False,
) -> None:
    """Caption groups of cells and check what is named; makes sentences first where the file has none."""

    def work(adata: AnnData) -> Result:
        from scc2s import tl

        need_sentences(adata)
        asked = chosen(model, device, dtype)
        tl.caption(
            adata,
            groupby=groupby,
            n_cells=n_cells,
            n_captions=n_captions,
            model=asked,
            prompt=prompt,
            temperature=temperature,
            top_p=top_p,
            top_k=top_k,
            max_new_tokens=max_new_tokens,
            random_state=random_state,
            cache=cache,
            organism=organism,
        )
        table = adata.uns["c2s"]["captions"]
        doubtful = table.loc[table["share_grounded"] < 1, "group"].unique().tolist()
        flagged = {str(row["group"]): str(row["why"]) for row in table[table["flagged"]].to_dict("records")}
        summary = {"n_captions": len(table), "not_grounded": doubtful, "flagged": flagged, "model": info(asked)}
        return Result(summary, table)

    run("caption", source, target, work, as_json, mod=mod, cache=cache, tables=True)
