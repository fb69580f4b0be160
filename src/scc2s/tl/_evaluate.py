from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from scc2s._cells.access import get_adata
from scc2s._cells.arguments import refuse_empty
from scc2s.metrics import mmd
from scc2s.metrics._bootstrap import MIN_CLUSTERS, say_too_few
from scc2s.metrics._compare import SCORES, Plan, Score
from scc2s.metrics._mmd import checked_widths
from scc2s.tl._comparing.sides import Reading, read_sides
from scc2s.tl._comparing.table import say_below_sampler, score_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from anndata import AnnData
    from mudata import MuData

_USUAL = (
    "scfid",
    "mmd",
    "energy_distance",
    "classifier_auroc",
    "spread",
    "gene_correlation",
    "pearson",
    "kendall_tau",
)


def evaluate(
    pred: AnnData | MuData,
    true: AnnData | MuData,
    *,
    metrics: str | Sequence[str] | Mapping[str, Callable[..., float]] | None = None,
    rep: str = "pca",
    layer: str | None = None,
    true_layer: str | None = None,
    groupby: str | Sequence[str] | None = None,
    control: AnnData | MuData | str | None = None,
    train: AnnData | MuData | None = None,
    floor: bool = True,
    ceiling: bool = True,
    n_comps: int = 50,
    gammas: Sequence[float] | Literal["median"] = "median",
    n_repeats: int = 5,
    clusters: str | None = None,
    n_boot: int = 1000,
    random_state: int = 0,
    sentence_key: str = "c2s_sentence",
    mod: str = "rna",
) -> pd.DataFrame:
    """Compare predicted or generated cells with real ones, beside what real cells and what nothing at all would reach.

    A distance between samples has no scale of its own, and depends on the number of cells. So each value comes with
    values of the same score at the same number of cells: of real cells against other real cells (the ceiling: no
    prediction can be expected to do better), and of floors, which a prediction has to beat: control cells taken as
    prediction, predicted cells with shuffled groups, cells each gene of which is that of another real cell
    (:func:`scc2s.metrics.marginal_cells`: they know nothing of which genes stand together), and real cells with a
    fifth of their molecules or genes taken away (:func:`scc2s.metrics.thinned_cells`).

    Parameters
    ----------
    pred, true
        Predicted and real cells, over the same genes.
    metrics
        Names: of cells in `rep`, ``"scfid"``, ``"mmd"``, ``"wasserstein"``, ``"energy_distance"``,
        ``"nearest_training"`` (whether training cells were copied; needs `train`); of cells over genes,
        ``"classifier_auroc"`` (how well the two are told apart), ``"spread"``; of mean profiles over genes,
        ``"pearson"``, ``"kendall_tau"``, ``"delta_pearson"`` (needs `control`); of sentences, ``"gene_overlap"``
        (predicted cells beside real cells of the group, drawn); of all groups together, ``"knn_condition_accuracy"``
        (share of predicted cells that real cells take for their own group), ``"discrimination"``, and
        ``"gene_correlation"`` (within groups). See :mod:`scc2s.metrics` for each. ``None``: ``"scfid"``, ``"mmd"``,
        ``"energy_distance"``, ``"classifier_auroc"``, ``"spread"``, ``"gene_correlation"``, ``"pearson"`` and
        ``"kendall_tau"``; with `groupby` also ``"knn_condition_accuracy"``, with `train` ``"nearest_training"``. Or
        distances of your own by name, functions of two matrices of cells in `rep`:
        ``{"mmd, median width": functools.partial(metrics.mmd, gammas="median")}``.
    rep
        ``"pca"``: a PCA of the expression of all cells together, those of floors too. Fitted on real cells alone it
        would spread these most, and other cells could come nearer to real ones than real ones do. So values in it
        compare within a table; to compare several predictions, evaluate them in one embedding. ``"X"``: expression. Or
        a key of ``.obsm`` that both have, of one and the same embedding, e.g. ``"X_c2s"``.
    layer, true_layer
        Layer of `pred` (of `true` and `control`) with expression; ``None``: ``.X``.
    groupby
        Column of ``.obs`` of both, e.g. ``"cell_type"``, or several, whose combinations are the groups: scores by
        group, and their mean.
    control
        Cells before: a floor, and the start of effects. Or a value of one of the columns `groupby`, e.g. ``"ctrl"``:
        the cells of `true` that have it; they are not a group then, unless `pred` has such cells. Those count for a
        group that agree with it in the other columns (in those where the two have values in common).
    train
        Cells that the model was trained on, with the columns `groupby`, and none of `true`: for ``"nearest_training"``.
        The last two floors are made of these then; without them, or in groups that they lack, of one half of the real
        cells, and stand beside the other half.
    floor, ceiling
        Whether to compute them.
    n_comps
        Components of the PCA.
    gammas
        Widths of the kernels of ``"mmd"`` (:func:`scc2s.metrics.mmd`), or ``"median"``: 1 over the median squared
        distance between the real cells of the group. The six widths of CellOT, ``metrics.mmd``'s own, are too narrow
        for 50 components: the value there is ``1 / n_pred + 1 / n_true``, whatever the cells.
    n_repeats
        Draws that floors and ceiling are means of.
    clusters
        One of the columns `groupby`, e.g. ``"donor"``: groups that share its value are drawn together for the interval
        of the mean; ``None``: each group is its own.
    n_boot
        Bootstrap samples for that interval; 0: none.
    random_state
        Seed of the PCA, the draws and the bootstrap, 0 or more.
    sentence_key
        Column of ``.obs`` with the sentences, for ``"gene_overlap"``.
    mod
        Modality, where a side is a MuData.

    Returns
    -------
    One row for each group and score:

    ``group``, ``metric``
        ``"mean over groups"`` is the plain mean over those that have a value, as C2S-Scale averages scFID; scores of
        all groups together are of group ``"all"``.
    ``value``
        Of all cells of the group.
    ``better``
        Whether ``"lower"`` or ``"higher"`` is better, or the number that is best: ``"1"`` for the spread, ``"0.5"`` for
        ``"nearest_training"``, where more is a sign of copies.
    ``value_at_n``, ``ceiling``, ``floor_control``, ``floor_shuffled``, ``floor_marginal``, ``floor_thinned``
        At ``n`` cells on each side, mean over draws. Compare these with each other, also in the mean over groups. The
        last two are missing where `rep` is a key of ``.obsm``, in which no cells can be made.
    ``low``, ``high``
        95 % interval of the mean over groups (:func:`scc2s.metrics.bootstrap` over groups or `clusters`); missing for
        fewer than three.
    ``n_pred``, ``n_true``, ``n``
        Cells of the group, and cells of a draw.
    ``note``
        Why a value is missing. No group is left out; groups that only one side has are logged too.

    Raises
    ------
    KeyError
        A column, layer or representation is not there, or a gene of `pred` is not in `true`.
    ValueError
        A score is not known, a number is out of range, the sides have no group in common, one side holds counts and the
        other does not, or a representation is not finite or has other widths. Before anything is computed.

    Warns (in the log) where cells of `pred` have at most half as many genes as those of `true`, as cells made of short
    sentences do: the scores would see the length; and where cells that :func:`scc2s.tl.generate` wrote are half as
    far again from real ones as genes drawn one by one are.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> half = np.arange(adata.n_obs) % 2 == 0
    >>> table = sc.tl.c2s_evaluate(adata[half], adata[~half], metrics=["energy_distance"], rep="X_pca")
    >>> bool(table["value"][0] < 2 * table["ceiling"][0])
    True
    """
    columns = [groupby] if isinstance(groupby, str) else list(groupby or ())
    if metrics is None:
        by_group = ["knn_condition_accuracy"] if columns else []
        metrics = [*_USUAL, *by_group, *(["nearest_training"] if train is not None else [])]
    scores = _scores(metrics, gammas)
    if clusters is not None and clusters not in columns:
        msg = f"clusters={clusters!r} is not in groupby; pass groupby={[*columns, clusters]}"
        raise ValueError(msg)
    _check_numbers(n_repeats=(n_repeats, 1), n_comps=(n_comps, 1), n_boot=(n_boot, 0), random_state=(random_state, 0))
    on = {score.on for score in scores.values()}
    reading = Reading(
        rep=rep if on & {"rep", "groups", "train"} else None,
        layers={"pred": layer, "true": true_layer, "control": true_layer, "train": true_layer},
        genes=bool(on & {"genes", "effect", "within"}),
        sentence_key=sentence_key if "sentences" in on else None,
        n_comps=n_comps,
        random_state=random_state,
        floors=floor,
    )
    for side in (pred, true, *([] if train is None else [train])):
        refuse_empty(get_adata(side, mod))
    sides = read_sides(pred, true, control, columns, mod, reading, train)
    of_group = {name: values[columns.index(clusters)] if clusters else name for name, values in sides.groups.items()}
    if clusters and n_boot and (n_clusters := len(set(of_group.values()))) < MIN_CLUSTERS:
        say_too_few(n_clusters, f"values of {clusters!r}")
    table = score_table(scores, sides, of_group, Plan(floor, ceiling, n_repeats, random_state), n_boot)
    if "generate" in get_adata(pred, mod).uns.get("c2s", {}):
        say_below_sampler(table)
    return table


