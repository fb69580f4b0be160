import scanpy as sc
import scc2s

cells = sc.datasets.pbmc68k_reduced()
adata = cells[cells.obs["bulk_labels"].isin(["CD14+ Monocyte", "CD19+ B", "Dendritic"])][:30].copy()
sc.pp.c2s_sentences(adata, n_genes=40)
sc.pp.c2s_rank_fit(adata)
sc.tl.c2s_perturb(adata, "IFN-beta", program="ifn", groupby="bulk_labels")
sc.pl.c2s_perturbation(adata)
