from __future__ import annotations

import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import _options as o
from ._recipe import EXAMPLE, Recipe, read

if TYPE_CHECKING:
    import pandas as pd

    from ._recipe import Data


def train(
    recipe: Annotated[
        Path | None, typer.Argument(help="TOML file: model, files of cells, tasks.", show_default=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and end.")] = False,
    example: Annotated[bool, typer.Option("--example", help="Print a recipe with every key, and end.")] = False,
    as_json: o.Json = False,
) -> None:
    """Train a model on cells, by a recipe; shows samples, tokens, memory and time before it starts."""
    if example:
        typer.echo(EXAMPLE, nl=False)
        return
    if recipe is None:
        msg = "give a recipe, or print one: scc2s train --example > recipe.toml"
        raise ValueError(msg)
    what = read(recipe)
    own, held = _tables(what)
    from scc2s import train as training

    how: Any = what.training
    found = training.estimate(
        what.model, own, method=how.method, epochs=how.epochs, batch_size=how.batch_size,
        quantization="4bit" if how.quantization == "4bit" else None,
    )  # fmt: skip
    _show(own, held, found)
    summary: dict[str, Any] = {
        "samples": len(own), "validation": len(held), "tokens": found.tokens, "memory_gb": found.memory_gb,
        "time": found.time,
    }  # fmt: skip
    if not dry_run:
        with redirect_stdout(sys.stderr):  # what the trainer says of each step
            done = _run(what, own, held)
        typer.echo(f"{done.folder}: {_words(done.metrics)}", err=True)
        summary |= {"folder": str(done.folder), "metrics": done.metrics}
    if as_json:
        typer.echo(json.dumps(summary, indent=2))


def _run(what: Recipe, own: pd.DataFrame, held: pd.DataFrame) -> Any:
    from scc2s import train as training

    how = what.training
    rate = how.learning_rate if how.learning_rate is not None else (5e-4 if how.method == "lora" else 1e-4)
    common: dict[str, Any] = {
        "validation": held if len(held) else None, "batch_size": how.batch_size, "learning_rate": rate,
        "epochs": how.epochs, "max_length": how.max_length, "seed": what.seed, "license": how.license,
        "early_stopping": how.early_stopping if len(held) else None, **how.trl,
    }  # fmt: skip
    if how.method == "full":
        return training.sft(what.model, own, what.output, **common)
    adapter: dict[str, Any] = {
        "rank": how.rank, "alpha": how.alpha, "dropout": how.dropout, "target_modules": how.target_modules,
        "quantization": how.quantization,
    }  # fmt: skip
    return training.lora(what.model, own, what.output, **adapter, **common)


def _tables(what: Recipe) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Samples to train on and to validate with, of all files."""
    import pandas as pd

    own: list[pd.DataFrame] = []
    held: list[pd.DataFrame] = []
    for number, data in enumerate(what.data):
        for part, tables in (("train", own), ("val", held)):
            tables += _samples(data, part, what.seed + number)
    if not own:
        msg = "no cell is left to train on; lower val= and test=, or hold out fewer donors"
        raise ValueError(msg)
    return pd.concat(own, ignore_index=True), pd.concat(held or [own[0].iloc[:0]], ignore_index=True)


def _samples(data: Data, part: str, seed: int) -> list[pd.DataFrame]:
    from scc2s import pp
    from scc2s.train import Augment

    from ._files import read as read_cells

    cells, _ = read_cells(Path(data.file), data.mod)
    scheme: Any = data.split
    pp.split(
        cells, scheme, key=data.key, held_out=data.held_out, val=data.val, test=data.test, random_state=0,
        key_added="c2s_split",
    )  # fmt: skip
    some = cells[(cells.obs["c2s_split"] == part).to_numpy()].copy()
    if not some.n_obs:
        return []
    learned = part == "train"
    tables = []
    for task in data.tasks:
        pairs = None
        if task == "perturb":
            if data.perturbation is None or data.control is None:
                msg = f"{data.file}: the task 'perturb' needs the keys perturbation and control in its [[data]]"
                raise ValueError(msg)
            pairs = pp.pairs(some, key=data.perturbation, control=data.control, match=data.match, random_state=seed)
        columns = dict(data.columns)
        if task == "perturb" and "perturbation" not in columns and data.perturbation != "perturbation":
            columns["perturbation"] = str(data.perturbation)
        table = pp.samples(
            some, task, columns=columns, pairs=pairs, n_genes=data.n_genes,
            copies=data.copies if learned else 1, augment=Augment() if data.varied and learned else None,
            organism=data.organism, random_state=seed, layer=data.layer, gene_symbols=data.gene_symbols,
        )  # fmt: skip
        most = data.n_samples if learned else min(200, data.n_samples or 200)
        if most is not None and len(table) > most:
            table = table.sample(most, random_state=seed)
        tables.append(table.assign(study=Path(data.file).stem))
    return tables


def _show(own: pd.DataFrame, held: pd.DataFrame, found: Any) -> None:
    """The first samples and what training will take, on standard error."""
    for number, row in enumerate(own.head(3).itertuples(), 1):
        typer.echo(f"-- sample {number} ({row.task})\n{row.prompt}[[{row.completion}]]", err=True)
    counts = ", ".join(f"{n} {task}" for task, n in own["task"].value_counts(sort=False).items())
    typer.echo(
        f"-- {len(own)} samples ({counts}), {len(held)} to validate with; {found.tokens:,} tokens in all, of which "
        f"{found.useful_tokens:,} are learned; the longest has {found.longest}\n"
        f"-- about {found.memory_gb['cpu']:g} GB on a CPU, {found.memory_gb['gpu']:g} GB on a GPU; "
        f"{found.time['cpu']} on a CPU, {found.time['gpu']} on a GPU (sums, not measured)",
        err=True,
    )


def _words(metrics: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in metrics.items())
