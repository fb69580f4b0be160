"""The `scc2s` command. Nothing heavy is imported before a command runs."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from anndata import AnnData

app = typer.Typer(
    help="Cell sentences and Cell2Sentence language models: h5ad in, h5ad out. Research use only.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Source = Annotated[Path, typer.Argument(help="h5ad file to read.", show_default=False)]
Target = Annotated[Path, typer.Argument(help="h5ad file to write; may be the same.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print a summary as JSON on standard output.")]
NGenes = Annotated[int, typer.Option(help="Genes in a sentence.")]
Layer = Annotated[str | None, typer.Option("--layer", help="Layer with the expression; default: .raw or X.")]
ModelName = Annotated[
    str | None, typer.Option("--model", help="Catalogue name, hub id or folder; default: scc2s-mini.")
]
Prompt = Annotated[str | None, typer.Option(help="Template with {cell_sentence}; default: the model's own.")]
Organism = Annotated[str | None, typer.Option(help="Organism in the prompt; default: from the file.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
Dtype = Annotated[str, typer.Option(help="auto, float32, bfloat16 or float16.")]


@app.command()
def sentences(
    source: Source,
    target: Target,
    n_genes: NGenes = 200,
    layer: Layer = None,
    as_json: Json = False,
) -> None:
    """Write a cell sentence for each cell."""
    from scc2s import pp

    def work(adata: AnnData) -> dict[str, Any]:
        pp.sentences(adata, n_genes=n_genes, layer=layer)
        return {"n_genes": n_genes, "n_empty": int((adata.obs["c2s_n_genes"] == 0).sum())}

    _run("sentences", source, target, work, as_json)


@app.command()
def embed(
    source: Source,
    target: Target,
    model: ModelName = None,
    prompt: Prompt = None,
    pooling: Annotated[str, typer.Option(help="mean or last.")] = "mean",
    model_layer: Annotated[int, typer.Option(help="Layer of the hidden states; -1: the last.")] = -1,
    scope: Annotated[
        str, typer.Option(help="Pool over all tokens, or those of the sentence: all or sentence.")
    ] = "all",
    organism: Organism = None,
    key_added: Annotated[str, typer.Option(help="Name of the result in obsm.")] = "X_c2s",
    device: Device = "auto",
    dtype: Dtype = "auto",
    as_json: Json = False,
) -> None:
    """Embed each cell; makes sentences first where the file has none."""
    from scc2s import tl

    def work(adata: AnnData) -> dict[str, Any]:
        _need_sentences(adata)
        loaded = _load(model, device, dtype)
        tl.embed(
            adata,
            model=loaded,
            prompt=prompt,
            pooling=pooling,  # type: ignore[arg-type]  # checked by embed
            layer=model_layer,
            scope=scope,  # type: ignore[arg-type]
            organism=organism,
            key_added=key_added,
        )
        return {"key_added": key_added, "width": adata.obsm[key_added].shape[1], "model": loaded.info()}

    _run("embed", source, target, work, as_json)


@app.command()
def annotate(
    source: Source,
    target: Target,
    label: Annotated[
        list[str] | None, typer.Option(help="A label to choose from; repeat. Default: the model's.")
    ] = None,
    labels_from: Annotated[str | None, typer.Option(help="Column of obs whose values are the labels.")] = None,
    model: ModelName = None,
    prompt: Prompt = None,
    mode: Annotated[str, typer.Option(help="score or generate.")] = "score",
    groupby: Annotated[str | None, typer.Option(help="Column of obs; also give each group one label.")] = None,
    min_prob: Annotated[float | None, typer.Option(help="Less probable cells are 'unassigned'.")] = None,
    organism: Organism = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
    as_json: Json = False,
) -> None:
    """Label each cell; makes sentences first where the file has none."""
    from scc2s import tl

    def work(adata: AnnData) -> dict[str, Any]:
        labels = _labels(adata, label, labels_from)
        _need_sentences(adata)
        loaded = _load(model, device, dtype)
        tl.annotate(
            adata,
            labels=labels,
            model=loaded,
            prompt=prompt,
            mode=mode,  # type: ignore[arg-type]  # checked by annotate
            groupby=groupby,
            min_prob=min_prob,
            organism=organism,
        )
        counts = adata.obs["c2s_cell_type"].value_counts()
        return {"cells": {str(k): int(v) for k, v in counts.items()}, "model": loaded.info()}

    _run("annotate", source, target, work, as_json)


@app.command()
def models(as_json: Json = False) -> None:
    """List the known models."""
    import pandas as pd
    from rich.console import Console
    from rich.table import Column, Table

    from scc2s.models import catalogue

    frame = catalogue()
    if as_json:
        typer.echo(frame.reset_index().to_json(orient="records", indent=2))
        return
    table = Table(Column("id", overflow="fold"), "size", "context", "licence")
    for row in frame.reset_index()[["id", "size", "context", "licence"]].itertuples(index=False):
        table.add_row(*("" if pd.isna(value) else str(value) for value in row))
    Console().print(table)


@app.command()
def version(as_json: Json = False) -> None:
    """Versions of scc2s and of what it stands on."""
    from scc2s._provenance import versions

    found = versions()
    typer.echo(json.dumps(found) if as_json else "\n".join(f"{name} {number}" for name, number in found.items()))


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("scc2s-demo"),
    as_json: Json = False,
) -> None:
    """The main job on 700 real blood cells that come with scanpy, measured on held-out cells."""
    from rich.console import Console

    from scc2s import _demo

    summary = _demo.run(out)
    if as_json:
        typer.echo(json.dumps(summary, indent=2))
        return
    console = Console()
    for table in _demo.tables(summary):
        console.print(table)
    console.print(_demo.CAVEAT, style="dim")
    console.print(f"wrote {', '.join(summary['files'])} to {out}/", highlight=False)


def main(args: Sequence[str] | None = None) -> None:
    """Run the command; bad input ends with one line on standard error and exit code 1, wrong usage with 2."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # waiting threads that spin slow torch down on shared cores
    try:
        app(args=args, prog_name="scc2s")
    except (OSError, ValueError, KeyError, ImportError) as error:
        text = error.args[0] if isinstance(error, KeyError) and error.args else error
        typer.echo(f"scc2s: {' '.join(str(text).split())}", err=True)
        raise SystemExit(1) from error


