from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from . import _options as o
from ._run import Result, chosen, info, need_sentences, run

if TYPE_CHECKING:
    from anndata import AnnData


def embed(
    source: o.Source,
    target: o.Target,
    model: o.ModelName = None,
    prompt: o.Prompt = None,
    pooling: Annotated[str, typer.Option(help="mean or last.")] = "mean",
    model_layer: Annotated[int, typer.Option(help="Layer of the hidden states; -1: the last.")] = -1,
    scope: Annotated[
        str, typer.Option(help="Pool over all tokens, or those of the sentence: all or sentence.")
    ] = "all",
    cache: o.Cache = None,
    organism: o.Organism = None,
    key_added: Annotated[str, typer.Option(help="Name of the result in obsm.")] = "X_c2s",
    backend: o.Backend = "torch",
    device: o.Device = "auto",
    dtype: o.Dtype = "auto",
    mod: o.Mod = None,
    as_json: o.Json = False,
) -> None:
    """Embed each cell; makes sentences first where the file has none."""

    def work(adata: AnnData) -> Result:
        from scc2s import tl

        need_sentences(adata)
        asked = chosen(model, device, dtype, backend)
        tl.embed(
            adata,
            model=asked,
            prompt=prompt,
            pooling=pooling,  # type: ignore[arg-type]  # checked by embed
            model_layer=model_layer,
            scope=scope,  # type: ignore[arg-type]
            cache=cache,
            organism=organism,
            key_added=key_added,
        )
        return Result({"key_added": key_added, "width": adata.obsm[key_added].shape[1], "model": info(asked)})

    run("embed", source, target, work, as_json, mod=mod, cache=cache)
