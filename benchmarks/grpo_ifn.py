"""GRPO of scc2s-mini for the interferon program: the reward on donor 101, and what is not the reward on donor 107.

Run: python benchmarks/grpo_ifn.py --data DATA --out runs/grpo_ifn [--seeds 3] [--steps 60] [--genes 150] [--energy 2]

Kang et al. 2018, IFN-beta in blood (`kang_ifnb_labelled.h5ad`). Prompts are control cells of donor 101 (training split
of scc2s-mini), each with a stimulated cell of the same type and donor as truth. Rewards are `program_tau` and
`program_delta` over the interferon program and, unless `--energy 0`, `embedding_energy` in the embedding of the model
that training starts from, over the answers to cells of a type: by the first two alone the program comes to move further
than it does in real cells. Judged are control cells of donor 107, which no model has read: answers to IFN-beta against
its own stimulated cells, by the correlation of shifts over all genes and the energy distance of expression
(`metrics.perturbation_report`, mean over cell types), validity, and diversity of four answers to one cell. "SFT" is
scc2s-mini as it ships. Each seed trains anew, draws its own pairs and is judged with its own draws; intervals are those
of Student over seeds, of the paired difference in the last column. Beside them stands what needs no model.

A stopped run goes on: finished seeds are read from `--out`, one that was cut goes on from its last checkpoint.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd

import scc2s
from scc2s.models import GeneVocabulary, Sampling, answers
from scc2s.train import grpo, rewards
from scc2s.train._collapse import diversity

PROGRAM = "ifn"
DRAWS = 4
ASKED = 256
"""Prompts by which the reward is measured, before and after."""
REAL = 64
"""Stimulated cells of a type that answers are held against as a set."""


def read(folder: Path, n_genes: int) -> ad.AnnData:
    adata = ad.read_h5ad(folder / "kang_ifnb_labelled.h5ad")
    adata.var_names = adata.var_names.str.replace(r"_ENSG\d+$", "", regex=True)
    adata.obs["part"] = scc2s.train.split(adata.obs_names)
    scc2s.pp.sentences(adata, n_genes=n_genes, use_raw=False)
    scc2s.pp.rank_fit(adata, use_raw=False)
    scc2s.pp.reconstruct(adata)
    return adata


def prompts(adata: ad.AnnData, n: int, seed: int) -> pd.DataFrame:
    """Control cells of donor 101, stimulated cells of the same type as truth; as many as asked for."""
    own = (adata.obs["donor"] == "patient_101") & (adata.obs["part"] == "train")
    cells = adata[own.to_numpy()]
    pairs = scc2s.pp.pairs(cells, key="condition", control="ctrl", match=["cell_type"], random_state=seed)
    pairs = pairs.sample(min(n, len(pairs)), random_state=seed)
    text, kind = cells.obs["c2s_sentence"].astype(str), cells.obs["cell_type"].astype(str)
    control, truth = text.loc[pairs["control"]].tolist(), text.loc[pairs["perturbed"]].tolist()
    there = cells.obs["condition"] != "ctrl"
    real = {k: some.sample(min(REAL, len(some)), random_state=seed).tolist() for k, some in text[there].groupby(kind)}
    kinds = kind.loc[pairs["control"]].tolist()
    return pd.DataFrame({
        "prompt": asked(control), "control": control, "truth": truth, "cell_type": kinds,
        "real": [real[k] for k in kinds],
    })  # fmt: skip


def asked(sentences: list[str]) -> list[str]:
    fields = {"organism": "Homo sapiens", "perturbation": ["IFN-beta"] * len(sentences),
              "n_genes": [str(len(text.split())) for text in sentences]}  # fmt: skip
    return scc2s.prompts.get("perturb").render(sentences, fields).texts


def reward_of(model, table: pd.DataFrame, genes: GeneVocabulary, seed: int) -> dict[str, float]:
    """Mean rewards of fresh draws on these prompts."""
    some = table.head(ASKED)
    written = answers(
        model, some["prompt"].tolist(), genes=genes, sampling=Sampling(1.0), random_state=seed, progress=False
    )
    columns = {name: some[name].tolist() for name in ("control", "truth")}
    return {
        one.name: float(np.mean(one(some["prompt"].tolist(), written, **columns)))
        for one in (rewards.program_tau(PROGRAM), rewards.program_delta(PROGRAM))
    }


def asked_about(adata: ad.AnnData, most: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Control cells of donor 107, `most` of each type, and all stimulated ones of these types."""
    rng = np.random.default_rng(seed)
    kind = adata.obs["cell_type"].to_numpy(dtype=object)
    there = (adata.obs["donor"] == "patient_107").to_numpy()
    control = (adata.obs["condition"] == "ctrl").to_numpy()
    kinds = [k for k in sorted(set(kind)) if min(np.bincount(control[there & (kind == k)], minlength=2)) >= 10]
    here = np.concatenate([rng.permutation(np.flatnonzero(there & control & (kind == k)))[:most] for k in kinds])
    return here, np.flatnonzero(there & ~control & np.isin(kind, kinds))


