from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from scc2s._anndata import get_adata, get_sentences, matrix
from scc2s.metrics._compare import SCORES, Cells, compare, compare_groups

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from anndata import AnnData
    from mudata import MuData

_ALL = "all cells"
MEAN = "mean over groups"


def evaluate(
    pred: AnnData | MuData,
    true: AnnData | MuData,
    *,
    metrics: str | Sequence[str] = ("scfid", "mmd", "energy_distance", "pearson", "kendall_tau"),
    rep: str = "pca",
    layer: str | None = None,
    true_layer: str | None = None,
    groupby: str | None = None,
    control: AnnData | MuData | None = None,
    floor: bool = True,
    ceiling: bool = True,
    n_comps: int = 50,
    n_repeats: int = 5,
    random_state: int = 0,
    sentence_key: str = "c2s_sentence",
    mod: str = "rna",
) -> pd.DataFrame:
    """Compare predicted or generated cells with real ones, beside what real cells and what nothing at all would reach.

    A distance between samples has no scale of its own, and depends on the number of cells. So each value comes with
    values of the same score at the same number of cells: of real cells against other real cells (the ceiling: no
    prediction can be expected to do better), of control cells taken as prediction, and of predicted cells with shuffled
    groups (the floors: a prediction has to do better).

    Parameters
    ----------
    pred, true
        Predicted and real cells, over the same genes.
    metrics
        Names: of cells in `rep`, ``"scfid"``, ``"mmd"``, ``"wasserstein"``, ``"energy_distance"``; of mean profiles
        over genes, ``"pearson"``, ``"kendall_tau"``, ``"delta_pearson"`` (needs `control`); of sentences,
        ``"gene_overlap"`` (predicted cells beside real cells of the group, drawn); of all groups together,
        ``"knn_condition_accuracy"``, ``"discrimination"``. See :mod:`scc2s.metrics` for each.
    rep
        ``"pca"``: a PCA of the real cells' expression, that both sides are projected to. ``"X"``: expression. Or a key
        of ``.obsm`` that both have, of one and the same embedding, e.g. ``"X_c2s"``.
    layer, true_layer
        Layer of `pred` (of `true` and `control`) with expression; ``None``: ``.X``.
    groupby
        Column of ``.obs`` of both, e.g. ``"cell_type"``: scores by group, and their mean.
    control
        Cells before: a floor, and the start of effects. With the column `groupby`, control cells of the group count.
    floor, ceiling
        Whether to compute them.
    n_comps
        Components of the PCA.
    n_repeats
        Draws that floors and ceiling are means of.
    random_state
        Seed of the PCA and the draws.
    sentence_key
        Column of ``.obs`` with the sentences, for ``"gene_overlap"``.
    mod
        Modality, where `pred` or `true` is a MuData.

    Returns
    -------
    One row for each group and score:

    ``value``
        Of all cells of the group.
    ``better``
        Whether ``"lower"`` or ``"higher"`` is better.
    ``value_at_n``, ``ceiling``, ``floor_control``, ``floor_shuffled``
        At ``n`` cells on each side, mean over draws. Compare these with each other.
    ``n_pred``, ``n_true``, ``n``
        Cells of the group, and cells of a draw.
    ``note``
        Why a value is missing. No group is left out.

    Raises
    ------
    KeyError
        A column, layer or representation is not there, or a gene of `pred` is not in `true`.
    ValueError
        A score is not known, or the representations have other widths.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> half = np.arange(adata.n_obs) % 2 == 0
    >>> table = sc.tl.c2s_evaluate(adata[half], adata[~half], metrics=["energy_distance"], rep="X_pca")
    >>> bool(table["value"][0] < 2 * table["ceiling"][0])
    True
    """
    names = [metrics] if isinstance(metrics, str) else list(metrics)
    if unknown := [name for name in names if name not in SCORES]:
        msg = f"metrics has {unknown[0]!r}; pass some of {', '.join(SCORES)}"
        raise ValueError(msg)
    p, t = get_adata(pred, mod), get_adata(true, mod)
    c = None if control is None else get_adata(control, mod)
    sides = _sides(p, t, c, rep, layer, true_layer, groupby, n_comps, random_state)
    if any(SCORES[name].on == "sentences" for name in names):
        some = [side for side in (p, t, c) if side is not None]
        sides = [
            cells._replace(sentences=np.array(get_sentences(adata, sentence_key), dtype=object))
            for cells, adata in zip([side for side in sides if side is not None], some, strict=True)
        ]
        sides = [*sides, None][:3]
    return _table(names, *sides, floor=floor, ceiling=ceiling, n_repeats=n_repeats, random_state=random_state)


