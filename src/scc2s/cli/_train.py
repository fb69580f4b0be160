from __future__ import annotations

import json
import sys
import tempfile
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import _options as o
from ._recipe import EXAMPLE, EXAMPLE_NEW, Recipe, read
from ._recipe_samples import cells_of, mixture, tables
from ._recipe_start import start

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from anndata import AnnData

    from scc2s.train import Mixture

_DRAWS = 4
"""Draws of each task that are looked at before training on samples drawn afresh."""


def train(
    recipe: Annotated[
        Path | None, typer.Argument(help="TOML file: model, files of cells, tasks.", show_default=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and end.")] = False,
    example: Annotated[bool, typer.Option("--example", help="Print a recipe with every key, and end.")] = False,
    example_new: Annotated[
        bool, typer.Option("--example-new", help="Print a recipe that trains a model from nothing, and end.")
    ] = False,
    as_json: o.Json = False,
) -> None:
    """Train a model on cells, by a recipe; shows samples, tokens, memory and time before it starts."""
    if example or example_new:
        typer.echo(EXAMPLE_NEW if example_new else EXAMPLE, nl=False)
        return
    if recipe is None:
        msg = "give a recipe, or print one: scc2s train --example > recipe.toml"
        raise ValueError(msg)
    what = read(recipe)
    cells = [cells_of(data) for data in what.data]
    fresh = what.training.steps is not None
    samples: Any
    samples, held = mixture(what, cells) if fresh else tables(what, cells)
    some = samples.preview(_DRAWS) if fresh else samples
    with _begun(what, cells, some, keep=not dry_run) as model:
        del cells
        found = _estimate(what, model, some)
        _show(what, some, held, found)
        summary: dict[str, Any] = {
            "samples": found.n_samples if fresh else len(some), "validation": len(held), "tokens": found.tokens,
            "memory_gb": found.memory_gb, "time": found.time,
        }  # fmt: skip
        if not dry_run:
            with redirect_stdout(sys.stderr):  # what the trainer says of each step
                done = _run(what, model, samples, held)
            typer.echo(f"{done.folder}: {_words(done.metrics)}", err=True)
            summary |= {"folder": str(done.folder), "metrics": done.metrics}
    if as_json:
        typer.echo(json.dumps(summary, indent=2))


@contextmanager
def _begun(what: Recipe, cells: list[dict[str, AnnData]], some: pd.DataFrame, *, keep: bool) -> Iterator[str]:
    """Name or folder of the model to begin with; one that is made is gone after a dry run."""
    if what.new_model is None and not what.training.add_genes:
        yield str(what.model)
        return
    with tempfile.TemporaryDirectory() as other:
        folder = Path(what.output if keep else other) / "start"
        folder.parent.mkdir(parents=True, exist_ok=True)
        start(what, cells, some, folder)
        yield str(folder)


def _estimate(what: Recipe, model: str, some: pd.DataFrame) -> Any:
    from scc2s import train as training

    how: Any = what.training
    epochs = how.epochs if how.steps is None else how.steps * how.batch_size / len(some)
    return training.estimate(
        model, some, method=how.method, epochs=epochs, batch_size=how.batch_size,
        quantization="4bit" if how.quantization == "4bit" else None,
    )  # fmt: skip


def _run(what: Recipe, model: str, own: pd.DataFrame | Mixture, held: pd.DataFrame) -> Any:
    from scc2s import train as training

    how = what.training
    rate = how.learning_rate
    if rate is None:
        rate = 1e-3 if what.new_model is not None else 5e-4 if how.method == "lora" else 1e-4
    common: dict[str, Any] = {
        "validation": held if len(held) else None, "batch_size": how.batch_size, "learning_rate": rate,
        "epochs": how.epochs, "max_length": how.max_length, "seed": what.seed, "license": how.license,
        "early_stopping": how.early_stopping if len(held) else None, **how.trl,
    }  # fmt: skip
    if how.steps is not None:
        common["max_steps"] = how.steps
    if how.method == "full":
        return training.sft(model, own, what.output, **common)
    adapter: dict[str, Any] = {
        "rank": how.rank, "alpha": how.alpha, "dropout": how.dropout, "target_modules": how.target_modules,
        "quantization": how.quantization,
    }  # fmt: skip
    return training.lora(model, own, what.output, **adapter, **common)


def _show(what: Recipe, own: pd.DataFrame, held: pd.DataFrame, found: Any) -> None:
    """The first samples and what training will take, on standard error."""
    for number, row in enumerate(own.head(3).itertuples(), 1):
        typer.echo(f"-- sample {number} ({row.task})\n{row.prompt}[[{row.completion}]]", err=True)
    names = own["task"].value_counts(sort=False)
    if what.training.steps is None:
        said = f"{len(own)} samples ({', '.join(f'{n} {task}' for task, n in names.items())})"
    else:
        how = what.training
        said = f"{how.steps} steps of {how.batch_size} samples, drawn afresh ({', '.join(names.index)})"
    typer.echo(
        f"-- {said}, {len(held)} to validate with; {found.tokens:,} tokens in all, of which "
        f"{found.useful_tokens:,} are learned; the longest has {found.longest}\n"
        f"-- about {found.memory_gb['cpu']:g} GB on a CPU, {found.memory_gb['gpu']:g} GB on a GPU; "
        f"{found.time['cpu']} on a CPU, {found.time['gpu']} on a GPU (sums, not measured)",
        err=True,
    )


def _words(metrics: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in metrics.items())
