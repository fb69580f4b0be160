from __future__ import annotations

import json

import typer

from . import _options as o


def version(as_json: o.Json = False) -> None:
    """Versions of scc2s and of what it stands on."""
    from scc2s._cells.provenance import versions

    found = versions()
    typer.echo(json.dumps(found) if as_json else "\n".join(f"{name} {number}" for name, number in found.items()))
