"""What scc2s-mini begins with: its words, and a tokenizer and a model, new or of an earlier run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from mini_data import caption
from mini_samples import IFN_BETA, N_GENES
from mini_types import NONE, TYPES, wordings

from scc2s import prompts, train
from scc2s.sentences import rank

if TYPE_CHECKING:
    import argparse

    from mini_sets import Set


def gene_words(sets: list[Set], most: int) -> list[str]:
    """Genes with a token of their own: those found in most cells, each set with the same weight."""
    found: dict[str, float] = {}
    for s in sets:
        X = s.X[s.part == "train"]
        for name, share in zip(s.names, np.asarray((X > 0).mean(axis=0)).ravel(), strict=True):
            found[name] = max(found.get(name, 0.0), float(share))
    return sorted(sorted(found, key=lambda g: (-found[g], g))[:most])


def common_genes(sets: list[Set], least: float = 0.002) -> set[str]:
    """Genes that stand in the sentence of so many training cells of some set."""
    found: set[str] = set()
    for s in sets:
        X = s.X[s.part == "train"]
        counts = np.zeros(X.shape[1])
        for ranked in rank(X, N_GENES, names=s.names, n_jobs=1):
            counts[ranked[ranked >= 0]] += 1
        found |= {g for g, n in zip(s.names, counts, strict=True) if n >= least * X.shape[0]}
    return found


def texts(sets: list[Set]) -> list[str]:
    """From which the pieces of plain words are learned, each as often as it matters."""
    plain = [t.template.replace("{cell_sentence}", "") for t in map(prompts.get, prompts.families()["scc2s"])]
    numbers = [f" {n}" for n in range(N_GENES + 1)]
    types = [f" {w};" for t in TYPES for w in wordings(t)] + [f" {w}" for t in TYPES for w in wordings(t)]
    names = [" Homo sapiens", " Mus musculus", " Caenorhabditis elegans", " IFN-beta", " no perturbation"]
    names += [f" {n}" for n in IFN_BETA]
    captions = [caption(t, s.tissue, ["CD3D", "LYZ", "NKG7"], stimulated=True) for t in TYPES for s in sets]
    return (
        20 * plain + 20 * numbers + 30 * names + 10 * types + 10 * [f" {t}" for t in TYPES] + 50 * [f" {NONE}"]
        + 50 * captions
    )  # fmt: skip


def begin(args: argparse.Namespace, sets: list[Set]):
    """A tokenizer and a new model, or those of an earlier run with tokens for more genes."""
    if args.start is not None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(args.start)
        model = AutoModelForCausalLM.from_pretrained(args.start, dtype="float32", hidden_dropout=args.dropout)
        print(f"{len(train.add_genes(model, tokenizer, common_genes(sets)))} more genes have a token", flush=True)
        return tokenizer, model
    genes = gene_words(sets, args.genes)
    tokenizer = train.gene_tokenizer(genes, texts(sets), n_pieces=1400)
    vectors = train.gene_vectors([(s.X[s.part == "train"], s.names) for s in sets], genes, n=min(args.width, 64))
    model = train.new_model(
        tokenizer, n_layers=args.layers, width=args.width, n_heads=args.heads, dropout=args.dropout, vectors=vectors
    )
    return tokenizer, model
