from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from . import _options as o
from ._files import WITH_MODALITIES, check_target, read
from ._kinds import kind_of
from ._run import report
from ._scale import on_scale_of


def evaluate(
    predicted: Annotated[Path, typer.Argument(help="File with predicted or generated cells.", show_default=False)],
    real: Annotated[Path, typer.Argument(help="File with real cells over the same genes.", show_default=False)],
    target: Annotated[Path, typer.Argument(help="csv file to write.", show_default=False)],
    metric: Annotated[
        list[str] | None, typer.Option(help="A score; repeat. Default: those of scc2s.tl.evaluate.")
    ] = None,
    rep: Annotated[str, typer.Option(help="pca, X, or a key of obsm that both files have.")] = "pca",
    layer: Annotated[str | None, typer.Option(help="Layer of the predicted cells; default: X.")] = None,
    true_layer: Annotated[str | None, typer.Option(help="Layer of the real and control cells; default: X.")] = None,
    groupby: Annotated[
        list[str] | None, typer.Option(help="Column of obs of both; scores by group. Repeat for combinations.")
    ] = None,
    control: Annotated[Path | None, typer.Option(help="File with cells before: a floor.")] = None,
    train: Annotated[
        Path | None, typer.Option(help="File with the cells that the model was trained on: a check for copies.")
    ] = None,
    floor: Annotated[
        bool, typer.Option(help="Scores of control cells, shuffled groups, genes drawn one by one, and thinned cells.")
    ] = True,
    ceiling: Annotated[bool, typer.Option(help="Scores of real cells against other real cells.")] = True,
    n_comps: Annotated[int, typer.Option(help="Components of the PCA.")] = 50,
    gammas: Annotated[
        str, typer.Option(help="Widths of the kernels of mmd, as 2,1,0.5; or median: from the real cells.")
    ] = "median",
    n_repeats: Annotated[int, typer.Option(help="Draws that floors and ceiling are means of.")] = 5,
    clusters: Annotated[
        str | None, typer.Option(help="The column of --groupby that is drawn as a whole for the interval, as donor.")
    ] = None,
    n_boot: Annotated[int, typer.Option(help="Bootstrap samples for the interval of the mean; 0: none.")] = 1000,
    random_state: o.RandomState = 0,
    mod: o.Mod = None,
    as_json: o.Json = False,
) -> None:
    """Score predicted cells against real ones, beside floors and a ceiling at equal numbers of cells."""
    from scc2s import tl
    from scc2s._io import write_text

    check_target(target, cells=False, table=True)
    widths = _widths(gammas)
    sources = [predicted, real, *([control] if control else []), *([train] if train else [])]
    for source in sources:
        kind_of(source)
    pred = read(predicted, _of(predicted, mod)).cells
    true = on_scale_of(pred, layer, read(real, _of(real, mod)).cells, true_layer, real)
    before = control and on_scale_of(pred, layer, read(control, _of(control, mod)).cells, true_layer, control)
    known = train and on_scale_of(pred, layer, read(train, _of(train, mod)).cells, true_layer, train)
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
        train=known,
        floor=floor,
        ceiling=ceiling,
        n_comps=n_comps,
        gammas=widths,
        n_repeats=n_repeats,
        clusters=clusters,
        n_boot=n_boot,
        random_state=random_state,
    )
    seconds = time.perf_counter() - start
    write_text(table.to_csv(index=False), target)
    report("evaluate", sources, target, pred, seconds, {"scores": table.to_dict("records")}, as_json)


def _of(file: Path, mod: str | None) -> str | None:
    """The modality is meant for those of the files that have several."""
    return mod if kind_of(file) in WITH_MODALITIES else None


def _widths(text: str) -> Any:
    """Numbers from a text with commas; a word as it is."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        return text
