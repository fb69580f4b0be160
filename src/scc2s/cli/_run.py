"""What every command does around its own step: read, make what is missing, write in one step, report."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from ._explain import explaining
from ._files import check_target, read, write
from ._kinds import kind_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd
    from anndata import AnnData


OF_SENTENCES = "scc2s sentences"
"""Note on errors of a step that is made unasked: its options are those of this command."""


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
    mod: str | None = None,
    cache: Path | None = None,
    tables: bool = False,
    new_cells: bool = False,
) -> None:
    """Read, work, write in one step, report.

    Parameters
    ----------
    mod
        Modality of a MuData.
    cache
        File that `work` keeps answers in.
    tables
        Whether the target may be a csv file.
    new_cells
        Whether `work` makes cells of its own, to write in place of those that were read.
    """
    from scc2s._io import write_text

    kind = kind_of(source)
    check_target(target, table=tables, kind=None if new_cells else kind)
    check_cache(cache)
    cells, whole = read(source, mod)
    start = time.perf_counter()
    result = work(cells)
    seconds = time.perf_counter() - start
    if explaining():
        return  # no model was asked, and nothing is written
    if result.cells is not None:
        cells, whole = result.cells, None
    if target.suffix.lower() == ".csv" and result.table is not None:
        write_text(result.table.to_csv(index=False), target)
    else:
        write(cells, whole, target)
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


def check_cache(cache: Path | None) -> None:
    """Refuse a file that cannot keep answers, before any work is done."""
    if cache is None:
        return
    from scc2s._io import check_writable

    check_writable(cache)
    if cache.exists():
        from scc2s.models import ResponseCache

        ResponseCache(cache)


def need_sentences(adata: AnnData) -> None:
    """Make sentences where the file has none."""
    if "c2s_sentence" not in adata.obs and "c2s_ranks" not in adata.obsm:
        from scc2s import pp

        note("the file has no sentences: they are made with the defaults of `scc2s sentences`")
        try:
            pp.sentences(adata)
        except Exception as error:
            error.add_note(OF_SENTENCES)
            raise


def need_rank_fit(adata: AnnData) -> None:
    """Fit expression on rank where the file has no fit."""
    if "rank_fit" not in adata.uns.get("c2s", {}):
        from scc2s import pp

        note("the file has no line from rank to expression: it is fitted with the defaults of scc2s.pp.rank_fit")
        pp.rank_fit(adata)


def note(text: str) -> None:
    """Say on standard error what is done unasked."""
    from scc2s._logging import COMMAND_LINE, logger

    logger.getChild(COMMAND_LINE.removeprefix("scc2s.")).info(text)


def chosen(model: str | None, device: str, dtype: str, backend: str = "torch") -> Any:
    """The model that a command asks: a name, or one with options, so that the library looks at the data first."""
    from scc2s._settings import settings
    from scc2s.models._named import Named

    name = settings.model if model is None else model
    options = {"backend": (backend, "torch"), "device": (device, "auto"), "dtype": (dtype, "auto")}
    changed = {key: value for key, (value, default) in options.items() if value != default}
    if explaining():
        return Named(name, changed, explain=True)
    return Named(name, changed) if changed else name


def info(model: Any) -> dict[str, Any]:
    """What the model is, once it has answered."""
    from scc2s import models

    return dict(models.load(model).info())
