"""Real cells on the scale that predicted cells are written on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._run import note

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData


def on_scale_of(pred: AnnData, layer: str | None, real: AnnData, real_layer: str | None, file: Path) -> AnnData:
    """Counts of real cells as the logarithms that the line from rank to expression was fitted to.

    A model writes genes in order, and the line of :func:`scc2s.pp.rank_fit` turns ranks into log(1 + x) of a total for
    each cell. Both are recorded with the predicted cells, so counts can be brought to the same. All else is left as it
    is: what does not fit together is refused by :func:`scc2s.tl.evaluate`.
    """
    from scipy import sparse

    from scc2s._cells.access import matrix
    from scc2s._cells.expression import Expression
    from scc2s._cells.rows import row_blocks
    from scc2s._cells.values import describe, log_blocks

    fit = pred.uns.get("c2s", {}).get("rank_fit", {})
    if not {"target_sum", "base"} <= set(fit) or fit["target_sum"] is None:
        return real
    if describe(row_blocks(matrix(pred, layer=layer, use_raw=False)[0])).kind == "counts":
        return real
    X, _, source = matrix(real, layer=real_layer, use_raw=False)
    values = describe(row_blocks(X))
    if values.kind != "counts":
        return real
    total, base = float(fit["target_sum"]), float(fit["base"])
    blocks = log_blocks(Expression(X, list(real.var_names), source), values, total, base)
    logged = sparse.vstack([sparse.csr_matrix(block) for block in blocks], format="csr")
    note(
        f"{file} holds counts: they are compared as log(1 + x) of {total:g} a cell, the scale that the predicted cells "
        "are written on"
    )
    out = real.copy()
    if real_layer is None:
        out.X = logged
    else:
        out.layers[real_layer] = logged
    return out
