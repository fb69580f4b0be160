from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from . import _options as o
from ._files import read
from ._run import report as tell


def report(
    source: o.Source,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="HTML file to write; default: <name of the file>.html here.", show_default=False
        ),
    ] = None,
    title: Annotated[
        str | None, typer.Option(help="Title of the report; default: the name of the file.", show_default=False)
    ] = None,
    mod: o.Mod = None,
    as_json: o.Json = False,
) -> None:
    """Write what a file of cells holds as one HTML file: results with their controls, and a summary in plain words."""
    from scc2s import report as reports
    from scc2s._io import check_writable

    target = Path(f"{source.stem}.html") if out is None else out
    reports.check_ending(target)
    check_writable(target)
    cells = read(source, mod).cells
    start = time.perf_counter()
    reports.report(cells, target, title=source.stem if title is None else title)
    seconds = time.perf_counter() - start
    tell("report", [source], target, cells, seconds, {"bytes": target.stat().st_size}, as_json)
