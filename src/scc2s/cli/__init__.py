"""The `scc2s` command. Nothing heavy is imported before a command runs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import typer

from ._annotate import annotate
from ._caption import caption
from ._demo import demo
from ._embed import embed
from ._evaluate import evaluate
from ._export import export
from ._generate import generate
from ._models import models
from ._perturb import perturb
from ._screen import screen
from ._sentences import sentences
from ._version import version

if TYPE_CHECKING:
    from collections.abc import Sequence

app = typer.Typer(
    help="Cell sentences and Cell2Sentence language models: h5ad in, h5ad out. Research use only.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for _command in (
    demo,
    sentences,
    embed,
    annotate,
    caption,
    generate,
    perturb,
    screen,
    evaluate,
    export,
    models,
    version,
):
    app.command()(_command)


def main(args: Sequence[str] | None = None) -> None:
    """Run the command; bad input ends with one line on standard error and exit code 1, wrong usage with 2."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # waiting threads that spin slow torch down on shared cores
    try:
        app(args=args, prog_name="scc2s")
    except (OSError, ValueError, KeyError, ImportError) as error:
        text = error.args[0] if isinstance(error, KeyError) and error.args else error
        typer.echo(f"scc2s: {' '.join(str(text).split())}", err=True)
        raise SystemExit(1) from error
