from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from . import _options as o
from ._answered import answered
from ._run import Result, chosen, info, need_sentences, run

if TYPE_CHECKING:
    from anndata import AnnData


def compare(
    source: o.Source,
    target: o.TableTarget,
    groupby: o.Groupby,
    a: Annotated[str, typer.Option("--a", help="Group that is asked about.", show_default=False)],
    b: Annotated[str, typer.Option("--b", help="Group that it is compared with.", show_default=False)],
    n_cells: Annotated[int, typer.Option(help="Cells of each group that the model is shown.")] = 5,
    n_genes: Annotated[int, typer.Option(help="Genes of each cell that it is shown.")] = 50,
    use_text: o.UseText = False,
    model: o.TalkingModel = None,
    backend: o.TalkingBackend = "torch",
    plain: o.Plain = False,
    temperature: o.Temperature = 0.0,
    top_p: o.TopP = 1.0,
    top_k: o.TopK = None,
    max_new_tokens: Annotated[int, typer.Option(help="Longest answer.")] = 256,
    random_state: o.RandomState = 0,
    cache: o.Cache = None,
    organism: o.Organism = None,
    device: o.Device = "auto",
    dtype: o.Dtype = "auto",
    mod: o.Mod = None,
    as_json: o.Json = False,
) -> None:
    """Let a model that talks say how two groups differ, and hold what it says against the cells."""

    def work(adata: AnnData) -> Result:
        from scc2s import tl

        need_sentences(adata)
        asked = chosen(model, device, dtype, backend)
        tl.compare(
            adata,
            groupby,
            a,
            b,
            n_cells=n_cells,
            n_genes=n_genes,
            use_text=use_text,
            model=asked,
            plain=plain,
            temperature=temperature,
            top_p=top_p,
            top_k=top_k,
            max_new_tokens=max_new_tokens,
            random_state=random_state,
            cache=cache,
            organism=organism,
        )
        return answered(adata, "compare", info(asked))

    run("compare", source, target, work, as_json, mod=mod, cache=cache, tables=True)
