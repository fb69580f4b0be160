"""Arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ._completion import backends, devices, dtypes, models

_MODEL, _WRITING = "Model", "What it writes"

Source = Annotated[
    Path, typer.Argument(help="File of cells: .h5ad, .h5mu, 10x .h5, or a .zarr folder.", show_default=False)
]
Target = Annotated[
    Path,
    typer.Argument(
        help="File to write, may be the same: .h5ad, .zarr, or .h5mu where one is read.", show_default=False
    ),
]
TableTarget = Annotated[
    Path,
    typer.Argument(
        help="File to write, may be the same: .h5ad, .zarr, .h5mu where one is read, or .csv for the table alone.",
        show_default=False,
    ),
]
CellsTarget = Annotated[Path, typer.Argument(help="File to write: .h5ad or .zarr.", show_default=False)]
Mod = Annotated[str | None, typer.Option("--mod", help="Modality of a file with several; default: rna.")]
Json = Annotated[bool, typer.Option("--json", help="Print a summary as JSON on standard output.")]
Layer = Annotated[str | None, typer.Option("--layer", help="Layer with the expression; default: .raw or X.")]

ModelName = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="Catalogue name, hub id or folder; default: scc2s-mini.",
        autocompletion=models,
        rich_help_panel=_MODEL,
    ),
]
Prompt = Annotated[
    str | None, typer.Option(help="Template with {cell_sentence}; default: the model's own.", rich_help_panel=_MODEL)
]
TalkingModel = Annotated[
    str | None,
    typer.Option(
        "--model", help="Folder or hub id of a model that talks, or the address of its server.", rich_help_panel=_MODEL
    ),
]
TalkingBackend = Annotated[
    str, typer.Option("--backend", help="torch, or server for an address.", rich_help_panel=_MODEL)
]
Plain = Annotated[
    bool,
    typer.Option(
        "--plain", help="Ask in a plain text, for a model that was not trained to talk.", rich_help_panel=_MODEL
    ),
]
UseText = Annotated[bool, typer.Option("--use-text", help="Put texts that the file holds beside the cells.")]
Organism = Annotated[
    str | None, typer.Option(help="Organism in the prompt; default: from the file.", rich_help_panel=_MODEL)
]
Backend = Annotated[
    str,
    typer.Option(
        help="torch, or onnx for a folder that scc2s export wrote.", autocompletion=backends, rich_help_panel=_MODEL
    ),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.", autocompletion=devices, rich_help_panel=_MODEL)]
Dtype = Annotated[
    str, typer.Option(help="auto, float32, bfloat16 or float16.", autocompletion=dtypes, rich_help_panel=_MODEL)
]

NGenes = Annotated[int, typer.Option(help="Genes in a sentence.")]
NGenesWritten = Annotated[
    int | None, typer.Option("--n-genes", help="Genes to write; default: as the file's own.", rich_help_panel=_WRITING)
]
NSamples = Annotated[
    int, typer.Option(help="Answers for each cell; expression is their mean.", rich_help_panel=_WRITING)
]
Groupby = Annotated[str, typer.Option(help="Column of obs with the groups.", show_default=False)]

Constrain = Annotated[
    bool,
    typer.Option(
        "--constrain/--free",
        help="Write only genes of the file, none twice, exactly as many as asked.",
        rich_help_panel=_WRITING,
    ),
]
Temperature = Annotated[float, typer.Option(help="0: the likeliest words.", min=0, rich_help_panel=_WRITING)]
TopP = Annotated[
    float, typer.Option(help="Draw from the likeliest words with this probability together.", rich_help_panel=_WRITING)
]
TopK = Annotated[int | None, typer.Option(help="Draw from this many of the likeliest words.", rich_help_panel=_WRITING)]
MaxNewTokens = Annotated[
    int | None, typer.Option(help="Longest answer; default: room for the genes.", rich_help_panel=_WRITING)
]
RandomState = Annotated[int, typer.Option(help="Seed.", rich_help_panel=_WRITING)]
Cache = Annotated[
    Path | None, typer.Option(help="File that keeps answers: a second run asks only for what is not there.")
]


def by_column(values: list[str] | None, option: str) -> dict[str, list[str]]:
    """``column=value`` texts, each column with all its values.

    Examples
    --------
    >>> by_column(["cell_type=B cell", "donor=1", "cell_type=NK cell"], "--obs")
    {'cell_type': ['B cell', 'NK cell'], 'donor': ['1']}
    """
    found: dict[str, list[str]] = {}
    for text in values or []:
        column, equals, value = text.partition("=")
        if not equals or not column:
            msg = f"{option} {text!r} names no value; write {option} column=value"
            raise ValueError(msg)
        found.setdefault(column, []).append(value)
    return found
