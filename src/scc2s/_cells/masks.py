"""The choice of genes that a result was made with, kept by name: positions lose their meaning when genes move."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s._cells.access import matrix
from scc2s._cells.genes import _as_mask

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from anndata import AnnData


def mask_params(
    adata: AnnData, var_mask: str | np.ndarray | pd.Series[Any] | None, *, layer: str | None, use_raw: bool | None
) -> dict[str, Any]:
    """Entries of a record for `var_mask`: a name as it is, booleans by the matrix's own genes and with their names."""
    if var_mask is None or isinstance(var_mask, str):
        return {"var_mask": var_mask}
    index = matrix(adata, layer=layer, use_raw=use_raw)[1].index
    mask = _as_mask(index, var_mask)
    return {"var_mask": mask, "var_mask_genes": [str(name) for name in index[mask]]}


def stored_mask(index: pd.Index, params: Mapping[str, Any]) -> str | np.ndarray | None:
    """What :func:`mask_params` stored, for the genes of `index`: by name, wherever they stand now.

    Records of older versions hold positions alone; these are given back as they are.
    """
    mask = params.get("var_mask")
    if mask is None or isinstance(mask, str):
        return None if mask in (None, "None") else mask
    mask = np.asarray(mask, dtype=bool)
    names = params.get("var_mask_genes")
    if names is None:
        return mask
    there = index.astype(str)
    if len(mask) == len(index) and list(there[mask]) == list(names):
        return mask
    return np.asarray(there.isin(list(names)))