def report(adata: ad.AnnData, here: np.ndarray, real: np.ndarray, predicted: np.ndarray, seed: int) -> pd.DataFrame:
    """Figures by type of a prediction, and of what stands beside it."""
    R, kind = adata.layers["c2s_reconstructed"], adata.obs["cell_type"].to_numpy(dtype=object)
    program = scc2s.programs.match(scc2s.programs.get(PROGRAM), list(adata.var_names)).columns
    return scc2s.metrics.perturbation_report(
        predicted, R[real], R[here], pred_groups=kind[here], true_groups=kind[real], control_groups=kind[here],
        program=program, random_state=seed,
    )  # fmt: skip


def beside(adata: ad.AnnData, most: int, seed: int) -> dict[str, dict[str, float]]:
    """What needs no model: donor 101's mean shift of the type added to each cell, its stimulated cells drawn at random,
    and one half of donor 107's own against the other."""
    here, real = asked_about(adata, most, seed)
    R, kind = adata.layers["c2s_reconstructed"].toarray(), adata.obs["cell_type"].to_numpy(dtype=object)
    own = ((adata.obs["donor"] == "patient_101") & (adata.obs["part"] == "train")).to_numpy()
    control = (adata.obs["condition"] == "ctrl").to_numpy()
    rng = np.random.default_rng(seed)
    shifted, drawn = R[here].copy(), R[here].copy()
    for k in set(kind[here]):
        rows, there = kind[here] == k, np.flatnonzero(own & ~control & (kind == k))
        shifted[rows] += R[there].mean(axis=0) - R[own & control & (kind == k)].mean(axis=0)
        drawn[rows] = R[rng.choice(there, rows.sum())]
    first, second = report(adata, here, real, shifted, seed), report(adata, here, real, drawn, seed)
    rows = {
        "mean shift of donor 101": first[first["predictor"] == "prediction"],
        "stimulated cells of donor 101": second[second["predictor"] == "prediction"],
        "half of donor 107's stimulated cells": first[first["predictor"] == "real cells, split half"],
        "control cells": first[first["predictor"] == "control"],
    }
    return {
        name: {"delta correlation, all genes": float(table["delta_pearson"].mean()),
               "energy distance": float(table["energy_distance"].mean())}
        for name, table in rows.items()
    }  # fmt: skip


def judge(model, adata: ad.AnnData, genes: GeneVocabulary, most: int, seed: int) -> dict[str, float]:
    """What is not the reward, on donor 107."""
    here, real = asked_about(adata, most, seed)
    kind = adata.obs["cell_type"].to_numpy(dtype=object)
    cells = adata[here].copy()
    scc2s.tl.perturb(cells, "IFN-beta", model=model, controls=False, random_state=seed)
    table = report(adata, here, real, cells.layers["c2s_perturbed"], seed)
    own = table[table["predictor"] == "prediction"]
    few = [row for k in dict.fromkeys(kind[here]) for row in here[kind[here] == k][:4]]
    texts = asked(adata.obs["c2s_sentence"].astype(str).iloc[few].tolist())
    written = answers(
        model, [text for text in texts for _ in range(DRAWS)], genes=genes, sampling=Sampling(1.0), random_state=seed,
        draws=list(range(DRAWS)) * len(texts), progress=False,
    )  # fmt: skip
    free = answers(
        model, texts[:8], max_new_tokens=2 * int(genes.lengths(1)[0]), sampling=Sampling(1.0), random_state=seed,
        progress=False,
    )  # fmt: skip
    figures = diversity(written, DRAWS)
    return {
        "delta correlation, all genes": float(own["delta_pearson"].mean()),
        "energy distance": float(own["energy_distance"].mean()),
        "program shift / true": float((own["program_shift"] / own["true_program_shift"]).mean()),
        "distinct genes of 4 answers": figures["distinct_genes"],
        "validity, free": float(scc2s.metrics.validity(free, genes.names)["valid"].mean()),
    }


