import scanpy as sc
import scc2s

adata = sc.datasets.pbmc68k_reduced()[::4].copy()
sc.pp.c2s_sentences(adata, n_genes=50)
sc.tl.c2s_annotate(adata, labels=["B cell", "T cell", "NK cell", "monocyte", "dendritic cell"], controls=False)
sc.pl.c2s_labels(adata, "bulk_labels")
