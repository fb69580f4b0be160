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
from mini_data import load, split_of

import scc2s
from scc2s._demo._baselines import logistic_regression, nearest_neighbors, scores, sentence_features

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


def sample(model, prompts: list[str], *, n_genes: int, seed: int, batch: int = 32) -> list[str]:
    """Free sampling at temperature 1: no constraint, the model may end early or write anything."""
    import torch

    lm, tokenizer, out = model._decoder.lm, model.tokenizer, []
    tokenizer.padding_side = "left"
    with torch.random.fork_rng(), torch.inference_mode():
        torch.manual_seed(seed)
        for start in range(0, len(prompts), batch):
            inputs = tokenizer(prompts[start : start + batch], return_tensors="pt", padding=True)
            ids = lm.generate(
                inputs["input_ids"], attention_mask=inputs["attention_mask"], do_sample=True, top_k=0,
                max_new_tokens=n_genes + 8, pad_token_id=tokenizer.pad_token_id,
            )  # fmt: skip
            out += tokenizer.batch_decode(ids[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    return out


def generation(model, datasets: dict[str, ad.AnnData], seed: int = 0) -> dict:
    """Free generation: share of words that are genes, and share of genes that are not repeats."""
    genes = sorted({g for a in datasets.values() for g in a.var_names})
    out = {}
    for task in ("generate", "generate_unconditional"):
        kinds = KANG_TYPES + ["NK cell", "naive CD4 T cell", "memory CD4 T cell"]
        fields = {"organism": "Homo sapiens", "cell_type": [k for k in kinds for _ in range(8)]}
        text = " ".join(["G"] * N_GENES)  # only its length enters the prompt
        prompts = scc2s.prompts.get(task).render([text] * 8 * len(kinds), fields).texts
        parsed = scc2s.sentences.parse(sample(model, prompts, n_genes=N_GENES, seed=seed), genes)
        words, valid, unique = parsed.n_words.sum(), parsed.n_valid.sum(), parsed.n_unique.sum()
        out[task] = {
            "cells": len(prompts),
            "words a cell": float(words / len(prompts)),
            "valid": float(valid / words),
            "unique among valid": float(unique / valid),
        }
    return out


def perplexity(model, adata: ad.AnnData, test: np.ndarray, seed: int = 0) -> dict:
    """Perplexity per token of held-out sentences, of the same genes in random order, and of a unigram model."""
    rng = np.random.default_rng(seed)
    sentences = adata.obs["c2s_sentence"][test].tolist()
    shuffled = [" ".join(rng.permutation(s.split())) for s in sentences]
    return {
        "cells": len(sentences),
        "as they are": _perplexity(model, sentences),
        "shuffled": _perplexity(model, shuffled),
    }


def _perplexity(model, sentences: list[str]) -> float:
    task = scc2s.prompts.get("generate_unconditional")
    total, tokens = 0.0, 0
    for prompt, sentence in zip(task.render(sentences, {"organism": "Homo sapiens"}).texts, sentences, strict=True):
        scored = model.score([prompt], [f" {sentence}"], progress=False)
        total, tokens = total + scored.logprob.sum(), tokens + scored.n_tokens.sum()
    return float(np.exp(-total / tokens))


def perturbation(
    model, adata: ad.AnnData, test: np.ndarray, train: np.ndarray, *, seed: int = 0, most: int = 60
) -> dict:
    """Effect of IFN-beta predicted from held-out control cells: correlation of mean shifts over genes (delta Pearson)."""
    names, log = list(adata.var_names), adata.layers["log"]
    fit = scc2s.sentences.RankFit.fit(log)
    rng = np.random.default_rng(seed)
    control, kind = (adata.obs["condition"] == "ctrl").to_numpy(), adata.obs["cell_type"].to_numpy(dtype=object)

    def mean(rows: np.ndarray) -> np.ndarray:
        return np.asarray(log[rows].mean(axis=0)).ravel()

    shift = {t: mean(train & ~control & (kind == t)) - mean(train & control & (kind == t)) for t in np.unique(kind)
             if min((train & control & (kind == t)).sum(), (train & ~control & (kind == t)).sum()) >= 5}  # fmt: skip
    out = {}
    for t in shift:
        here, there = np.flatnonzero(test & control & (kind == t)), test & ~control & (kind == t)
        if min(len(here), there.sum()) < 10:
            continue
        here = rng.permutation(here)[:most]
        sentences = adata.obs["c2s_sentence"].iloc[here].tolist()
        fields = {"organism": "Homo sapiens", "perturbation": "IFN-beta"}
        prompts = scc2s.prompts.get("perturb").render(sentences, fields).texts
        parsed = scc2s.sentences.parse(sample(model, prompts, n_genes=N_GENES, seed=seed), names)
        shown = scc2s.sentences.parse(sentences, names)  # both sides through the same rank-to-expression line
        predicted = expression_of(parsed.ranks, fit, len(names)) - expression_of(shown.ranks, fit, len(names))
        true, base = mean(there) - mean(here), mean(here)
        others = np.mean([s for k, s in shift.items() if k != t], axis=0)
        top = np.argsort(-np.abs(shift[t]))[:50]  # genes chosen on training cells
        row = {"n control": len(here), "n stimulated": int(there.sum())}
        for name, delta in (
            ("scc2s-mini", predicted),
            ("mean shift, same type", shift[t]),
            ("mean shift, other types", others),
        ):
            row[name] = {"all genes": _pearson(delta, true), "top 50": _pearson(delta[top], true[top])}
        row["profile Pearson, control as prediction"] = _pearson(base, mean(there))
        out[t] = row
    return out


def expression_of(ranks: np.ndarray, fit: scc2s.sentences.RankFit, n_genes: int) -> np.ndarray:
    total = np.zeros(n_genes)
    for row in ranks:
        genes = row[row >= 0]
        total[genes] += fit.predict(np.arange(1, len(genes) + 1))
    return total / len(ranks)


def _pearson(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a, b)[0, 1])


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
    print(json.dumps({k: figures[k] for k in ("generation", "perplexity")}))


if __name__ == "__main__":
    main()
