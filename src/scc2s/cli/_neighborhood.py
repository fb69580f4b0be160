from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import _options as o
from ._run import Result, chosen, info, need_sentences, run

if TYPE_CHECKING:
    from anndata import AnnData


def neighborhood(
    source: o.Source,
    target: o.TableTarget,
    radius: Annotated[float, typer.Option(help="Largest distance from the centre.", show_default=False)],
    unit: Annotated[str, typer.Option(help="Unit of the radius: um, mm, pixel, ...", show_default=False)],
    spatial_unit: Annotated[
        str | None, typer.Option(help="Unit of the coordinates; default: as the file says.")
    ] = None,
    um_per_unit: Annotated[float | None, typer.Option(help="Micrometres of one pixel or spot.")] = None,
    groupby: Annotated[str | None, typer.Option(help="Column of obs with the sections.")] = None,
    matched: Annotated[
        str | None, typer.Option(help="Column of obs with cell types; also draw negatives of the same types.")
    ] = None,
    n_contexts: Annotated[int, typer.Option(help="Neighbourhoods to draw.")] = 1000,
    n_cells: Annotated[
        int | None, typer.Option(help="Most cells of a context; default: all within the radius.")
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="blocks: part the section into training and tests; default: not.")
    ] = None,
    draw_only: Annotated[bool, typer.Option("--draw-only", help="Draw the contexts and ask no model.")] = False,
    model: o.ModelName = None,
    prompt: Annotated[
        str | None, typer.Option(help="Template with {multi_cell_sentences}; default: the model's own.")
    ] = None,
    controls: Annotated[bool, typer.Option(help="Ask the control questions and write the report.")] = True,
    random_state: o.RandomState = 0,
    cache: o.Cache = None,
    organism: o.Organism = None,
    backend: o.Backend = "torch",
    device: o.Device = "auto",
    dtype: o.Dtype = "auto",
    mod: o.Mod = None,
    as_json: o.Json = False,
) -> None:
    """Ask whether cells lie together, beside what answers without a model; makes sentences first if needed."""

    def work(adata: AnnData) -> Result:
        from scc2s import pp, tl

        pp.neighborhoods(
            adata,
            radius=radius,
            unit=unit,
            spatial_unit=spatial_unit,
            um_per_unit=um_per_unit,
            groupby=groupby,
            matched=matched,
            n_contexts=n_contexts,
            n_cells=n_cells,
            split=split,  # type: ignore[arg-type]  # checked by neighborhoods
            random_state=random_state,
        )
        table = adata.uns["c2s"]["neighborhoods"]["table"]
        summary: dict[str, Any] = {"contexts": {str(k): int(v) for k, v in table["kind"].value_counts().items()}}
        if draw_only:
            return Result(summary, table.rename_axis("context").reset_index())
        need_sentences(adata)
        asked = chosen(model, device, dtype, backend)
        tl.same_neighborhood(
            adata,
            model=asked,
            prompt=prompt,
            controls=controls,
            random_state=random_state,
            cache=cache,
            organism=organism,
        )
        found = adata.uns["c2s"]["same_neighborhood"]
        summary |= {"report": found["report"].to_dict("records"), "model": info(asked)}
        if controls:
            summary["verdict"] = found["verdict"]
        return Result(summary, found["report"])

    run("neighborhood", source, target, work, as_json, mod=mod, cache=cache, tables=True)