def _run(command: str, source: Path, target: Path, work: Callable[[AnnData], dict[str, Any]], as_json: bool) -> None:
    """Read, work, write in one step, report."""
    from anndata import read_h5ad

    from scc2s._io import write_h5ad

    if not source.is_file():
        msg = f"there is no file {source}; pass the path of an h5ad file"
        raise FileNotFoundError(msg)
    if not target.resolve().parent.is_dir():
        msg = f"there is no folder {target.parent} to write to; call mkdir -p {target.parent}"
        raise FileNotFoundError(msg)
    try:
        adata = read_h5ad(source)
    except Exception as error:  # h5py and anndata raise many kinds, none of which names the file
        msg = f"cannot read {source} ({error}); pass an h5ad file that scanpy.read_h5ad opens"
        raise OSError(msg) from error
    start = time.perf_counter()
    result = work(adata)
    seconds = time.perf_counter() - start
    write_h5ad(adata, target)
    summary = {
        "command": command,
        "input": str(source),
        "output": str(target),
        "n_obs": adata.n_obs,
        "n_vars": adata.n_vars,
        "seconds": round(seconds, 3),
        **result,
    }
    line = f"{command}: {adata.n_obs} cells in {seconds:.1f} s, written to {target}"
    typer.echo(json.dumps(summary, default=str) if as_json else line)


def _need_sentences(adata: AnnData) -> None:
    from scc2s import pp
    from scc2s._logging import logger

    if "c2s_sentence" not in adata.obs and "c2s_ranks" not in adata.obsm:
        logger.info("no sentences in the file: making them (200 genes; `scc2s sentences` has the options)")
        pp.sentences(adata)


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


def _load(model: str | None, device: str, dtype: str) -> Any:
    from scc2s import models as ours
    from scc2s._settings import settings

    return ours.load(settings.model if model is None else model, device=device, dtype=dtype)
