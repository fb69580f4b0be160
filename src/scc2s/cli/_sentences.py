from __future__ import annotations

from typing import TYPE_CHECKING

from . import _options as o
from ._run import Result, run

if TYPE_CHECKING:
    from anndata import AnnData


def sentences(
    source: o.Source,
    target: o.Target,
    n_genes: o.NGenes = 200,
    layer: o.Layer = None,
    as_json: o.Json = False,
) -> None:
    """Write a cell sentence for each cell."""
    from scc2s import pp

    def work(adata: AnnData) -> Result:
        pp.sentences(adata, n_genes=n_genes, layer=layer)
        return Result({"n_genes": n_genes, "n_empty": int((adata.obs["c2s_n_genes"] == 0).sum())})

    run("sentences", source, target, work, as_json)