def _check_numbers(**numbers: tuple[int, int]) -> None:
    """Raise for a number that is not whole or under its least."""
    for name, (value, least) in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            msg = f"{name}={value!r} is out of range; pass {name}= a whole number from {least}"
            raise ValueError(msg)


def _scores(
    metrics: str | Sequence[str] | Mapping[str, Callable[..., float]], gammas: Sequence[float] | str
) -> dict[str, Score]:
    widths = checked_widths(gammas)
    if isinstance(metrics, Mapping):
        if wrong := [name for name, function in metrics.items() if not callable(function)]:
            msg = f"metrics[{wrong[0]!r}] is not a function; pass a list of names, or functions of two matrices by name"
            raise TypeError(msg)
        return {name: Score(function) for name, function in metrics.items()}
    names = [metrics] if isinstance(metrics, str) else list(metrics)
    if not names:
        msg = f"metrics is empty; pass some of {', '.join(SCORES)}"
        raise ValueError(msg)
    if unknown := [name for name in names if name not in SCORES]:
        msg = f"metrics has {unknown[0]!r}; pass some of {', '.join(SCORES)}"
        raise ValueError(msg)
    found = {name: SCORES[name] for name in names}
    if widths is not None and "mmd" in found:
        found["mmd"] = Score(partial(mmd, gammas=widths.tolist()))
    return found
