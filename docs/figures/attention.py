import scanpy as sc
import scc2s

adata = sc.datasets.pbmc68k_reduced()[:1].copy()
sc.pp.c2s_sentences(adata)
sc.tl.c2s_attention(adata)
sc.pl.c2s_attention(adata)
