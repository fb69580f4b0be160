"""What every command does around its own step: read, make what is missing, write in one step, report."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd
    from anndata import AnnData


class Result(NamedTuple):
    """What a command found."""

    summary: dict[str, Any]
    """For ``--json``."""
    table: pd.DataFrame | None = None
    """For a target that is a csv file."""
    cells: AnnData | None = None
    """To write in place of what was read."""


def run(
    command: str,
    source: Path,
    target: Path,
    work: Callable[[AnnData], Result],
    as_json: bool,
    *,
    tables: bool = False,
) -> None:
    """Read, work, write in one step, report; with `tables` the target may be a csv file."""
    from scc2s._io import write_h5ad, write_text

    check_target(target, (".h5ad", ".csv") if tables else (".h5ad",))
    adata = read(source)
    start = time.perf_counter()
    result = work(adata)
    seconds = time.perf_counter() - start
    cells = adata if result.cells is None else result.cells
    if target.suffix.lower() == ".csv" and result.table is not None:
        write_text(result.table.to_csv(index=False), target)
    else:
        write_h5ad(cells, target)
    report(command, [source], target, cells, seconds, result.summary, as_json)


def report(
    command: str,
    sources: list[Path],
    target: Path,
    adata: AnnData,
    seconds: float,
    more: dict[str, Any],
    as_json: bool,
) -> None:
    """One line, or a summary as JSON."""
    summary = {
        "command": command,
        "input": str(sources[0]) if len(sources) == 1 else [str(source) for source in sources],
        "output": str(target),
        "n_obs": adata.n_obs,
        "n_vars": adata.n_vars,
        "seconds": round(seconds, 3),
        **more,
    }
    line = f"{command}: {adata.n_obs} cells in {seconds:.1f} s, written to {target}"
    typer.echo(json.dumps(summary, default=str) if as_json else line)


def read(source: Path) -> AnnData:
    """An h5ad file."""
    from anndata import read_h5ad

    if not source.is_file():
        msg = f"there is no file {source}; pass the path of an h5ad file"
        raise FileNotFoundError(msg)
    try:
        return read_h5ad(source)
    except Exception as error:  # h5py and anndata raise many kinds, none of which names the file
        msg = f"cannot read {source} ({error}); pass an h5ad file that scanpy.read_h5ad opens"
        raise OSError(msg) from error


def check_target(target: Path, endings: tuple[str, ...]) -> None:
    """Refuse a target that cannot be written, before any work is done."""
    if not target.resolve().parent.is_dir():
        msg = f"there is no folder {target.parent} to write to; call mkdir -p {target.parent}"
        raise FileNotFoundError(msg)
    is_table = target.suffix.lower() == ".csv"
    if is_table and ".csv" not in endings:
        msg = f"{target} is to be a table, and this command has none; pass a path that ends in .h5ad"
        raise ValueError(msg)
    if not is_table and ".h5ad" not in endings:
        msg = f"this command writes a table; pass a path that ends in .csv, not {target}"
        raise ValueError(msg)


def need_sentences(adata: AnnData) -> None:
    """Make sentences where the file has none."""
    from scc2s import pp
    from scc2s._logging import logger

    if "c2s_sentence" not in adata.obs and "c2s_ranks" not in adata.obsm:
        logger.info("no sentences in the file: making them (200 genes; `scc2s sentences` has the options)")
        pp.sentences(adata)


def need_rank_fit(adata: AnnData) -> None:
    """Fit expression on rank where the file has no fit."""
    from scc2s import pp
    from scc2s._logging import logger

    if "rank_fit" not in adata.uns.get("c2s", {}):
        logger.info("no rank fit in the file: making it with the defaults of scc2s.pp.rank_fit")
        pp.rank_fit(adata)


def load(model: str | None, device: str, dtype: str, backend: str = "torch") -> Any:
    """The model that a command asks."""
    from scc2s import models
    from scc2s._settings import settings

    return models.load(
        settings.model if model is None else model,
        backend=backend,  # type: ignore[arg-type] # checked by load
        device=device,
        dtype=dtype,
    )
