"""``scc2s atlas run | resume | status | index | search``: cells that do not fit into memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import _options as o
from ._ending import Command

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer(no_args_is_help=True, help="Steps on cells that do not fit into memory, by many workers.")

Store = Annotated[
    Path, typer.Argument(help=".zarr folder, .h5ad file, or a folder of such, with the cells.", show_default=False)
]
Out = Annotated[Path, typer.Argument(help=".zarr folder for the results; may be STORE.", show_default=False)]
Scheduler = Annotated[str | None, typer.Option(help="Address of a dask scheduler; default: processes on this machine.")]
Workers = Annotated[int | None, typer.Option("--workers", help="Processes on this machine; default: one for 2 cores.")]
MemoryLimit = Annotated[str | None, typer.Option(help="Memory of each, e.g. 1.5GiB; default: its share.")]
Retries = Annotated[int, typer.Option(help="Times that a block which failed is tried again.", min=0)]

_ASK = ("embed", "annotate", "perplexity", "perturb")


@app.command(cls=Command)
def run(
    store: Store,
    out: Out,
    step: Annotated[
        list[str],
        typer.Option(
            "--step",
            help="sentences, rank_fit, program_score, embed, annotate, perplexity or perturb; give it once for each.",
            show_default=False,
        ),
    ],
    having: Annotated[
        list[str] | None,
        typer.Option(
            "--with", help="Parameter of a step, as step.name=value; lists as JSON: annotate.labels='[\"B cell\"]'."
        ),
    ] = None,
    model: o.ModelName = None,
    scheduler: Scheduler = None,
    workers: Workers = None,
    memory_limit: MemoryLimit = None,
    block_size: Annotated[int | None, typer.Option(help="Cells of a block; default: by step.")] = None,
    index_unique: Annotated[
        str | None, typer.Option(help="Joins names of cells and files, where files have cells of the same names.")
    ] = None,
    retries: Retries = 2,
    restart: Annotated[bool, typer.Option("--restart", help="Forget what is done of these steps.")] = False,
    as_json: o.Json = False,
) -> None:
    """Do steps block by block; called again, it goes on where it was."""
    from scc2s import atlas

    found = atlas.run(
        store, steps_of(step, having or [], model), out=out, client=scheduler, n_workers=workers,
        memory_limit=memory_limit, block_size=block_size, index_unique=index_unique, retries=retries, restart=restart,
    )  # fmt: skip
    _show(atlas.status(found), as_json)


@app.command(cls=Command)
def resume(
    out: Out,
    scheduler: Scheduler = None,
    workers: Workers = None,
    memory_limit: MemoryLimit = None,
    retries: Retries = 2,
    as_json: o.Json = False,
) -> None:
    """Go on with what `run` began."""
    from scc2s import atlas

    found = atlas.resume(out, client=scheduler, n_workers=workers, memory_limit=memory_limit, retries=retries)
    _show(atlas.status(found), as_json)


@app.command(cls=Command)
def status(out: Out, as_json: o.Json = False) -> None:
    """Show how far it is, at what rate, and what is left."""
    from scc2s import atlas

    _show(atlas.status(out), as_json)


@app.command(cls=Command)
def index(
    store: Annotated[Path, typer.Argument(help=".zarr folder or .h5ad file with an embedding.", show_default=False)],
    use_rep: Annotated[str, typer.Option(help="Key of obsm.")] = "X_c2s",
    recall: Annotated[float, typer.Option(help="Share of the nearest cells that a search is to find.")] = 0.99,
    restart: Annotated[bool, typer.Option("--restart", help="Make it anew.")] = False,
) -> None:
    """Make an index of an embedding, beside the store, for `search`."""
    from scc2s import atlas

    typer.echo(atlas.index(store, use_rep=use_rep, recall=recall, restart=restart))


@app.command(cls=Command)
def search(
    store: Annotated[Path, typer.Argument(help=".zarr folder or .h5ad file with an embedding.", show_default=False)],
    cell: Annotated[list[str], typer.Argument(help="Names of cells of the store.", show_default=False)],
    use_rep: Annotated[str, typer.Option(help="Key of obsm.")] = "X_c2s",
    n_top: Annotated[int, typer.Option(help="Cells that are wanted.", min=1)] = 10,
    key: Annotated[list[str] | None, typer.Option(help="Column of obs to show; give it once for each.")] = None,
    exact: Annotated[bool, typer.Option("--exact", help="Look at all cells, without an index.")] = False,
    as_json: o.Json = False,
) -> None:
    """Find the cells that are most like some."""
    from scc2s import atlas

    found = atlas.search(store, cell, use_rep=use_rep, n_top=n_top, keys=key or [], exact=exact)
    if as_json:
        typer.echo(found.to_json(orient="records", indent=2))
        return
    typer.echo(found.to_string(index=False))
    typer.echo(f"usual score of a cell: {found.attrs['background']:.3f}")


def steps_of(steps: list[str], having: list[str], model: str | None) -> list[tuple[str, dict[str, Any]]]:
    """Steps with their parameters.

    Raises
    ------
    ValueError
        If a parameter is not written as step.name=value, or of a step that is not asked for.

    Examples
    --------
    >>> steps_of(["sentences", "embed"], ["sentences.n_genes=50", "embed.pooling=last"], "scc2s-mini")
    [('sentences', {'n_genes': 50}), ('embed', {'model': 'scc2s-mini', 'pooling': 'last'})]
    """
    params: dict[str, dict[str, Any]] = {name: {} for name in steps}
    for name in steps:
        if model is not None and name in _ASK:
            params[name]["model"] = model
    for text in having:
        place, equals, value = text.partition("=")
        step, dot, name = place.partition(".")
        if not (equals and dot and name) or step not in params:
            msg = (
                f"--with {text!r} is not a parameter of a step; write --with step.name=value, of a --step that is given"
            )
            raise ValueError(msg)
        params[step][name] = _value(value)
    return [(name, params[name]) for name in steps]


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _show(table: pd.DataFrame, as_json: bool) -> None:
    if as_json:
        typer.echo(table.reset_index().to_json(orient="records", indent=2))
        return
    for name, row in table.iterrows():
        said = f"{name}: {row['state']}, {row['n_done']} of {row['n_blocks']} blocks"
        if row["n_failed"]:
            said += f", {row['n_failed']} failed (first: {row['error']})"
        if row["rate"] == row["rate"]:
            said += f", {row['rate']:,.0f} cells/s (by worker: {row['workers']})"
        if row["state"] == "begun" and row["seconds_left"] == row["seconds_left"]:
            said += f", about {_duration(row['seconds_left'])} left"
        typer.echo(said)


def _duration(seconds: float) -> str:
    """Seconds as a person says them.

    Examples
    --------
    >>> _duration(42), _duration(5400)
    ('42 s', '1.5 h')
    """
    return (
        f"{seconds:.0f} s"
        if seconds < 120
        else f"{seconds / 60:.0f} min"
        if seconds < 5000
        else f"{seconds / 3600:.1f} h"
    )
