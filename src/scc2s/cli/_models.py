from __future__ import annotations

import typer

from . import _options as o


def models(as_json: o.Json = False) -> None:
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
