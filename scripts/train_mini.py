"""Train scc2s-mini, the model in the wheel: data, tokenizer, an endless stream of samples, training, export.

    python scripts/train_mini.py --data DATA --run runs/mini --steps 20000   # a GPU if there is one, else CPU
    python scripts/evaluate_mini.py --data DATA --model runs/mini/model      # held-out figures and the model card

DATA is the folder of example data; pbmc68k_reduced comes with scanpy. Everything is seeded; a stopped run goes on from its last
checkpoint when called again. Never trained on: cells of the test split (by hash of the cell name), donor 107 of the labelled Kang
set, the study pbmc_citeseq, and the types of ``mini_types.UNSEEN``. The learning rate rises over 300 steps, stays, and falls
to nothing over the last quarter; `--start` goes on from the weights of an earlier run.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault(
    "NUMBA_THREADING_LAYER", "workqueue"
)  # samples are made in a forked process, which OpenMP forbids

import numpy as np
import torch
from mini_data import caption, gene_sets, load
from mini_samples import IFN_BETA, N_GENES, UNREAD, Batch, Samples
from mini_sets import Set, foreign_sets, human_sets, ratio_profiles
from mini_types import NONE, TYPES, readings, wordings
from scipy import sparse

from scc2s import prompts, train
from scc2s.sentences import rank
from scc2s.train._loss import completion_loss

SEED = 0
SHARES = {
    "cell_type": 0.52, "generate_like": 0.22, "generate": 0.05, "generate_unconditional": 0.02, "perturb": 0.12,
    "caption": 0.05, "name_genes": 0.015, "gene_set": 0.005,
}  # fmt: skip
SIZES = {
    "cell_type": 24, "generate_like": 10, "generate": 10, "generate_unconditional": 10, "perturb": 7,
    "caption": 16, "name_genes": 24, "gene_set": 24,
}  # fmt: skip
POOLS = {"cell_type": 4, "caption": 2}
"""Batches drawn at once and parted by length, so that little of a batch is padding."""
TASKS = [*SHARES]


def gene_words(sets: list[Set], most: int) -> list[str]:
    """Genes with a token of their own: those found in most cells, each set with the same weight."""
    found: dict[str, float] = {}
    for s in sets:
        X = s.X[s.part == "train"]
        for name, share in zip(s.names, np.asarray((X > 0).mean(axis=0)).ravel(), strict=True):
            found[name] = max(found.get(name, 0.0), float(share))
    return sorted(sorted(found, key=lambda g: (-found[g], g))[:most])


def gene_vectors(sets: list[Set], genes: list[str], width: int) -> np.ndarray:
    """Start values of the gene embeddings: loadings of a truncated SVD of the standardised training cells."""
    from scipy.sparse.linalg import svds

    where = {g: i for i, g in enumerate(genes)}
    blocks = []
    for s in sets:
        X = s.X[s.part == "train"].astype(np.float64)
        if float(X.data.max()) > 20:
            X = sparse.csr_matrix(sparse.diags(1e4 / np.maximum(np.asarray(X.sum(1)).ravel(), 1)) @ X)
            X.data = np.log1p(X.data)
        own = np.array([i for i, g in enumerate(s.names) if g in where])
        X = X.tocsc()[:, own]
        mean = np.asarray(X.mean(0)).ravel()
        sd = np.sqrt(np.maximum(np.asarray(X.multiply(X).mean(0)).ravel() - mean**2, 0))
        block = np.zeros((X.shape[0], len(genes)), dtype=np.float32)
        block[:, [where[s.names[i]] for i in own]] = np.clip((X.toarray() - mean) / np.maximum(sd, 0.2), -3, 6)
        blocks.append(block)
    _, size, vt = svds(np.concatenate(blocks), k=min(width, 64), random_state=SEED)
    loadings = (vt * np.sqrt(size)[:, None]).T[:, ::-1]
    return (loadings / loadings.std()).astype(np.float32)


def more_genes(tokenizer, model, sets: list[Set], least: float = 0.002):
    """Tokens for genes that have none and stand in the sentence of so many training cells of some set.

    Each begins as the mean of the genes that are there, and a little noise.
    """
    from tokenizers import Tokenizer

    whole = json.loads(tokenizer.backend_tokenizer.to_str())
    vocab = whole["model"]["vocab"]
    new: set[str] = set()
    for s in sets:
        X = s.X[s.part == "train"]
        counts = np.zeros(X.shape[1])
        for ranked in rank(X, N_GENES, names=s.names, n_jobs=1):
            counts[ranked[ranked >= 0]] += 1
        new |= {g for g, n in zip(s.names, counts, strict=True) if n >= least * X.shape[0] and f"Ġ{g}" not in vocab}
    genes = [i for t, i in vocab.items() if t.startswith("Ġ") and t[1:].isupper() and len(t) > 3]
    vocab |= {f"Ġ{g}": len(vocab) + i for i, g in enumerate(sorted(new))}
    tokenizer._tokenizer = Tokenizer.from_str(json.dumps(whole))
    if new:
        with torch.random.fork_rng(), torch.no_grad():
            torch.manual_seed(SEED)
            model.resize_token_embeddings(len(vocab), mean_resizing=False)
            weight = model.get_input_embeddings().weight
            weight[-len(new) :] = weight[genes].mean(0) + 0.3 * weight[genes].std(0) * torch.randn(
                len(new), weight.shape[1]
            )
    print(f"{len(new)} more genes have a token", flush=True)
    return tokenizer


def begin(args: argparse.Namespace, sets: list[Set]):
    """A tokenizer and a new model, or those of an earlier run."""
    from transformers import AutoModelForCausalLM, AutoTokenizer, GPTNeoXConfig, GPTNeoXForCausalLM

    if args.start is not None:
        tokenizer = AutoTokenizer.from_pretrained(args.start)
        model = AutoModelForCausalLM.from_pretrained(args.start, dtype=torch.float32, hidden_dropout=args.dropout)
        return more_genes(tokenizer, model, sets), model
    genes = gene_words(sets, args.genes)
    plain = [t.template.replace("{cell_sentence}", "") for t in map(prompts.get, prompts.families()["scc2s"])]
    numbers = [f" {n}" for n in range(N_GENES + 1)]
    types = [f" {w};" for t in TYPES for w in wordings(t)] + [f" {w}" for t in TYPES for w in wordings(t)]
    names = [
        " Homo sapiens",
        " Mus musculus",
        " Caenorhabditis elegans",
        " IFN-beta",
        " no perturbation",
        *(f" {n}" for n in IFN_BETA),
    ]
    tokenizer = train.gene_tokenizer(
        genes, 20 * plain + 20 * numbers + 30 * names + 10 * types + 10 * [f" {t}" for t in TYPES] + 50 * [f" {NONE}"]
        + 50 * [caption(t, s.tissue, ["CD3D", "LYZ", "NKG7"], stimulated=True) for t in TYPES for s in sets],
        n_pieces=1400,
    )  # fmt: skip
    config = GPTNeoXConfig(
        vocab_size=len(tokenizer), hidden_size=args.width, num_hidden_layers=args.layers, num_attention_heads=args.heads,
        intermediate_size=4 * args.width, max_position_embeddings=1024, tie_word_embeddings=True, hidden_dropout=args.dropout,
        bos_token_id=0, eos_token_id=0, pad_token_id=1,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        model = GPTNeoXForCausalLM(config)
    vectors = gene_vectors(sets, genes, args.width)
    ids = tokenizer.convert_tokens_to_ids(["Ġ" + g for g in genes])
    with torch.no_grad():
        model.get_input_embeddings().weight[ids, : vectors.shape[1]] = 0.03 * torch.from_numpy(vectors)
    return tokenizer, model


def prepared(folder: Path) -> dict[str, list[tuple[str, str]]]:
    """Samples of named gene sets."""
    out: dict[str, list[tuple[str, str]]] = {"name_genes": [], "gene_set": []}
    for number, (_, whole) in enumerate(load(folder).items()):
        for title, genes in gene_sets(whole, "train", copies=60, seed=101 * number):
            sentence = " ".join(genes)
            for name in ("name_genes", "gene_set"):
                task = prompts.get(name)
                (text,) = task.render([sentence], {"organism": "Homo sapiens", "gene_set": [title]}).texts
                out[name].append((text, task.complete(gene_set=title, cell_sentence=sentence)))
    return out


def encode(tokenizer, batch: Batch) -> list[tuple[list[int], list[int]]]:
    """Token ids of prompts and completions."""
    asked = tokenizer(batch.prompts)["input_ids"]
    said = tokenizer(batch.completions)["input_ids"]
    return [(a, [*b, tokenizer.eos_token_id]) for a, b in zip(asked, said, strict=True)]


def pad(pairs: list[tuple[list[int], list[int]]], token: int) -> dict[str, torch.Tensor]:
    """Token ids, padded on the right, and labels of the completions."""
    longest = max(len(a) + len(b) for a, b in pairs)
    ids = torch.full((len(pairs), longest), token)
    labels = torch.full((len(pairs), longest), -100)
    for i, (a, b) in enumerate(pairs):
        ids[i, : len(a) + len(b)] = torch.tensor(a + b)
        labels[i, len(a) : len(a) + len(b)] = torch.tensor(b)
    return {"input_ids": ids, "labels": labels}


class Stream(torch.utils.data.IterableDataset):
    """Batches as tensors, made in a process of their own while the model trains."""

    def __init__(self, samples: Samples, tokenizer, shares: dict[str, float]):
        self.samples, self.tokenizer = samples, tokenizer
        self.shares = {name: share / POOLS.get(name, 1) for name, share in shares.items()}

    def __iter__(self):
        torch.set_num_threads(1)
        sizes = {name: n * POOLS.get(name, 1) for name, n in SIZES.items()}
        for batch in self.samples.stream(self.shares, sizes):
            pairs = encode(self.tokenizer, batch)
            for part in by_length(pairs, 5000) if batch.task in POOLS else [pairs]:
                yield batch.task, pad(part, self.tokenizer.pad_token_id)


def by_length(pairs: list[tuple[list[int], list[int]]], most: int) -> list[list[tuple[list[int], list[int]]]]:
    """Parts of samples of like length, of at most so many tokens when padded."""
    parts: list[list[tuple[list[int], list[int]]]] = [[]]
    for pair in sorted(pairs, key=lambda x: len(x[0]) + len(x[1])):
        if parts[-1] and (len(parts[-1]) + 1) * (len(pair[0]) + len(pair[1])) > most:
            parts.append([])
        parts[-1].append(pair)
    return parts


def sampled_loss(
    model,
    inputs: dict[str, torch.Tensor],
    often: torch.Tensor,
    n_others: int,
    generator: torch.Generator,
    once: torch.Tensor,
    repeats: float = 0.1,
) -> torch.Tensor:
    """Mean negative log-likelihood of the completions, with the sum over all words estimated from some of them.

    The words of the batch and those that come `often` count as they are, `n_others` of the rest, drawn at random, for all of
    it: their logits get log(rest / drawn), so that the sum is right on average (importance sampling; Bengio and Senecal 2008,
    IEEE Trans. Neural Netw. 19:713). Half the cost of a step for answers of 200 genes out of 14,000.

    A word that may be said `once` (a gene) is no choice after it was said, as when a model is held to genes. What it still
    takes of the probability, when the model writes freely, counts with weight `repeats`: a small model cannot keep 200 words
    in mind, and when it has to, it holds common genes for said that are not.
    """
    hidden = model.base_model(inputs["input_ids"]).last_hidden_state[:, :-1]
    target = inputs["labels"][:, 1:]
    seen = target != -100
    words, place = torch.unique(torch.cat([target[seen], often.to(target.device)]), return_inverse=True)
    place = place[: int(seen.sum())]
    weight = model.get_output_embeddings().weight
    rest = torch.ones(len(weight), dtype=torch.bool, device=words.device)
    rest[words] = False
    others = rest.nonzero().squeeze(1)
    drawn = others[torch.randperm(len(others), generator=generator)[:n_others].to(others.device)]
    logits = (hidden[seen] @ weight[torch.cat([words, drawn])].T).float()
    more = np.log(len(others) / max(len(drawn), 1))
    logits = logits + torch.cat([torch.zeros(len(words)), torch.full((len(drawn),), more)]).to(logits.device)
    said = torch.zeros(logits.shape, dtype=torch.bool, device=logits.device)
    first = 0
    for row in seen:
        n = int(row.sum())
        own = place[first : first + n]
        genes = once.to(own.device)[words[own]].nonzero().squeeze(1)
        before = genes[None, :] < torch.arange(n, device=own.device)[:, None]
        said[first : first + n].scatter_(1, own[genes].expand(n, -1), before)
        first += n
    left = logits.masked_fill(said, float("-inf"))
    again = (logits.logsumexp(1) - left.logsumexp(1)).mean()
    return torch.nn.functional.cross_entropy(left, place) + repeats * again


def rate(step: int, args: argparse.Namespace) -> float:
    """Share of the learning rate: up over 300 steps, level, and down over the last quarter."""
    return min(1.0, (step + 1) / 300, max(0.0, (args.steps - step) / (args.decay * args.steps)))


def run(args: argparse.Namespace, model, tokenizer, samples: Samples) -> None:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model.to(device).train()
    decayed = [p for p in model.parameters() if p.ndim > 1]
    other = [p for p in model.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": args.weight_decay}, {"params": other, "weight_decay": 0.0}],
        lr=args.learning_rate,
        betas=(0.9, 0.98),
    )
    kept = args.run / "checkpoint.pt"
    first, seconds = 0, 0.0
    if kept.exists():
        state = torch.load(kept, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        first, seconds = state["step"], state["seconds"]
    torch.manual_seed(args.seed + first)
    generator = torch.Generator().manual_seed(args.seed + first)
    samples.rng = np.random.default_rng([args.seed, first])
    stream = iter(
        torch.utils.data.DataLoader(
            Stream(samples, tokenizer, SHARES | args.shares), batch_size=None, num_workers=1, prefetch_factor=6
        )
    )
    losses: dict[str, list[float]] = {}
    counts = torch.zeros(model.config.vocab_size, dtype=torch.long)
    once = torch.zeros(len(counts), dtype=torch.bool)
    vocabulary = tokenizer.get_vocab()
    once[[vocabulary[f"Ġ{g}"] for g in {g for s in samples.sets for g in s.names} if f"Ġ{g}" in vocabulary]] = True
    begin, tokens, waited = time.time(), 0, 0.0
    for step in range(first, args.steps):
        t = time.time()
        task, inputs = next(stream)
        inputs = {name: x.to(device) for name, x in inputs.items()}
        waited += time.time() - t
        for group in optimizer.param_groups:
            group["lr"] = args.learning_rate * rate(step, args)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=args.bf16):
            many = task.startswith(("generate", "perturb"))
            if many and args.sampled:
                counts += torch.bincount(inputs["labels"][inputs["labels"] >= 0].cpu(), minlength=len(counts))
                often = counts.topk(args.sampled).indices
                loss = sampled_loss(model, inputs, often, args.sampled // 2, generator, once, args.repeats)
            else:
                # parts of a pool count by their samples
                loss = completion_loss(model, inputs) * (len(inputs["input_ids"]) / SIZES[task])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        tokens += inputs["input_ids"].numel()
        losses.setdefault(task, []).append(float(loss.detach()))
        if (step + 1) % args.report == 0:
            spent = time.time() - begin
            shown = {k: round(float(np.mean(v)), 3) for k, v in sorted(losses.items())}
            print(
                f"step {step + 1} {(seconds + spent) / 60:.1f} min, {tokens / spent:.0f} tokens/s, data {waited / spent:.0%}, {json.dumps(shown)}",
                flush=True,
            )
            losses = {}
        if (step + 1) % args.save_steps == 0 or step + 1 == args.steps:
            state = {
                "model": model.state_dict(),
                "optimizer": optimizer.state_dict(),
                "step": step + 1,
                "seconds": seconds + time.time() - begin,
            }
            torch.save(state, kept.with_suffix(".new"))
            kept.with_suffix(".new").replace(kept)
            export(model, tokenizer, args.run / "model")
            model.train()


def export(model, tokenizer, folder: Path) -> None:
    """The model as it ships, with what it says of itself."""
    model.eval()
    train.save_portable(model, tokenizer, folder)
    genes = [t[1:] for t in tokenizer.get_vocab() if t.startswith("Ġ") and UNREAD.fullmatch(t[1:])]
    about = {
        "family": "scc2s", "tasks": TASKS, "labels": list(TYPES), "n_genes": N_GENES, "organisms": ["Homo sapiens"],
        "unread_genes": sorted(genes), "wordings": {t: readings(t)[1:] for t in TYPES}, "parents": {t: x.parent for t, x in TYPES.items() if x.parent}, "none_label": NONE,
        "perturbations": {"IFN-beta": list(IFN_BETA)},
    }  # fmt: skip
    (folder / "scc2s.json").write_text(json.dumps(about, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--start", type=Path, help="go on from this model folder")
    parser.add_argument("--seed", type=int, default=SEED, help="of the samples and their order")
    parser.add_argument("--steps", type=int, default=20000)
    parser.add_argument(
        "--decay", type=float, default=0.25, help="share of the steps over which the learning rate falls"
    )
    parser.add_argument("--genes", type=int, default=12600, help="genes with a token of their own")
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--weight-decay", type=float, default=0.05)
    parser.add_argument("--shares", type=json.loads, default={}, help="share of batches of some tasks, as JSON")
    parser.add_argument(
        "--sampled", type=int, default=2000, help="words that stand for all in the softmax of long answers; 0: all do"
    )
    parser.add_argument("--repeats", type=float, default=0.1, help="weight of what genes that were said still get")
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--report", type=int, default=50)
    parser.add_argument("--save-steps", type=int, default=500)
    args = parser.parse_args()
    args.run.mkdir(parents=True, exist_ok=True)
    sets, ratios = human_sets(args.data), ratio_profiles(args.data)
    texts = prepared(args.data)
    tokenizer, model = begin(args, sets)
    for s in sets:
        print(s.name, s.X.shape, dict(zip(*np.unique(s.kind[s.part == "train"], return_counts=True), strict=True)))
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(tokenizer):,} tokens", flush=True)
    run(args, model, tokenizer, Samples(sets, foreign_sets(args.data), ratios, texts, args.seed))


if __name__ == "__main__":
    main()
