from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from . import _options as o
from ._run import Result, chosen, info, need_rank_fit, need_sentences, run

if TYPE_CHECKING:
    from anndata import AnnData


def perturb(
    source: o.Source,
    target: o.TableTarget,
    perturbation: Annotated[
        str | None, typer.Option(help='Name for all cells; "A + B" for a combination.', show_default=False)
    ] = None,
    perturbation_key: Annotated[str | None, typer.Option(help="Or the column of obs with the names.")] = None,
    dose: Annotated[str | None, typer.Option(help='With its unit, "10 ng/ml".')] = None,
    time: Annotated[str | None, typer.Option(help='With its unit, "6 h".')] = None,
    truth: Annotated[
        str | None, typer.Option(help="Cells of the file that really were perturbed, column=value; for the report.")
    ] = None,
    groupby: Annotated[str | None, typer.Option(help="Column of obs; the report is by group.")] = None,
    controls: Annotated[bool, typer.Option(help="Ask the control questions and write the report.")] = True,
    n_control_cells: Annotated[int, typer.Option(help="Most cells of a group in the report.")] = 100,
    n_boot: Annotated[int, typer.Option(help="Bootstrap samples for the intervals of the report; 0: none.")] = 1000,
    donor_key: Annotated[str | None, typer.Option(help="Column of obs; intervals draw whole donors.")] = None,
    model: o.ModelName = None,
    prompt: Annotated[
        str | None, typer.Option(help="Template with {cell_sentence} and {perturbation}; default: the model's own.")
    ] = None,
    n_genes: o.NGenesWritten = None,
    constrain: o.Constrain = True,
    temperature: o.Temperature = 1.0,
    top_p: o.TopP = 1.0,
    top_k: o.TopK = None,
    n_samples: o.NSamples = 1,
    max_new_tokens: o.MaxNewTokens = None,
    random_state: o.RandomState = 0,
    cache: o.Cache = None,
    organism: o.Organism = None,
    key_added: Annotated[str, typer.Option(help="Name of the results.")] = "perturbed",
    device: o.Device = "auto",
    dtype: o.Dtype = "auto",
    mod: o.Mod = None,
    as_json: o.Json = False,
) -> None:
    """Predict perturbed cells, with controls; makes sentences and the rank fit first where the file has none."""
    if (perturbation is None) == (perturbation_key is None):
        msg = "what is done to cells is given once; pass --perturbation a name, or --perturbation-key a column of obs"
        raise ValueError(msg)

    def work(adata: AnnData) -> Result:
        from scc2s import tl

        real = {column: values[0] for column, values in o.by_column([truth] if truth else None, "--truth").items()}
        need_sentences(adata)
        need_rank_fit(adata)
        asked = chosen(model, device, dtype)
        tl.perturb(
            adata,
            perturbation,
            perturbation_key=perturbation_key,
            dose=dose,
            time=time,
            truth=real or None,
            groupby=groupby,
            controls=controls,
            n_control_cells=n_control_cells,
            n_boot=n_boot,
            donor_key=donor_key,
            model=asked,
            prompt=prompt,
            n_genes=n_genes,
            constrain=constrain,
            temperature=temperature,
            top_p=top_p,
            top_k=top_k,
            n_samples=n_samples,
            max_new_tokens=max_new_tokens,
            random_state=random_state,
            cache=cache,
            organism=organism,
            key_added=key_added,
        )
        found = adata.uns["c2s"]["perturb"][key_added]
        valid = float(adata.obs[f"c2s_{key_added}_valid"].mean())
        said = {"verdict": str(found["verdict"])} if "verdict" in found else {}
        return Result({"share_valid": valid, **said, "model": info(asked)}, found.get("controls"))

    run("perturb", source, target, work, as_json, mod=mod, cache=cache, tables=controls)
