from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from . import _options as o
from ._run import check_target, read, report


def evaluate(
    predicted: Annotated[Path, typer.Argument(help="h5ad file with predicted or generated cells.", show_default=False)],
    real: Annotated[Path, typer.Argument(help="h5ad file with real cells over the same genes.", show_default=False)],
    target: Annotated[Path, typer.Argument(help="csv file to write.", show_default=False)],
    metric: Annotated[
        list[str] | None, typer.Option(help="A score; repeat. Default: those of scc2s.tl.evaluate.")
    ] = None,
    rep: Annotated[str, typer.Option(help="pca, X, or a key of obsm that both files have.")] = "pca",
    layer: Annotated[str | None, typer.Option(help="Layer of the predicted cells; default: X.")] = None,
    true_layer: Annotated[str | None, typer.Option(help="Layer of the real and control cells; default: X.")] = None,
    groupby: Annotated[str | None, typer.Option(help="Column of obs of both; scores by group.")] = None,
    control: Annotated[Path | None, typer.Option(help="h5ad file with cells before: a floor.")] = None,
    floor: Annotated[bool, typer.Option(help="Scores of control cells, and of shuffled groups.")] = True,
    ceiling: Annotated[bool, typer.Option(help="Scores of real cells against other real cells.")] = True,
    n_comps: Annotated[int, typer.Option(help="Components of the PCA.")] = 50,
    n_repeats: Annotated[int, typer.Option(help="Draws that floors and ceiling are means of.")] = 5,
    random_state: o.RandomState = 0,
    as_json: o.Json = False,
) -> None:
    """Score predicted cells against real ones, beside floors and a ceiling at equal numbers of cells."""
    from scc2s import tl
    from scc2s._io import write_text

    check_target(target, (".csv",))
    pred, true = read(predicted), read(real)
    before = None if control is None else read(control)
    chosen: dict[str, Any] = {"metrics": metric} if metric else {}
    start = time.perf_counter()
    table = tl.evaluate(
        pred,
        true,
        **chosen,
        rep=rep,
        layer=layer,
        true_layer=true_layer,
        groupby=groupby,
        control=before,
        floor=floor,
        ceiling=ceiling,
        n_comps=n_comps,
        n_repeats=n_repeats,
        random_state=random_state,
    )
    seconds = time.perf_counter() - start
    write_text(table.to_csv(index=False), target)
    sources = [predicted, real, *([control] if control else [])]
    report("evaluate", sources, target, pred, seconds, {"scores": table.to_dict("records")}, as_json)
