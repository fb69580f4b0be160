import scanpy as sc
import scc2s

adata = sc.datasets.pbmc68k_reduced()
sc.pp.c2s_sentences(adata, n_genes=30)
sc.pp.c2s_rank_fit(adata)
constrained = sc.tl.c2s_generate(adata, 10)
free = sc.tl.c2s_generate(adata, 10, constrain=False)
sc.pl.c2s_validity({"constrained": constrained, "free": free})
