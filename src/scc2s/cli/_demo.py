from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from . import _options as o


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("scc2s-demo"),
    as_json: o.Json = False,
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
    console.print(_demo.belief(summary), highlight=False)
