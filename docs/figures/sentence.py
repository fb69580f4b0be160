import scanpy as sc
import scc2s

adata = sc.datasets.pbmc68k_reduced()
sc.pp.c2s_sentences(adata)
sc.pl.c2s_sentence(adata, adata.obs_names[0], n_genes=40)
