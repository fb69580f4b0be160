"""Measure scc2s-mini on cells it was not trained on, and write its model card.

    python scripts/evaluate_mini.py --data DATA --model runs/mini/model            # figures.json and README.md in the model folder
    python scripts/evaluate_mini.py --data DATA --model FOLDER --part val --quick  # choices are made on the validation split

Every figure stands beside its baselines: majority class and logistic regression trained on the same cells (annotation), PCA
(embedding), control and mean shift (perturbation), shuffled genes (perplexity).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import anndata as ad
import numpy as np
import scanpy as sc
from mini_card import card
from mini_data import gene_sets, load, split_of

import scc2s
from scc2s._demo._baselines import logistic_regression, nearest_neighbors, scores, sentence_features
from scc2s.prompts._scramble import scramble

N_GENES = 200
KANG_TYPES = ["B cell", "CD14+ monocyte", "CD4 T cell", "CD8 T cell", "FCGR3A+ monocyte"]


def annotation(adata: ad.AnnData, model, test: np.ndarray) -> dict:
    """Accuracy and macro-F1 of label scoring, and of baselines trained on the training split of the same data."""
    train, true = split_of(adata) == "train", adata.obs["cell_type"].to_numpy(dtype=object)
    train &= np.isin(true, np.unique(true[test]))
    labels = sorted(np.unique(true[split_of(adata) == "train"]))
    part = adata[test].copy()
    scc2s.tl.annotate(part, labels=labels, model=model)
    sentences = adata.obs["c2s_sentence"]
    majority = np.full(test.sum(), adata.obs["cell_type"][train].mode()[0], dtype=object)
    return {
        "n": int(test.sum()),
        "n_types": len(labels),
        "scc2s-mini": scores(part.obs["c2s_cell_type"].astype(str), true[test]),
        "logistic regression, sentences": scores(
            logistic_regression(sentence_features(sentences, N_GENES), true, train, test), true[test]
        ),
        "logistic regression, all genes": scores(
            logistic_regression(adata.layers["log"], true, train, test), true[test]
        ),
        "majority class": scores(majority, true[test]),
    }


def embedding(adata: ad.AnnData, model, test: np.ndarray) -> dict:
    """kNN-15 accuracy of test cells among training cells, and among the test cells themselves (leave one out)."""
    train, true = split_of(adata) == "train", adata.obs["cell_type"].to_numpy(dtype=object)
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


def generation(model, datasets: dict[str, ad.AnnData], seed: int = 0) -> dict:
    """Free and constrained generation: share of words that are genes, of genes that are not repeats, words a cell."""
    genes = sorted({g for a in datasets.values() for g in a.var_names})
    kinds = KANG_TYPES + ["NK cell", "naive CD4 T cell", "memory CD4 T cell"]
    fields = {"organism": "Homo sapiens", "cell_type": [k for k in kinds for _ in range(8)], "n_genes": str(N_GENES)}
    out = {}
    for task in ("generate", "generate_unconditional"):
        names = scc2s.prompts.get(task).fields
        some = {name: value for name, value in fields.items() if name in names}
        some["n_genes"] = [str(N_GENES)] * (8 * len(kinds))
        prompts = scc2s.prompts.get(task).render([""] * 8 * len(kinds), some).texts
        for how in ("free", "constrained"):
            vocabulary = scc2s.models.GeneVocabulary(genes, N_GENES) if how == "constrained" else None
            texts = scc2s.models.answers(
                model, prompts, genes=vocabulary, max_new_tokens=None if vocabulary else N_GENES + 8,
                sampling=scc2s.models.Sampling(), draws=range(len(prompts)), random_state=seed, progress=False,
            )  # fmt: skip
            table = scc2s.metrics.validity(texts, genes)
            words, valid, unique = (int(table[c].sum()) for c in ("n_words", "n_valid", "n_unique"))
            out[f"{task}, {how}"] = {
                "cells": len(prompts),
                "words a cell": words / len(prompts),
                "valid": valid / words,
                "unique among valid": unique / valid,
            }
    return out


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


def prepare(adata: ad.AnnData) -> None:
    adata.layers["log"] = adata.X.copy()
    if float(adata.X.max()) > 20:
        sc.pp.normalize_total(adata, target_sum=1e4, layer="log")
        sc.pp.log1p(adata, layer="log")
    scc2s.pp.sentences(adata, n_genes=N_GENES, use_raw=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--part", default="test", choices=["val", "test"])
    parser.add_argument("--quick", action="store_true", help="annotation only")
    args = parser.parse_args()
    model = scc2s.models.load(str(args.model), device="cpu", dtype="float32")
    datasets = load(args.data)
    figures: dict = {"part": args.part, "annotation": {}, "embedding": {}, "perplexity": {}, "perturbation": {}}
    for name, adata in datasets.items():
        prepare(adata)
        parts = {name: split_of(adata) == args.part}
        if args.part == "test" and name == "kang_labelled":
            parts["kang_labelled, donor 107"] = split_of(adata) == "donor107"
        for part, test in parts.items():
            figures["annotation"][part] = annotation(adata, model, test)
            print(part, json.dumps(figures["annotation"][part]), flush=True)
            if args.quick:
                continue
            figures["embedding"][part] = embedding(adata, model, test)
            print(part, json.dumps(figures["embedding"][part]), flush=True)
            if "condition" in adata.obs:
                train = split_of(adata) == "train"
                figures["perturbation"][part] = perturbation(model, adata, test, train)
                print(part, json.dumps(figures["perturbation"][part]), flush=True)
        if not args.quick:
            test = np.flatnonzero(split_of(adata) == args.part)[:100]
            figures["perplexity"][name] = perplexity(model, adata, np.isin(np.arange(adata.n_obs), test))
    if args.quick:
        return
    figures["generation"] = generation(model, datasets)
    figures["gene set names"] = set_names(model, datasets)
    figures["model"] = {k: str(v) for k, v in model.info().items() if k != "id"}
    (args.model / "figures.json").write_text(json.dumps(figures, indent=2) + "\n")
    config = json.loads((args.model / "config.json").read_text())
    about = {
        "layers": config["num_hidden_layers"],
        "width": config["hidden_size"],
        "heads": config["num_attention_heads"],
        "context": config["max_position_embeddings"],
        "parameters": f"{model.info()['n_parameters']:,}",
        "genes": f"{len({g for a in datasets.values() for g in a.var_names}):,}",
    }
    (args.model / "README.md").write_text(card(figures, about))
    print(json.dumps({k: figures[k] for k in ("generation", "perplexity", "gene set names")}))


if __name__ == "__main__":
    main()
