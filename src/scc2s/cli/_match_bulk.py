from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import _options as o
from ._files import read
from ._run import Result, chosen, need_sentences, note, run

if TYPE_CHECKING:
    from anndata import AnnData


def match_bulk(
    source: o.Source,
    bulk: Annotated[Path, typer.Argument(help="File with one bulk profile a row.", show_default=False)],
    target: o.TableTarget,
    use_rep: Annotated[str, typer.Option(help="A key of obsm of both files, expression, or sentence.")] = "X_c2s",
    pairs_by: Annotated[
        list[str] | None, typer.Option(help="Column of obs of both that names a cell's own profile; repeat.")
    ] = None,
    layer: o.Layer = None,
    bulk_layer: Annotated[str | None, typer.Option(help="Layer of the bulk file; default: .raw or X.")] = None,
    gene_symbols: Annotated[str | None, typer.Option(help="Column of var; default: the names of the genes.")] = None,
    model: o.ModelName = None,
    device: o.Device = "auto",
    dtype: o.Dtype = "auto",
    cache: o.Cache = None,
    mod: o.Mod = None,
    as_json: o.Json = False,
) -> None:
    """Give each cell the bulk profile most like it; embeds both first where they are to be and are not."""

    def work(adata: AnnData) -> Result:
        from scc2s import tl

        profiles = read(bulk).cells
        for data in (adata, profiles):
            if use_rep == "sentence":
                need_sentences(data)
            if use_rep == "X_c2s" and use_rep not in data.obsm:
                note("a file has no embedding: it is made with the defaults of `scc2s embed`")
                need_sentences(data)
                tl.embed(data, model=chosen(model, device, dtype), cache=cache)
        tl.match_bulk(
            adata,
            profiles,
            use_rep=use_rep,
            pairs_by=pairs_by or None,
            layer=layer,
            bulk_layer=bulk_layer,
            gene_symbols=gene_symbols,
        )
        found = adata.uns["c2s"]["bulk_match"]
        columns = ["c2s_bulk_match", "c2s_bulk_match_similarity", "c2s_bulk_match_margin"]
        table = adata.obs[columns].rename_axis("cell").reset_index()
        scores = found["table"].to_dict("records") if "table" in found else []
        return Result({"use_rep": use_rep, "n_profiles": profiles.n_obs, "scores": scores}, table)

    run("match-bulk", source, target, work, as_json, mod=mod, cache=cache, tables=True)
