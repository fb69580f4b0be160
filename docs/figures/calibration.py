import scanpy as sc
import scc2s

cells = sc.datasets.pbmc68k_reduced()
known, adata = cells[::2].copy(), cells[1::2].copy()
sc.tl.c2s_transfer_labels(adata, known, label_key="bulk_labels")
sc.pl.c2s_calibration(adata, "bulk_labels", key="c2s_transfer_label")
