from __future__ import annotations

import json
from typing import Annotated

import typer

from . import _options as o
from ._files import read
from ._run import chosen, note


def serve(
    source: o.Source,
    model: o.ModelName = None,
    backend: Annotated[
        str, typer.Option("--backend", help="torch, onnx for an exported folder, server for an address.")
    ] = "torch",
    host: Annotated[
        str, typer.Option(help="Address to listen at; others than this machine's own want a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0: any that is free.", min=0, max=65535)] = 8765,
    token: Annotated[
        str | None,
        typer.Option(envvar="SCC2S_TOKEN", help="What clients have to send; default: made up where one is needed."),
    ] = None,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="Name that the server is called by; may be repeated.")
    ] = None,
    timeout: Annotated[float, typer.Option(help="Seconds that one answer may take.")] = 600.0,
    queue: Annotated[int, typer.Option(help="Questions that may wait.", min=1)] = 64,
    max_mb: Annotated[float, typer.Option(help="Largest request, in MB.")] = 16.0,
    device: o.Device = "auto",
    dtype: o.Dtype = "auto",
    mod: o.Mod = None,
    as_json: o.Json = False,
) -> None:
    """Show cells on a local page and answer an HTTP API, until it is stopped; the file itself stays as it is."""
    from scc2s import app
    from scc2s.app._server import check_can_serve

    check_can_serve(host, port)  # before a large file is read
    adata, _ = read(source, mod)

    def say(address: str) -> None:
        line = f"serve: {adata.n_obs} cells of {source} at {address} (Ctrl-C stops it)"
        typer.echo(json.dumps({"command": "serve", "input": str(source), "address": address}) if as_json else line)

    asked = chosen(model, device, dtype, backend)
    try:
        app.serve(
            adata,
            model=asked,
            host=host,
            port=port,
            name=source.name,
            token=token,
            hosts=allow_host or (),
            timeout=timeout,
            queue=queue,
            max_mb=max_mb,
            started=say,
        )
    except KeyboardInterrupt:
        note("the page is closed; what was not downloaded from it is gone")
