import scanpy as sc
import scc2s

adata = sc.datasets.pbmc68k_reduced()
sc.pp.c2s_rank_fit(adata)
sc.pl.c2s_rank_fit(adata)
