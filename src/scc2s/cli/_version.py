from __future__ import annotations

import json
from importlib.metadata import version as installed

import typer

from . import _options as o


def version(as_json: o.Json = False) -> None:
    """Versions of scc2s and of what it stands on."""
    from scc2s._cells.provenance import versions

    found = versions()
    typer.echo(json.dumps(found) if as_json else "\n".join(f"{name} {number}" for name, number in found.items()))


def show_version(wanted: bool) -> None:
    """``scc2s --version``: the version alone, without importing anything."""
    if wanted:
        typer.echo(f"scc2s {installed('scc2s')}")
        raise typer.Exit
