"""Folders of sentences in the form that cell2sentence 1.2.0 and helical 2.2.0 leave, made without either."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import anndata as ad

LINE = {"slope": -0.5, "intercept": 1.5, "r_squared": 0.99}


def write_folder(path: Path, columns: Mapping[str, Any], *, parts: int = 1) -> Path:
    """What ``datasets.Dataset.save_to_disk`` writes, in `parts` files."""
    path.mkdir(parents=True)
    table = pa.table(dict(columns))
    names = [f"data-{i:05d}-of-{parts:05d}.arrow" for i in range(parts)]
    bounds = np.linspace(0, table.num_rows, parts + 1).astype(int)
    for name, start, stop in zip(names, bounds[:-1], bounds[1:], strict=True):
        with pa.OSFile(str(path / name), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
            writer.write_table(table.slice(start, stop - start))
    state = {"_data_files": [{"filename": name} for name in names], "_fingerprint": "0", "_split": None}
    (path / "state.json").write_text(json.dumps(state), encoding="utf-8")
    (path / "dataset_info.json").write_text(json.dumps({"citation": "", "description": ""}), encoding="utf-8")
    return path


def in_random_order(adata: ad.AnnData, *, upper: bool, seed: int = 42) -> list[str]:
    """Sentences of all expressed genes, those of one value in an order drawn from one generator for all cells."""
    rng = np.random.default_rng(seed)
    names = np.array([name.upper() if upper else name for name in adata.var_names], dtype=object)
    rows = sparse.csr_matrix(adata.X)
    texts = []
    for i in range(adata.n_obs):
        row = rows[i]
        order = rng.permutation(row.nnz)
        order = order[np.argsort(-row.data[order], kind="stable")]
        texts.append(" ".join(names[row.indices[order]]))
    return texts


def like_cell2sentence(adata: ad.AnnData, path: Path, labels: tuple[str, ...] = ()) -> Path:
    """A folder as ``CSData.csdata_from_arrow`` leaves it."""
    columns = {"cell_name": adata.obs_names.tolist(), "cell_sentence": in_random_order(adata, upper=True)}
    return write_folder(path, columns | {label: adata.obs[label].astype(str).tolist() for label in labels})


def like_helical(adata: ad.AnnData, path: Path, organism: str = "unknown") -> Path:
    """A folder as ``save_to_disk`` leaves it for what ``Cell2Sen.process_data`` gives."""
    n = adata.n_obs
    return write_folder(
        path,
        {
            "cell_sentence": in_random_order(adata, upper=False),
            "fit_parameters": [LINE] * n,
            "organism": [organism] * n,
            "perturbations": pa.nulls(n),
        },
    )
