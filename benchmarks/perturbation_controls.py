"""What a model says of a perturbation beside its floors: paired differences with intervals, as in `tl.perturb`.

Run: python benchmarks/perturbation_controls.py --data DATA [--model scc2s-mini] [--cells 40] [--genes 150]

Two data sets of the example data. IFN-beta in blood (Kang et al. 2018): control cells of donor 107, which scc2s-mini
has not read, by type; its own stimulated cells are the truth, and donor 101 serves the mean shift of the other donor.
There is one donor to judge, so intervals draw cells. Panobinostat in glioblastoma slices (Zhao et al. 2021): five
patients, each judged on its own cells, and intervals draw patients. `--cells` is the most of a type, or of a patient.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import anndata as ad
import numpy as np

import scc2s

if TYPE_CHECKING:
    import pandas as pd

SHOWN = ["delta_pearson", "delta_pearson_gain", "delta_pearson_gain_low", "delta_pearson_gain_high", "energy_distance",
         "energy_distance_gain", "energy_distance_gain_low", "energy_distance_gain_high", "program_shift"]  # fmt: skip
MT = ["MT1X", "MT2A", "MT1G", "MT1E"]


def kang(folder: Path, n_genes: int, n_cells: int) -> ad.AnnData:
    adata = prepared(ad.read_h5ad(folder / "kang_ifnb_labelled.h5ad"), n_genes)
    asked = (adata.obs["donor"] == "patient_107") & (adata.obs["condition"] == "ctrl")
    adata.obs["ask"] = np.where(some(adata, asked, "cell_type", n_cells), "IFN-beta", None)
    return adata


def glioblastoma(folder: Path, n_genes: int, n_cells: int) -> ad.AnnData:
    adata = prepared(ad.read_h5ad(folder / "gbm_panobinostat.h5ad"), n_genes)
    asked = adata.obs["condition"] == "ctrl"
    adata.obs["ask"] = np.where(some(adata, asked, "donor", n_cells), "panobinostat", None)
    return adata


def some(adata: ad.AnnData, asked: pd.Series, key: str, n_cells: int) -> np.ndarray:
    """At most so many of the cells that may be asked about, of each value of a column."""
    order = np.random.default_rng(0).permutation(np.flatnonzero(asked))
    place = adata.obs[key].iloc[order].groupby(adata.obs[key].iloc[order].astype(str)).cumcount()
    return np.isin(np.arange(adata.n_obs), order[place.to_numpy() < n_cells])


def prepared(adata: ad.AnnData, n_genes: int) -> ad.AnnData:
    scc2s.pp.sentences(adata, n_genes=n_genes)
    scc2s.pp.rank_fit(adata)
    return adata


def report(adata: ad.AnnData, key: str, **how: object) -> pd.DataFrame:
    scc2s.tl.perturb(adata, perturbation_key="ask", key_added=key, **how)
    entry = adata.uns["c2s"]["perturb"][key]
    print(f"\n{key}: {entry['verdict']}", flush=True)
    table = entry["controls"]
    shown = table.set_index(["group", "predictor"])[[name for name in SHOWN if name in table]]
    print(shown.round(3).to_string(), flush=True)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the example data")
    parser.add_argument("--model", default="scc2s-mini", help="name or folder of a model")
    parser.add_argument("--cells", type=int, default=40, help="most cells of a type, or of a patient")
    parser.add_argument("--genes", type=int, default=150, help="genes of a sentence")
    parser.add_argument("--only", choices=["kang", "glioblastoma"], help="one of the two data sets")
    parser.add_argument("--cache", type=Path, help="file that keeps answers")
    parser.add_argument("--json", type=Path, help="file for the tables")
    args = parser.parse_args()
    model = scc2s.models.load(args.model)
    tables = {}
    with tempfile.TemporaryDirectory() as folder:
        cache = args.cache or Path(folder) / "answers.sqlite"  # the second report of a data set asks nothing
        how = {"model": model, "cache": cache, "truth": {"condition": "stim"}}
        if args.only != "glioblastoma":
            adata = kang(args.data, args.genes, args.cells)
            stim = adata.obs["condition"] == "stim"
            adata.obs["state"] = np.where(
                ~stim, "ctrl", np.where(adata.obs["donor"] == "patient_107", "stim", "stim_101")
            )
            common = how | {"groupby": "cell_type", "program": "ifn", "n_control_cells": args.cells}
            tables["kang, cells"] = report(adata, "kang, intervals over cells", **common | {"truth": {"state": "stim"}})
            tables["kang, donors"] = report(adata, "kang, with the other donor", donor_key="donor", **common)
        if args.only != "kang":
            adata = glioblastoma(args.data, args.genes, args.cells)
            known = [name for name in MT if name in adata.var_names]
            truth = {"condition": next(c for c in adata.obs["condition"].unique() if c != "ctrl")}
            tables["glioblastoma"] = report(
                adata, "glioblastoma, by patient", donor_key="donor", n_control_cells=5 * args.cells,
                **how | {"truth": truth}, **({"program": known} if len(known) > 2 else {}),
            )  # fmt: skip
    if args.json:
        found = {name: json.loads(table.to_json(orient="records")) for name, table in tables.items()}
        args.json.write_text(json.dumps({"model": model.info()["weights_hash"], **found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
