from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from . import _options as o
from ._run import Result, chosen, info, need_rank_fit, need_sentences, run

if TYPE_CHECKING:
    from anndata import AnnData


def generate(
    source: o.Source,
    target: o.CellsTarget,
    n: Annotated[int, typer.Option("--n", help="Cells for each combination of values.")] = 1,
    obs: Annotated[
        list[str] | None,
        typer.Option(help='What the cells are to be, "cell_type=B cell"; repeat. Default: cells of any kind.'),
    ] = None,
    cells_per_sample: Annotated[int, typer.Option(help="Cells that are written one after another.")] = 1,
    model: o.ModelName = None,
    prompt: Annotated[str | None, typer.Option(help="Template without a cell; default: the model's own.")] = None,
    n_genes: o.NGenesWritten = None,
    controls: Annotated[
        bool, typer.Option(help="Compare with real cells of the file that are what was asked for.")
    ] = True,
    constrain: o.Constrain = True,
    temperature: o.Temperature = 1.0,
    top_p: o.TopP = 1.0,
    top_k: o.TopK = None,
    max_new_tokens: o.MaxNewTokens = None,
    random_state: o.RandomState = 0,
    cache: o.Cache = None,
    organism: o.Organism = None,
    device: o.Device = "auto",
    dtype: o.Dtype = "auto",
    mod: o.Mod = None,
    as_json: o.Json = False,
) -> None:
    """Write new cells with the genes of a file; makes sentences and the rank fit first where it has none."""

    def work(adata: AnnData) -> Result:
        from scc2s import tl

        need_sentences(adata)
        need_rank_fit(adata)
        asked = chosen(model, device, dtype)
        new = tl.generate(
            adata,
            n,
            obs=o.by_column(obs, "--obs") or None,
            cells_per_sample=cells_per_sample,
            model=asked,
            prompt=prompt,
            n_genes=n_genes,
            controls=controls,
            constrain=constrain,
            temperature=temperature,
            top_p=top_p,
            top_k=top_k,
            max_new_tokens=max_new_tokens,
            random_state=random_state,
            cache=cache,
            organism=organism,
        )
        found = new.uns["c2s"]["generate"]["params"]
        shares = {name: found[name] for name in ("share_valid", "share_unique", "n_incomplete")}
        table = new.uns["c2s"]["generate"].get("controls")
        said = {"controls_note": found["controls_note"]} if table is None else {"controls": table.to_dict("records")}
        return Result({**shares, **said, "model": info(asked)}, cells=new)

    run("generate", source, target, work, as_json, mod=mod, cache=cache, new_cells=True)
