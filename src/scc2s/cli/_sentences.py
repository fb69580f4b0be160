from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from . import _options as o
from ._run import Result, run

if TYPE_CHECKING:
    from anndata import AnnData


def sentences(
    source: o.Source,
    target: o.Target,
    n_genes: o.NGenes = 200,
    layer: o.Layer = None,
    use_raw: Annotated[
        bool | None, typer.Option("--use-raw/--no-raw", help="Take the expression from .raw; default: where it is set.")
    ] = None,
    gene_symbols: Annotated[str | None, typer.Option(help="Column of var; default: the names of the genes.")] = None,
    upper: Annotated[bool, typer.Option("--upper", help="Write genes in capitals.")] = False,
    on_duplicate: Annotated[str, typer.Option(help="Genes of one name: error, max or sum.")] = "error",
    organism: o.Organism = None,
    mod: o.Mod = None,
    as_json: o.Json = False,
) -> None:
    """Write a cell sentence for each cell."""

    def work(adata: AnnData) -> Result:
        from scc2s import pp

        pp.sentences(
            adata,
            n_genes=n_genes,
            layer=layer,
            use_raw=use_raw,
            gene_symbols=gene_symbols,
            upper=upper,
            on_duplicate=on_duplicate,  # type: ignore[arg-type]  # checked by sentences
            organism=organism,
        )
        return Result({"n_genes": n_genes, "n_empty": int((adata.obs["c2s_n_genes"] == 0).sum())})

    run("sentences", source, target, work, as_json, mod=mod)
