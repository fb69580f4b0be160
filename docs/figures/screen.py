import scanpy as sc
import scc2s

adata = sc.datasets.pbmc68k_reduced()
sc.pp.c2s_sentences(adata, n_genes=40)
sc.pp.c2s_rank_fit(adata)
sc.tl.c2s_screen(
    adata,
    ["IFN-beta", "IFN-gamma", "TNF", "vehicle"],
    program="ifn",
    context_key="bulk_labels",
    positive="CD14+ Monocyte",
    neutral="CD19+ B",
    n_cells=5,
    n_null=2,  # small enough for this page; the default is what a screen needs
)
sc.pl.c2s_screen(adata)
