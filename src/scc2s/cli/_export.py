from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from . import _options as o


def export(
    model: Annotated[str, typer.Argument(help="Catalogue name, hub id or folder.", show_default=False)],
    folder: Annotated[Path, typer.Argument(help="Folder to write.", show_default=False)],
    precision: Annotated[str, typer.Option(help="fp32, fp16 or int8.")] = "fp32",
    writes: Annotated[bool, typer.Option("--writes", help="Add a graph that writes; needs the extra optimum.")] = False,
    revision: Annotated[str | None, typer.Option(help="Commit, tag or branch of a hub id.")] = None,
    as_json: o.Json = False,
) -> None:
    """Write a model for ONNX Runtime, and how near it is to torch."""
    from scc2s.models import export_onnx

    agreement = export_onnx(model, folder, precision=precision, writes=writes, revision=revision)  # type: ignore[arg-type] # checked there
    if as_json:
        typer.echo(json.dumps({"folder": str(folder), "precision": precision, "agreement": agreement}, indent=2))
        return
    typer.echo(f"{folder}: {', '.join(f'{name} {value:.3g}' for name, value in agreement.items())}")
