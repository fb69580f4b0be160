"""Predicted, real and control cells of AnnData, read for the scores of perturbation models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse

from scc2s._cells.access import get_adata, matrix
from scc2s._cells.arguments import refuse_empty
from scc2s._cells.columns import column
from scc2s._cells.rows import row_blocks
from scc2s._cells.values import describe
from scc2s._logging import logger

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

Targets = Mapping[str, str | Sequence[str] | None]

_BASE = {"log1p_cp10k": np.e, "log10_cp10k": 10.0}


class PanelSide(NamedTuple):
    """Cells of one side."""

    X: sparse.csr_matrix
    groups: np.ndarray
    contexts: np.ndarray

    def of(self, rows: np.ndarray) -> PanelSide:
        """Some of them."""
        return PanelSide(self.X[np.flatnonzero(rows)], self.groups[rows], self.contexts[rows])


class PanelSides(NamedTuple):
    """All cells, over the genes of `true`."""

    pred: PanelSide
    true: PanelSide
    control: PanelSide
    genes: list[str]


def read_panel(
    pred: AnnData | MuData,
    true: AnnData | MuData,
    control: AnnData | MuData | str,
    *,
    groupby: str,
    contexts: str | None,
    units: tuple[str, str],
    layers: tuple[str | None, str | None],
    mod: str,
) -> PanelSides:
    """Read all sides; predicted control cells are left out.

    Parameters
    ----------
    pred, true
        Cells.
    control
        Real control cells, or the value of `groupby` that names those of `true`.
    groupby, contexts
        Columns of ``.obs`` with perturbations, and with what is scored apart.
    units, layers
        Of `pred`, and of the real cells.
    mod
        Modality of a MuData.
    """
    sides = {"pred": get_adata(pred, mod), "true": get_adata(true, mod)}
    if not isinstance(control, str):
        sides["control"] = get_adata(control, mod)
    for adata in sides.values():
        refuse_empty(adata)
    genes = sides["true"].var_names
    read = {}
    for name, adata in sides.items():
        own = 0 if name == "pred" else 1
        _same_genes(adata, sides["true"], name)
        X, _, _ = matrix(adata, layer=layers[own], use_raw=False)
        parts = [sparse.csr_matrix(block) for _, block in row_blocks(X)]
        whole = sparse.vstack(parts, format="csr")[:, adata.var_names.get_indexer(genes)]
        _refuse_other_units(whole, units[own], name)
        groups = _labels(adata, groupby, "groupby") if name != "control" else np.full(adata.n_obs, "", dtype=object)
        there = contexts is not None and (name != "control" or contexts in adata.obs)
        where = _labels(adata, contexts or "", "contexts") if there else np.full(adata.n_obs, "", dtype=object)
        read[name] = PanelSide(whole, groups, where)
    if isinstance(control, str):
        before = read["true"].groups == control
        if not before.any():
            msg = (
                f"no cell of true has {control!r} in obs[{groupby!r}]; pass control= one of its values, e.g. "
                f"{read['true'].groups[0]!r}, or an AnnData of real control cells"
            )
            raise ValueError(msg)
        read["control"], read["true"] = read["true"].of(before), read["true"].of(~before)
        if n := int((read["pred"].groups == control).sum()):
            logger.info("%d control cells of pred are not used: effects begin at the real control cells", n)
            read["pred"] = read["pred"].of(read["pred"].groups != control)
    return PanelSides(read["pred"], read["true"], read["control"], genes.astype(str).tolist())


def target_columns(targets: Targets | None, groups: Sequence[str], genes: list[str]) -> dict[str, list[int]]:
    """Columns of the genes that each perturbation acts on; by their names where `targets` is ``None``."""
    place = {gene: i for i, gene in enumerate(genes)}
    if targets is None:
        found = {group: [place[group]] for group in groups if group in place}
        if found:
            some = ", ".join(map(repr, list(found)[:3]))
            logger.info("%d of %d perturbations are genes (%s): these are not scored", len(found), len(groups), some)
        return found
    given = {str(group): [named] if isinstance(named, str) else list(named or ()) for group, named in targets.items()}
    if unknown := [gene for named in given.values() for gene in named if gene not in place]:
        msg = f"targets names {unknown[0]!r}, which is not a gene of true; pass names of true.var_names"
        raise KeyError(msg)
    return {group: [place[gene] for gene in named] for group, named in given.items() if group in set(groups)}


def _labels(adata: AnnData, name: str, argument: str) -> np.ndarray:
    return column(adata, name, argument, missing=False).astype(str).to_numpy(dtype=object)


def _same_genes(adata: AnnData, true: AnnData, name: str) -> None:
    if not adata.var_names.is_unique:
        msg = f"{name}.var_names repeat; call {name}.var_names_make_unique(), or keep one column for each gene"
        raise ValueError(msg)
    n_more, n_less = len(adata.var_names.difference(true.var_names)), len(true.var_names.difference(adata.var_names))
    if n_more or n_less:
        msg = (
            f"{name} has {n_more} genes that true has not, and lacks {n_less}; the genes are part of the question, so "
            f"take the same from all, e.g. true[:, true.var_names.isin({name}.var_names)]"
        )
        raise ValueError(msg)


def _refuse_other_units(X: sparse.csr_matrix, units: str, name: str) -> None:
    """Raise where the ratios of the values tell another kind than the one stated."""
    values = describe([(0, X)])
    if units not in _BASE or not values.certain or values.kind not in ("normalised", "log1p"):
        return  # counts and impossible values are told by the numbers themselves
    if values.kind == "log1p" and np.isclose(values.base or 0, _BASE[units]):
        return
    known = next((name for name, base in _BASE.items() if np.isclose(values.base or 0, base)), None)
    what = "not logarithms" if values.kind == "normalised" else f"logarithms to base {values.base:.3g}"
    mend = f"units={known!r}" if known else "units='counts' with a layer that holds counts"
    msg = f"{name} was said to be {units}, and its values are {what}; pass {mend} (true_units= for the real cells)"
    raise ValueError(msg)
