from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import _options as o
from ._run import Result, chosen, info, need_rank_fit, need_sentences, run

if TYPE_CHECKING:
    from anndata import AnnData


def screen(
    source: o.Source,
    target: o.TableTarget,
    program: Annotated[
        str, typer.Option(help="ifn, mhc1, apoptosis, or file.gmt:NAME for a set of yours.", show_default=False)
    ],
    perturbation: Annotated[list[str] | None, typer.Option(help="A name to screen; repeat.")] = None,
    perturbations_from: Annotated[Path | None, typer.Option(help="Text file with a name on each line.")] = None,
    context_key: Annotated[str | None, typer.Option(help="Column of obs with the contexts.")] = None,
    positive: Annotated[str | None, typer.Option(help="Its value for the context where an effect is wanted.")] = None,
    neutral: Annotated[str | None, typer.Option(help="Its value for the context where none is wanted.")] = None,
    donor_key: Annotated[str | None, typer.Option(help="Column of obs; intervals draw whole donors.")] = None,
    n_cells: Annotated[int, typer.Option(help="Most cells of each context.")] = 50,
    n_null: Annotated[
        int | None, typer.Option(help="Made-up names for each perturbation; default: 1 / alpha, enough for one hit.")
    ] = None,
    baseline: Annotated[str, typer.Option(help="Compare with the same cell or its regeneration.")] = "regeneration",
    max_neutral: Annotated[float, typer.Option(help="Largest effect of a hit in the neutral context.")] = 0.1,
    min_validity: Annotated[float, typer.Option(help="Smallest share of valid words of a hit.")] = 0.9,
    alpha: Annotated[float, typer.Option(help="Largest false discovery rate of a hit.")] = 0.05,
    n_boot: Annotated[int, typer.Option(help="Bootstrap samples of the intervals.")] = 1000,
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
    device: o.Device = "auto",
    dtype: o.Dtype = "auto",
    mod: o.Mod = None,
    as_json: o.Json = False,
) -> None:
    """Rank perturbations by a gene program; makes sentences and the rank fit first where the file has none."""

    def work(adata: AnnData) -> Result:
        from scc2s import tl

        names = [*(perturbation or []), *_lines(perturbations_from)]
        genes = _program(program)
        need_sentences(adata)
        need_rank_fit(adata)
        asked = chosen(model, device, dtype)
        tl.screen(
            adata,
            names,
            program=genes,
            context_key=context_key,
            positive=positive,
            neutral=neutral,
            donor_key=donor_key,
            n_cells=n_cells,
            n_null=n_null,
            baseline=baseline,  # type: ignore[arg-type]  # checked by screen
            max_neutral=max_neutral,
            min_validity=min_validity,
            alpha=alpha,
            n_boot=n_boot,
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
        )
        table = adata.uns["c2s"]["screen"]
        params = adata.uns["c2s"]["screen_record"]["params"]
        least = float(params["smallest_effect"])
        said = {"smallest_effect": least if math.isfinite(least) else None, "notice": params["notice"]}
        hits = table.loc[table["hit"], "name"].tolist()
        return Result({"n_screened": len(table), "hits": hits, **said, "model": info(asked)}, table)

    run("screen", source, target, work, as_json, mod=mod, cache=cache, tables=True)


def _lines(path: Path | None) -> list[str]:
    if path is None:
        return []
    if not path.is_file():
        msg = f"there is no file {path}; pass --perturbations-from a text file with a name on each line"
        raise FileNotFoundError(msg)
    return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _program(text: str) -> Any:
    """A program of the package, or one of a GMT file."""
    from scc2s import programs

    path, colon, name = text.rpartition(":")
    if not colon:
        return text
    found = programs.from_gmt(path)
    if name not in found:
        msg = f"{path} has no set {name!r}; pass --program {path}: and one of {', '.join(list(found)[:10])}"
        raise KeyError(msg)
    return found[name]
