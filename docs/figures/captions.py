import scanpy as sc
import scc2s

adata = sc.datasets.pbmc68k_reduced()
sc.pp.c2s_sentences(adata)
sc.tl.c2s_caption(adata, groupby="louvain")
sc.pl.c2s_captions(adata)
