"""Scores of perturbation models beside those of cell-eval 2: how far they agree, and what they cost.

Run: python benchmarks/yardsticks.py [--engines scanpy pdex] [--splits 5]

cell-eval 2 wants newer packages than `constraints.txt` pins, so it gets an environment of its own:

    python3.12 -m venv yardsticks
    yardsticks/bin/pip install cell-eval2==0.20.0 pdex==0.3.0
    PYTHONPATH=src yardsticks/bin/python -W ignore benchmarks/yardsticks.py

Its preset vcc2026 is taken as it is, on the processor. Two panels of counts with their target genes: drawn cells of 12
knockdowns, and Kang et al. 2018 where the example data is, where each cell type under interferon beta stands for a
perturbation of the pooled control, and the prediction is the control of the type times the mean fold change of the
other types, drawn. Values are compared perturbation by perturbation; floor and ceiling, whose draws differ, as means.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import os
import platform
import time
import warnings
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd

from scc2s import tl

CONTROL = "non-targeting"
NAMES = {
    "pds_cosine": "pds_cosine",
    "expr_mse_unbiased_capped_norm": "expr_mse_unbiased_capped_norm",
    "direction_fidelity_yield": "de_wilcoxon_direction_fidelity_yield_raw",
    "direction_reach": "de_wilcoxon_direction_reach_raw",
    "sig_jaccard": "de_wilcoxon_sig_jaccard",
    "lfc_nmae": "de_wilcoxon_lfc_nmae",
}
PANEL = "mean over perturbations"


def cells(X: np.ndarray, labels: list[str], genes: list[str]) -> ad.AnnData:
    obs = pd.DataFrame({"target": labels}, index=[f"cell{i}" for i in range(len(labels))])
    return ad.AnnData(X.astype(np.float32), obs=obs, var=pd.DataFrame(index=genes))


def drawn(n_groups: int = 12, n: int = 60, n_control: int = 200, n_genes: int = 400) -> tuple[ad.AnnData, ad.AnnData]:
    """Knockdowns of genes; the prediction knows six tenths of each effect, and adds some of its own."""
    rng = np.random.default_rng(0)
    base = rng.gamma(0.6, 1, n_genes)
    base *= 2000 / base.sum()
    genes = [f"GENE{i}" for i in range(n_genes)]
    targets = [7 * i for i in range(n_groups)]
    effects = rng.normal(0, 1, (n_groups, n_genes)) * (rng.random((n_groups, n_genes)) < 0.12)
    wrong = rng.normal(0, 0.2, (n_groups, n_genes)) * (rng.random((n_groups, n_genes)) < 0.2)
    effects[np.arange(n_groups), targets] = -3

    def draw(log_fold: np.ndarray, k: int) -> np.ndarray:
        rates = base * np.exp2(log_fold)
        depth = base.sum() / rates.sum() * rng.lognormal(0, 0.3, (k, 1))
        return rng.poisson(rates * depth * rng.gamma(3, 1 / 3, (k, n_genes)))

    labels = [CONTROL] * n_control + [genes[t] for t in targets for _ in range(n)]
    control = draw(np.zeros(n_genes), n_control)
    true = np.concatenate([control, *(draw(effect, n) for effect in effects)])
    pred = np.concatenate([control, *(draw(effect, n) for effect in 0.6 * effects + wrong)])
    return cells(pred, labels, genes), cells(true, labels, genes)


def kang() -> tuple[ad.AnnData, ad.AnnData] | None:
    """Cell types under interferon beta, from real counts; a mean shift of the other types as prediction."""
    folder = Path(os.environ.get("SCC2S_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))
    path = folder / "kang_ifnb_labelled.h5ad"
    if not path.is_file():
        return None
    rng = np.random.default_rng(0)
    adata = ad.read_h5ad(path)
    X, treated = adata.X.toarray(), (adata.obs["condition"] == "stim").to_numpy()
    kinds = adata.obs["cell_type"].astype(str).to_numpy()
    types = sorted(set(kinds))
    means = {(kind, t): X[(kinds == kind) & (treated == t)].mean(0) for kind in types for t in (False, True)}
    folds = {kind: (means[kind, True] + 0.05) / (means[kind, False] + 0.05) for kind in types}
    pred, true, labels = [X[~treated]], [X[~treated]], [CONTROL] * int((~treated).sum())
    for kind in types:
        real, before = X[(kinds == kind) & treated], X[(kinds == kind) & ~treated]
        shift = np.exp(np.mean([np.log(folds[other]) for other in types if other != kind], axis=0))
        true.append(real)
        pred.append(rng.poisson(before[rng.integers(0, len(before), len(real))] * shift))
        labels += [kind] * len(real)
    genes = adata.var_names.tolist()
    return cells(np.concatenate(pred), labels, genes), cells(np.concatenate(true), labels, genes)


def theirs(pred: ad.AnnData, true: ad.AnnData, engine: str, splits: int, named: bool) -> dict[str, object]:
    """Values, floor and ceiling of cell-eval 2, and seconds of the values."""
    import cell_eval2
    from cell_eval2.anchor import compute_replicate_anchor

    preset = cell_eval2.EvalConfig.from_preset("vcc2026")
    config = replace(preset, de=replace(preset.de, backend=engine), target_gene_map=None if named else {"*": None})
    start = time.perf_counter()
    table = cell_eval2.compute_metrics(pred, true, config=config)
    taken = time.perf_counter() - start
    whole = cell_eval2.aggregate_metrics(table)
    floor = cell_eval2.build_generic_baseline(true, config=config, allow_degenerate=True)
    found: dict[str, object] = {"each": table.to_dict(as_series=False), "seconds": taken}
    found["value"] = dict(zip(whole["metric"], whole["mean"], strict=True))
    found["floor"] = next(row for row in floor.agg.to_dicts() if row["statistic"] == "mean")
    if splits:
        _, anchor = compute_replicate_anchor(true, config=config, n_splits=splits)
        column = next(name for name in anchor.columns if name in ("mean", "value", "anchor", "replicate"))
        found["ceiling"] = dict(zip(anchor["metric"], anchor[column], strict=True))
    return found


def quietly(function, *args):
    """Without the bars and warnings of others."""
    logging.disable(logging.WARNING)
    nowhere = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stderr(nowhere), contextlib.redirect_stdout(nowhere):
        warnings.simplefilter("ignore")
        found = function(*args)
    logging.disable(logging.NOTSET)
    return found


def compare(name: str, pred: ad.AnnData, true: ad.AnnData, engines: list[str], splits: int, named: bool) -> None:
    given = {"groupby": "target", "control": CONTROL, "units": "counts", "targets": None if named else {}}
    tl.evaluate_perturbations(pred, true, n_repeats=0, n_boot=0, **given)  # compiles
    start = time.perf_counter()
    tl.evaluate_perturbations(pred, true, n_repeats=0, n_boot=0, **given)
    taken = time.perf_counter() - start
    own = tl.evaluate_perturbations(pred, true, n_repeats=splits, n_boot=0, **given)
    groups = sorted(set(true.obs["target"]) - {CONTROL})
    print(f"\n{name}: {true.n_obs} real cells, {len(groups)} perturbations, {true.n_vars} genes")
    print(f"values and both floors in {taken:.2f} s")
    for engine in engines:
        other = quietly(theirs, pred, true, engine, splits, named)
        print(f"\nbeside cell-eval2 with {engine} (values in {other['seconds']:.2f} s)")
        heads = ("value", "greatest", "of panel", "floor", "theirs", "ceiling", "theirs")
        print("score".ljust(32) + "".join(head.rjust(10) for head in heads))
        each = pd.DataFrame(other["each"]).pivot(index="perturbation", columns="metric", values="value")
        for metric, label in NAMES.items():
            rows = own[own["metric"] == metric].set_index("perturbation")
            if label in each:
                reference = each.reindex(groups)[label]
            else:  # a ratio of sums, which cell-eval 2 has for the panel alone
                parts = each.reindex(groups)[["expr_mse_unbiased_capped", "expr_distance_unbiased"]]
                reference = parts["expr_mse_unbiased_capped"] / parts["expr_distance_unbiased"].mean()
            values = rows["value"].reindex(groups)
            if (values.isna() != reference.isna()).any():
                print(f"{metric}: other perturbations have a value")
            far = (values - reference).abs().max()
            whole = rows.loc[PANEL]
            off = abs(whole["value"] - other["value"][label])
            ends = whole["floor"], other["floor"][label], whole["ceiling"], other.get("ceiling", {}).get(label, np.nan)
            numbers = f"{whole['value']:10.4f}{far:10.1e}{off:10.1e}" + "".join(f"{end:10.3f}" for end in ends)
            print(metric.ljust(32) + numbers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engines", nargs="+", default=["scanpy", "pdex"], help="tests of genes in cell-eval 2")
    parser.add_argument("--splits", type=int, default=5, help="draws for floor and ceiling; 0: no ceiling")
    args = parser.parse_args()
    packages = ", ".join(f"{name} {version(name)}" for name in ("cell-eval2", "scanpy", "numpy", "scipy"))
    print(f"Python {platform.python_version()}, {packages}")
    print("greatest: largest difference of a perturbation; of panel: difference of the mean over perturbations")
    compare("drawn knockdowns", *drawn(), args.engines, args.splits, named=True)
    if (real := kang()) is not None:
        compare("Kang, cell types under interferon beta", *real, args.engines, args.splits, named=False)


if __name__ == "__main__":
    main()
