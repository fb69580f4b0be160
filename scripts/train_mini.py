"""Train scc2s-mini, the model in the wheel: data, tokenizer, samples, training, export.

    python scripts/train_mini.py --data DATA --run runs/mini            # a GPU if there is one, else CPU (about an hour)
    python scripts/evaluate_mini.py --data DATA --model runs/mini/model # held-out figures and the model card

DATA is a folder with pbmc3k.h5ad, kang_ifnb.h5ad, kang_ifnb_labelled.h5ad and gbm_panobinostat.h5ad; pbmc68k_reduced comes with scanpy. Everything is
seeded; a stopped run goes on from its last checkpoint when called again. Cells of the test split (by hash of the cell name), donor
107 of the labelled Kang set, one glioblastoma patient, and cells that the two Kang files share are never trained on.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import anndata as ad
import numpy as np
import pandas as pd
from mini_data import LABELS, TASKS, caption, decoys, gene_sets, load, load_glioblastoma, split_of
from scipy import sparse

from scc2s import prompts, train

SEED = 0
N_GENES = 200
COPIES = {
    "cell_type": 20, "generate": 4, "generate_unconditional": 1, "perturb": 12, "caption": 2,
    "unperturbed": 6, "decoy": 3, "glioblastoma": 2, "gene_sets": 60,
}  # fmt: skip


def corpus(
    datasets: dict[str, ad.AnnData],
    glioblastoma: ad.AnnData,
    *,
    part: str,
    copies: dict[str, int],
    augment: train.Augment | None,
    seed: int,
):
    """Samples of all tasks from one part (train, val) of every data set."""
    from scc2s import pp

    frames = []
    for number, (name, whole) in enumerate(datasets.items()):
        adata = whole[split_of(whole) == part].copy()
        common = {
            "augment": augment,
            "organism": "Homo sapiens",
            "n_genes": N_GENES,
            "random_state": seed + 101 * number,
        }
        for task in ("cell_type", "generate", "generate_unconditional", "caption"):
            if task == "caption":
                adata.obs["caption"] = caption(adata, whole)
            if copies[task]:
                frames.append(pp.samples(adata, task, copies=copies[task], **common).assign(data=name))
        if name == "pbmc68k" and copies["cell_type"]:  # the authors' own wording as well: users pass it as labels
            own = pp.samples(
                adata, "cell_type", columns={"cell_type": "bulk_labels"}, copies=copies["cell_type"], **common
            )
            frames.append(own.assign(data=name))
        if "condition" in adata.obs:
            frames += [f.assign(data=name) for f in responses(adata, ["cell_type"], copies, common)]
        for naming in ("name_genes", "gene_set"):
            sets = gene_sets(whole, part, copies=copies["gene_sets"], seed=seed + 101 * number)
            frames.append(set_samples(naming, sets).assign(data=name))
    glioblastoma = glioblastoma[split_of(glioblastoma) == part].copy()
    some = copies | dict.fromkeys(("perturb", "unperturbed"), copies["glioblastoma"]) | {"decoy": 0}
    frames += [f.assign(data="glioblastoma") for f in responses(glioblastoma, ["donor"], some, common)]
    return pd.concat([f for f in frames if len(f)], ignore_index=True)


def responses(adata: ad.AnnData, match: list[str], copies: dict[str, int], common: dict):
    """Perturbation samples: what a perturbed cell looks like, and for no perturbation, or a name that means nothing, another control cell."""
    from scc2s import pp

    for round_ in range(copies["perturb"]):
        seed = common["random_state"] + round_
        pairs = train.match_pairs(adata.obs, key="perturbation", control="control", match=match, random_state=seed)
        yield pp.samples(adata, "perturb", pairs=pairs, **common | {"random_state": seed})
    control = adata[adata.obs["perturbation"] == "control"].copy()
    groups = control.obs[match].astype(str).agg("|".join, axis=1).to_numpy()
    for kind in ("unperturbed", "decoy"):
        for round_ in range(copies[kind]):
            seed = common["random_state"] + 1000 + round_
            rng = np.random.default_rng(seed)
            rows = np.arange(len(control))
            others = np.array([rng.choice(np.flatnonzero(groups == g)) for g in groups])
            names = decoys(len(control), seed) if kind == "decoy" else [prompts.NO_PERTURBATION] * len(control)
            control.obs["perturbation"] = ""
            control.obs.iloc[others, control.obs.columns.get_loc("perturbation")] = names
            # The name stands with the cell of the answer; cells drawn twice carry one name for both.
            yield pp.samples(
                control, "perturb", pairs=np.column_stack([rows, others]), **common | {"random_state": seed}
            )


def set_samples(name: str, sets: list[tuple[str, list[str]]]) -> pd.DataFrame:
    task, organism = prompts.get(name), "Homo sapiens"
    sentences = [" ".join(genes) for _, genes in sets]
    texts = task.render(sentences, {"organism": organism, "gene_set": [title for title, _ in sets]}).texts
    completions = [
        task.complete(gene_set=title, cell_sentence=sentence)
        for (title, _), sentence in zip(sets, sentences, strict=True)
    ]
    return pd.DataFrame({"prompt": texts, "completion": completions, "task": name, "cell": ""})


def gene_vectors(datasets: dict[str, ad.AnnData], genes: list[str], width: int) -> np.ndarray:
    """Start values of the gene embeddings: loadings of a truncated SVD of the standardised training cells."""
    from scipy.sparse.linalg import svds

    where = {g: i for i, g in enumerate(genes)}
    blocks = []
    for adata in datasets.values():
        part = adata[split_of(adata) == "train"]
        X = sparse.csr_matrix(part.X, dtype=np.float64)
        if float(X.data.max()) > 20:  # counts
            X = sparse.diags(1e4 / np.asarray(X.sum(1)).ravel()) @ X
            X.data = np.log1p(X.data)
        X = X.tocsc()
        mean = np.asarray(X.mean(0)).ravel()
        sd = np.sqrt(np.asarray(X.multiply(X).mean(0)).ravel() - mean**2)
        dense = np.clip((X.toarray() - mean) / np.maximum(sd, 0.2), -3, 6).astype(np.float32)
        block = np.zeros((len(part), len(genes)), dtype=np.float32)
        block[:, [where[g] for g in part.var_names]] = dense
        blocks.append(block)
    stacked = np.concatenate(blocks)
    _, s, vt = svds(stacked, k=min(width, 64), random_state=SEED)
    loadings = (vt * np.sqrt(s)[:, None]).T[:, ::-1]
    return (loadings / loadings.std()).astype(np.float32)


def new_model(tokenizer, genes: list[str], vectors: np.ndarray, *, width: int, layers: int, heads: int, dropout: float):
    import torch
    from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

    config = GPTNeoXConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=4 * width,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        hidden_dropout=dropout,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=1,
    )
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        model = GPTNeoXForCausalLM(config)
    ids = tokenizer.convert_tokens_to_ids(["Ġ" + g for g in genes])
    with torch.no_grad():
        model.get_input_embeddings().weight[ids, : vectors.shape[1]] = 0.03 * torch.from_numpy(vectors)
    return model


def begin(args: argparse.Namespace, datasets: dict[str, ad.AnnData], genes: list[str], samples: pd.DataFrame):
    """A tokenizer and a new model."""
    texts = pd.concat([samples.loc[samples.task == "caption", "completion"]] + [pd.Series(f" {x}") for x in LABELS])
    wording = [t.template.replace("{cell_sentence}", "") for t in map(prompts.get, prompts.families()["scc2s"])]
    numbers = [f" {n}" for n in range(N_GENES + 1)]
    tokenizer = train.gene_tokenizer(
        genes, 20 * wording + 20 * numbers + [" Homo sapiens", " Mus musculus", " IFN-beta"] * 50 + texts.tolist()
    )
    vectors = gene_vectors(datasets, genes, args.width)
    model = new_model(
        tokenizer, genes, vectors, width=args.width, layers=args.layers, heads=args.heads, dropout=args.dropout
    )
    return tokenizer, model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--start", type=Path, help="go on from this model folder, with new samples")
    parser.add_argument("--seed", type=int, default=SEED, help="of the samples and their order")
    parser.add_argument("--mix", type=float, default=0.0)
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--heads", type=int, default=3)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--copies", type=json.loads, default={}, help="samples a cell of some tasks, as JSON")
    parser.add_argument("--thin", type=float, default=0.5)
    parser.add_argument("--drop", type=float, default=0.3)
    parser.add_argument("--save-steps", type=int, default=300)
    args = parser.parse_args()
    args.run.mkdir(parents=True, exist_ok=True)

    datasets = load(args.data)
    genes = sorted({g for a in datasets.values() for g in a.var_names})
    augment = train.Augment(thin=(args.thin, 1.0), mix=args.mix, drop_genes=(0.0, args.drop), n_genes=(60, N_GENES))
    samples_file = args.run / "samples.parquet"
    if samples_file.exists():
        samples = pd.read_parquet(samples_file)
    else:
        glioblastoma = load_glioblastoma(args.data, set(genes))
        samples = corpus(
            datasets, glioblastoma, part="train", copies=COPIES | args.copies, augment=augment, seed=args.seed
        )
        samples.to_parquet(samples_file)
    print(samples.groupby(["task", "data"]).size().unstack(fill_value=0))

    if args.start is None:
        tokenizer, model = begin(args, datasets, genes, samples)
    else:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(args.start)
        model = AutoModelForCausalLM.from_pretrained(args.start, hidden_dropout=args.dropout)
    print(
        f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(tokenizer):,} tokens, {len(samples):,} samples"
    )
    metrics = train.sft(
        model,
        tokenizer,
        samples,
        args.run / "checkpoints",
        batch_size=args.batch_size,
        learning_rate=args.learning_rate,
        seed=args.seed,
        warmup_steps=100,
        lr_scheduler_type="cosine",
        weight_decay=0.05,
        bf16=True,
        logging_steps=20,
        save_steps=args.save_steps,
        save_total_limit=2,
        disable_tqdm=True,
    )
    print(json.dumps(metrics))
    train.save_portable(model, tokenizer, args.run / "model")
    about = {
        "family": "scc2s", "tasks": list(TASKS), "labels": list(LABELS), "n_genes": N_GENES, "organisms": ["Homo sapiens"],
    }  # fmt: skip
    (args.run / "model" / "scc2s.json").write_text(json.dumps(about, indent=2) + "\n")


if __name__ == "__main__":
    main()
