import scanpy as sc
import scc2s

cells = sc.datasets.pbmc68k_reduced()
known, adata = cells[::2].copy(), cells[1::2].copy()
sc.tl.c2s_transfer_labels(adata, known, label_key="bulk_labels")
sc.tl.c2s_compare_labels(adata, "c2s_transfer_label", "bulk_labels", n_boot=0)
sc.pl.c2s_confusion(adata)
