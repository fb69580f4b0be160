"""Measure scc2s-mini on cells it was not trained on, and write its model card.

    python scripts/evaluate_mini.py --data DATA --model runs/mini/model            # figures.json and README.md in the model folder
    python scripts/evaluate_mini.py --data DATA --model FOLDER --part val --quick  # choices are made on the validation split;
                                                              # --declare: scc2s.json declares the types that are found there

Every figure stands beside its baselines: the most frequent type, marker genes and logistic regression (annotation), PCA (embedding),
the marginal-rank sampler and thinned real cells (generation), control and mean shift (perturbation), shuffled genes (perplexity).
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import warnings
from pathlib import Path

import anndata as ad
import mini_labels
import numpy as np
import pandas as pd
import scanpy as sc
from mini_card import card
from mini_data import gene_sets, load, split_of
from mini_types import TYPES

import scc2s
from scc2s._demo._baselines import nearest_neighbors, scores
from scc2s.prompts._scramble import scramble

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))
import caption_grounding
import generated_cells

N_GENES = 200


def embedding(adata: ad.AnnData, model, test: np.ndarray) -> dict:
    """kNN-15 accuracy of test cells among training cells, and among the test cells themselves (leave one out)."""
    train, true = (adata.obs["part"] == "train").to_numpy(), adata.obs["cell_type"].to_numpy(dtype=object)
    scc2s.tl.embed(adata, model=model)
    sc.pp.pca(adata, n_comps=50, layer="log", mask_var=None)
    out = {}
    for name, key in (("scc2s-mini", "X_c2s"), ("PCA-50", "X_pca")):
        X = adata.obsm[key]
        out[name] = scores(nearest_neighbors(X, true, train, test), true[test])
        out[name]["among test cells"] = leave_one_out(X[test], true[test])
    return out


def leave_one_out(X: np.ndarray, y: np.ndarray, k: int = 15) -> float:
    from sklearn.neighbors import NearestNeighbors

    near = NearestNeighbors(n_neighbors=k).fit(X).kneighbors(return_distance=False)
    votes = [max(sorted(set(y[i])), key=list(y[i]).count) for i in near]
    return float(np.mean(np.array(votes, dtype=object) == y))


def perplexity(model, adata: ad.AnnData, test: np.ndarray, seed: int = 0) -> dict:
    """Perplexity per gene of held-out sentences, and of the same genes in random order."""
    rng = np.random.default_rng(seed)
    sentences = adata.obs["c2s_sentence"][test].tolist()
    shuffled = [" ".join(rng.permutation(s.split())) for s in sentences]
    n_genes = [str(len(s.split())) for s in sentences]
    prompts = scc2s.prompts.get("generate_unconditional").render(
        [""] * len(sentences), {"organism": "Homo sapiens", "n_genes": n_genes}
    ).texts  # fmt: skip

    def of(texts: list[str]) -> float:
        scores = model.log_likelihood(prompts, [f" {text}" for text in texts], progress=False)
        return float(scc2s.metrics.perplexity(scores.logprob.sum(), sum(map(int, n_genes))))

    return {"cells": len(sentences), "as they are": of(sentences), "shuffled": of(shuffled)}


def perturbation(model, adata: ad.AnnData, test: np.ndarray, train: np.ndarray, *, most: int = 100) -> list[dict]:
    """IFN-beta asked about held-out control cells, beside its controls, floors and ceiling: rows by cell type.

    All sides are sentences put through one line. The mean shift of the same type comes from training cells.
    """
    scc2s.pp.rank_fit(adata, use_raw=False)
    scc2s.pp.reconstruct(adata)
    R = adata.layers["c2s_reconstructed"]
    kind = adata.obs["cell_type"].to_numpy(dtype=object)
    control = (adata.obs["condition"] == "ctrl").to_numpy()
    kinds = [
        k
        for k in sorted(set(kind))
        if min((test & control & (kind == k)).sum(), (test & ~control & (kind == k)).sum()) >= 10
    ]
    rng = np.random.default_rng(0)
    here = np.concatenate([rng.permutation(np.flatnonzero(test & control & (kind == k)))[:most] for k in kinds])
    there = np.flatnonzero(test & ~control & np.isin(kind, kinds))

    def mean(rows: np.ndarray) -> np.ndarray:
        return np.asarray(R[rows].mean(axis=0)).ravel()

    shifts = {k: mean(train & ~control & (kind == k)) - mean(train & control & (kind == k)) for k in kinds}
    same = R[here].toarray() + np.array([shifts[k] for k in kind[here]])
    asked = {}
    for name in ("IFN-beta", scc2s.prompts.NO_PERTURBATION, scramble("IFN-beta")):
        cells = adata[here].copy()
        scc2s.tl.perturb(cells, name, model=model, controls=False)
        asked[name] = cells.layers["c2s_perturbed"]
    predicted, unperturbed, scrambled = asked.values()
    program = scc2s.programs.match(scc2s.programs.get("ifn"), list(adata.var_names)).columns
    table = scc2s.metrics.perturbation_report(
        predicted, R[there], R[here], pred_groups=kind[here], true_groups=kind[there], control_groups=kind[here],
        others={
            "mean shift of the same type (training cells)": (same, kind[here]),
            "unperturbed regeneration": (unperturbed, kind[here]),
            "scrambled name": (scrambled, kind[here]),
        },
        program=program,
    )  # fmt: skip
    return json.loads(table.to_json(orient="records"))


def set_names(model, datasets: dict[str, ad.AnnData]) -> dict:
    """Names given to marker genes of the held-out cells of each type, right where the type is named."""
    right, n, by_chance = 0, 0, 0.0
    for adata in datasets.values():
        sets = [(name, genes) for name, genes in gene_sets(adata, "test", copies=3, seed=1) if "markers" in name]
        task = scc2s.prompts.get("name_genes")
        prompts = task.render([" ".join(genes) for _, genes in sets], {"organism": "Homo sapiens"}).texts
        said = [task.answer(text) for text in model.generate(prompts, max_new_tokens=16, progress=False)]
        right += sum(a == name for a, (name, _) in zip(said, sets, strict=True))
        n += len(sets)
        by_chance += len(sets) / len({name for name, _ in sets})
    return {"sets": n, "right": right / n, "chance within the data set": by_chance / n}


def cells(model, folder: Path, part: str, n: int, temperatures: list[float]) -> list[dict]:
    """Generated cells of pbmc3k beside the marginal-rank sampler, thinned and real cells, at some temperatures."""
    adata = generated_cells.read(folder, 6, N_GENES)
    out = []
    for temperature in temperatures:
        new = generated_cells.write(adata, model, n, N_GENES, temperature, constrain=True)
        free = generated_cells.write(adata, model, 8, N_GENES, temperature, constrain=False).uns["c2s"]["generate"][
            "params"
        ]
        table = generated_cells.scores(new, adata, part)
        out.append({"temperature": temperature, "cells a type": n, "free": {k: free[k] for k in ("share_valid", "share_unique")},
                    "rows": json.loads(table.to_json(orient="index"))})  # fmt: skip
        print(json.dumps(out[-1]), flush=True)
    return out


def captions(model, folder: Path) -> dict[str, dict]:
    """Captions of groups against their labels: right and wrong ones, and how many of each are flagged."""
    rows = []
    for name in (*caption_grounding.BLOOD, *caption_grounding.TISSUES):
        adata = caption_grounding.load(name, folder)
        where = "tissues" if name in caption_grounding.TISSUES else "blood"
        rows += [
            caption_grounding.said(adata, by, model).assign(source=f"{where}, groups are {by}")
            for by in ("type", "leiden")
        ]
    table = pd.concat(rows, ignore_index=True)
    return {source: caption_grounding.counts(part, source, "") for source, part in table.groupby("source")}


def declare(folder: Path, recall: dict[str, dict]) -> None:
    """Types of which at least half of five or more cells are found, into scc2s.json."""
    path = folder / "scc2s.json"
    found = [kind for kind in TYPES if kind in recall and recall[kind]["cells"] >= 5 and recall[kind]["recall"] >= 0.5]
    path.write_text(json.dumps(json.loads(path.read_text()) | {"labels": found}, indent=1) + "\n")
    print("declared:", ", ".join(found), "; not:", ", ".join(kind for kind in TYPES if kind not in found), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--part", default="test", choices=["val", "test"])
    parser.add_argument("--quick", action="store_true", help="annotation only")
    parser.add_argument("--declare", action="store_true", help="with --quick: declare the types that are found")
    parser.add_argument("--temperature", type=float, nargs="+", default=[1.0], help="of generated cells")
    parser.add_argument("--cells", type=int, default=40, help="generated cells a type")
    args = parser.parse_args()
    logging.getLogger("scc2s").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    model = scc2s.models.load(str(args.model), device="cpu", dtype="float32")
    datasets = {s.name: mini_labels.opened(s) for s in mini_labels.held_out(args.data)}
    figures: dict = {"part": args.part, "annotation": {}, "embedding": {}, "perplexity": {}, "perturbation": {}}
    pairs: dict[str, list] = {}

    def show(name: str, found) -> None:
        print(name, json.dumps(found), flush=True)

    for name, adata in datasets.items():
        foreign = name == "pbmc_citeseq"
        parts = {name: "test" if foreign else args.part}
        if args.part == "test" and name == "kang_labelled":
            parts["kang_labelled, donor 107"] = "donor107"
        for title, part in parts.items():
            train = datasets["pbmc3k"] if foreign else None
            figures["annotation"][title], pairs[title] = mini_labels.annotation(adata, model, part, train)
            show(title, figures["annotation"][title])
            if args.quick or foreign:
                continue
            test = (adata.obs["part"] == part).to_numpy()
            figures["embedding"][title] = embedding(adata, model, test)
            show(title, figures["embedding"][title])
    figures["recall"] = mini_labels.recalls(pairs)
    show("recall", figures["recall"])
    figures["own wording"] = {
        title: mini_labels.own_wording(datasets[name], model, args.part, words)
        for title, (name, words) in mini_labels.OWN.items()
    }
    show("own wording", figures["own wording"])
    figures["unknown types"] = mini_labels.strangers(datasets, args.data, model, args.part)
    show("unknown types", figures["unknown types"])
    if args.quick:
        if args.declare:
            declare(args.model, figures["recall"])
        return
    for name, adata in load(args.data).items():
        adata.obs["part"] = split_of(adata)
        scc2s.pp.sentences(adata, n_genes=N_GENES, use_raw=False)
        first = np.flatnonzero(adata.obs["part"] == args.part)[:100]
        figures["perplexity"][name] = perplexity(model, adata, np.isin(np.arange(adata.n_obs), first))
        if "condition" not in adata.obs:
            continue
        for part in (args.part, "donor107") if name == "kang_labelled" else (args.part,):
            title = f"{name}, donor 107" if part == "donor107" else name
            test, train = ((adata.obs["part"] == p).to_numpy() for p in (part, "train"))
            figures["perturbation"][title] = perturbation(model, adata, test, train)
            show(title, figures["perturbation"][title])
    figures["generation"] = cells(model, args.data, args.part, args.cells, args.temperature)
    datasets = load(args.data)
    figures["gene set names"] = set_names(model, datasets)
    figures["captions"] = captions(model, args.data)
    show("captions", figures["captions"])
    figures["model"] = {k: str(v) for k, v in model.info().items() if k != "id"}
    (args.model / "figures.json").write_text(json.dumps(figures, indent=2) + "\n")
    (args.model / "README.md").write_text(card(figures, args.model))


if __name__ == "__main__":
    main()
