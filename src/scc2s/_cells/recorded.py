from __future__ import annotations

from typing import TYPE_CHECKING

from scc2s._cells.access import expression, matrix
from scc2s._cells.masks import stored_mask

if TYPE_CHECKING:
    from anndata import AnnData

    from scc2s._cells.expression import Expression

_PLACE = ("layer", "use_raw")
_CHOICES = (*_PLACE, "gene_symbols", "upper", "exclude", "var_mask", "on_duplicate", "features")


def recorded_expression(
    adata: AnnData, key: str, *, layer: str | None = None, use_raw: bool | None = None
) -> Expression:
    """The expression that a result came from, found by its record; the default one where there is no record.

    With `layer` or `use_raw` that matrix instead, with the recorded choice of genes.
    """
    params = adata.uns.get("c2s", {}).get(key, {}).get("params", {})
    chosen = {name: params[name] for name in _CHOICES if name in params}
    chosen = {k: v for k, v in chosen.items() if not (isinstance(v, str) and v == "None")}
    if layer is not None or use_raw is not None:
        chosen = {k: v for k, v in chosen.items() if k not in _PLACE} | {"layer": layer, "use_raw": use_raw}
    if "var_mask_genes" in params:
        var = matrix(adata, layer=chosen.get("layer"), use_raw=chosen.get("use_raw"))[1]
        chosen["var_mask"] = stored_mask(var.index, params)
    return expression(adata, **chosen)
