import numpy as np
import scanpy as sc
import scc2s

rng = np.random.default_rng(0)
adata = sc.datasets.pbmc68k_reduced()  # blood has no places: these are made up, by type
kind = adata.obs["bulk_labels"].cat.codes.to_numpy()
adata.obsm["spatial"] = np.column_stack([60.0 * kind, np.zeros(700)]) + rng.normal(0, [40, 200], (700, 2))
sc.pp.c2s_neighborhoods(adata, radius=30, unit="um", spatial_unit="um", n_contexts=20, n_cells=4)
sc.pl.c2s_neighborhood(adata, color="bulk_labels")
