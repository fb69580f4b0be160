"""The `scc2s` command. Nothing heavy is imported before a command runs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from ._abstract import abstract
from ._annotate import annotate
from ._ask import ask
from ._atlas import app as atlas
from ._caption import caption
from ._compare import compare
from ._demo import demo
from ._doctor import doctor
from ._embed import embed
from ._ending import Command
from ._evaluate import evaluate
from ._explain import explainable
from ._export import export
from ._generate import generate
from ._match_bulk import match_bulk
from ._models import models
from ._neighborhood import neighborhood
from ._perturb import perturb
from ._report import report
from ._screen import screen
from ._sentences import sentences
from ._serve import serve
from ._train import train
from ._version import show_version, version

if TYPE_CHECKING:
    from collections.abc import Sequence

_ASKING = (embed, annotate, caption, ask, compare, abstract, generate, perturb, screen, neighborhood)
"""Commands that ask a model about cells."""

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for _command in (
    demo,
    sentences,
    embed,
    annotate,
    caption,
    ask,
    compare,
    abstract,
    generate,
    perturb,
    screen,
    match_bulk,
    neighborhood,
    report,
    evaluate,
    export,
    train,
    serve,
    models,
    doctor,
    version,
):
    app.command(cls=Command)(explainable(_command) if _command in _ASKING else _command)
app.add_typer(atlas, name="atlas")


@app.callback()
def _all_commands(
    ctx: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=show_version, is_eager=True)
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", envvar="SCC2S_DEBUG", help="Show where an error was raised.")
    ] = False,
) -> None:
    """Cell sentences and Cell2Sentence language models: files of cells in and out. Research use only."""
    ctx.obj = debug


def main(args: Sequence[str] | None = None) -> None:
    """Run the command; bad input ends with one line on standard error and exit code 1, wrong usage with 2."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # waiting threads that spin slow torch down on shared cores
    app(args=args, prog_name="scc2s")