def interval(values: list[float]) -> str:
    from scipy.stats import t

    x = np.array(values)
    if len(x) < 2:
        return f"{x.mean():.4f} (one seed)"
    half = t.ppf(0.975, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x))
    return f"{x.mean():.4f} [{x.mean() - half:.4f}, {x.mean() + half:.4f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the example data")
    parser.add_argument("--out", type=Path, required=True, help="folder of runs and figures")
    parser.add_argument("--model", default="scc2s-mini")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--genes", type=int, default=150, help="genes of a sentence")
    parser.add_argument("--prompts", type=int, default=400)
    parser.add_argument("--cells", type=int, default=40, help="control cells a type that are judged")
    parser.add_argument("--group-size", type=int, default=8)
    parser.add_argument("--prompts-per-step", type=int, default=4)
    parser.add_argument("--learning-rate", type=float, default=2e-5)
    parser.add_argument("--beta", type=float, default=0.03)
    parser.add_argument("--energy", type=float, default=2.0, help="weight of the energy distance; 0: the program alone")
    args = parser.parse_args()
    adata = read(args.data, args.genes)
    genes = GeneVocabulary([name for name in adata.var_names if name], args.genes)
    model = scc2s.models.load(args.model, device="cpu", dtype="float32")
    found = []
    for seed in range(args.seeds):
        folder = args.out / f"seed{seed}"
        kept = folder / "figures.json"
        if not kept.is_file():
            start = time.time()
            table = prompts(adata, args.prompts, seed)
            figures = {
                "before": reward_of(model, table, genes, seed),
                "SFT": judge(model, adata, genes, args.cells, seed),
            }
            print(json.dumps(figures), flush=True)
            wanted = {"program_tau": rewards.program_tau(PROGRAM), "program_delta": rewards.program_delta(PROGRAM)}
            if args.energy:
                wanted["embedding_energy"] = rewards.embedding_energy(model, by="cell_type")
            done = grpo(
                model, table, wanted, folder, genes=genes,
                weights=[args.energy if name == "embedding_energy" else 1.0 for name in wanted],
                group_size=args.group_size, prompts_per_step=args.prompts_per_step, learning_rate=args.learning_rate,
                beta=args.beta, max_steps=args.steps, save_steps=10, seed=seed, warmup_steps=max(1, args.steps // 10),
            )  # fmt: skip
            trained = scc2s.models.load(done.folder, device="cpu", dtype="float32")
            figures |= {
                "after": reward_of(trained, table, genes, seed),
                "GRPO": judge(trained, adata, genes, args.cells, seed),
            }
            figures |= {"collapsed": list(done.why), "seconds": time.time() - start, "steps": len(done.history)}
            kept.write_text(json.dumps(figures, indent=1) + "\n")
        found.append(json.loads(kept.read_text()))
        print(json.dumps(found[-1]), flush=True)
    for before, after in (("before", "after"), ("SFT", "GRPO")):
        rows = {
            name: {
                before: interval([one[before][name] for one in found]),
                after: interval([one[after][name] for one in found]),
                "difference": interval([one[after][name] - one[before][name] for one in found]),
            }
            for name in found[0][before]
        }
        print(pd.DataFrame(rows).T.to_string(), flush=True)
    others = [beside(adata, args.cells, seed) for seed in range(args.seeds)]
    rows = {
        name: {what: interval([one[name][what] for one in others]) for what in others[0][name]} for name in others[0]
    }
    print(pd.DataFrame(rows).T.to_string())


if __name__ == "__main__":
    main()
