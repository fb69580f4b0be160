from __future__ import annotations

from typing import TYPE_CHECKING

from scc2s._anndata import expression

if TYPE_CHECKING:
    from anndata import AnnData

    from scc2s._expression import Expression

_CHOICES = ("layer", "use_raw", "gene_symbols", "upper", "exclude", "var_mask", "on_duplicate")


def recorded_expression(adata: AnnData, key: str) -> Expression:
    """The expression that a result came from, found by its record; the default one where there is no record."""
    params = adata.uns.get("c2s", {}).get(key, {}).get("params", {})
    chosen = {name: params[name] for name in _CHOICES if name in params}
    return expression(adata, **{k: v for k, v in chosen.items() if not (isinstance(v, str) and v == "None")})