def _table(names: list[str], pred: Cells, true: Cells, control: Cells | None, **how: Any) -> pd.DataFrame:
    import pandas as pd

    groups = sorted({*pred.groups.tolist(), *true.groups.tolist()}, key=str)
    rows = []
    for name in names:
        if SCORES[name].on == "groups":
            rows.append(compare_groups(name, pred, true, control, **how))
            continue
        own = [compare(name, group, pred, true, control, **how) for group in groups]
        rows += own
        if len(groups) > 1:
            rows.append(_mean(own, name))
    return pd.DataFrame(rows)


def _mean(rows: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """Plain mean over the groups that have a value, as C2S-Scale averages scFID over conditions."""
    found: dict[str, Any] = {"group": MEAN, "metric": name, "better": rows[0]["better"]}
    for key in ("value", "value_at_n", "ceiling", "floor_control", "floor_shuffled"):
        values = np.array([row[key] for row in rows])
        found[key] = float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
    n_used = sum(np.isfinite(row["value"]) for row in rows)
    found |= {key: sum(row[key] for row in rows) for key in ("n_pred", "n_true")}
    return found | {"n": 0, "note": f"{n_used} of {len(rows)} groups"}


def _sides(
    pred: AnnData,
    true: AnnData,
    control: AnnData | None,
    rep: str,
    layer: str | None,
    true_layer: str | None,
    groupby: str | None,
    n_comps: int,
    random_state: int,
) -> tuple[Cells, Cells, Cells | None]:
    given = [(pred, layer, "pred"), (true, true_layer, "true")]
    if control is not None:
        given.append((control, true_layer, "control"))
    genes = [_genes(adata, name, pred.var_names, which) for adata, which, name in given]
    if rep == "pca":
        reps = _components(genes, n_comps, random_state)
    elif rep == "X":
        reps = genes
    else:
        reps = [_embedding(adata, rep, name) for adata, _, name in given]
        if len({X.shape[1] for X in reps}) > 1:
            msg = f"obsm[{rep!r}] has widths {[X.shape[1] for X in reps]}; compute it for all cells together"
            raise ValueError(msg)
    labels = [_groups(adata, groupby, name) for adata, _, name in given]
    blank = [np.full(adata.n_obs, "", dtype=object) for adata, _, _ in given]
    cells = [Cells(*parts) for parts in zip(reps, genes, labels, blank, strict=True)]
    return cells[0], cells[1], cells[2] if control is not None else None


def _genes(adata: AnnData, name: str, names: pd.Index, layer: str | None) -> np.ndarray:
    if len(missing := names.difference(adata.var_names)):
        msg = (
            f"{len(missing)} genes of pred are not in {name}, e.g. {missing[0]!r}; take the same from both: "
            "pred[:, pred.var_names.isin(true.var_names)]"
        )
        raise KeyError(msg)
    X, _, _ = matrix(adata, layer=layer, use_raw=False)
    columns = adata.var_names.get_indexer(names)
    some = X[:][:, columns]
    out = np.asarray(some.toarray() if sparse.issparse(some) else some, dtype=np.float64)
    if not np.isfinite(out).all():
        msg = f"expression of {name} has values that are not finite; pass layer= one with log-normalised values"
        raise ValueError(msg)
    return out


def _components(genes: list[np.ndarray], n: int, random_state: int) -> list[np.ndarray]:
    """A PCA of the real cells; a projection of the others."""
    from sklearn.decomposition import PCA

    true = genes[1]
    n = min(n, *true.shape)
    pca = PCA(n, svd_solver="full" if n == min(true.shape) else "randomized", random_state=random_state).fit(true)
    return [pca.transform(X) for X in genes]


def _embedding(adata: AnnData, key: str, name: str) -> np.ndarray:
    if key not in adata.obsm:
        msg = (
            f"{name} has no obsm[{key!r}]; compute it for pred and true together, e.g. sc.tl.c2s_embed, or pass "
            "rep='pca' or rep='X'"
        )
        raise KeyError(msg)
    return np.asarray(adata.obsm[key], dtype=np.float64)


def _groups(adata: AnnData, groupby: str | None, name: str) -> np.ndarray:
    if groupby is None or (name == "control" and groupby not in adata.obs):
        return np.full(adata.n_obs, _ALL, dtype=object)
    if groupby not in adata.obs:
        msg = f"{name} has no column {groupby!r} in obs; set {name}.obs[{groupby!r}] = ..., or pass another groupby="
        raise KeyError(msg)
    column = adata.obs[groupby].astype(object)
    return column.where(column.notna(), "missing").astype(str).to_numpy(dtype=object)
