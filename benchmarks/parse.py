"""Sentences back to expression: scc2s against cell2sentence, on the same texts in one process.

Run: python benchmarks/parse.py [--cells 5000] [--peer-cells 20] [--repeats 5]

Texts have 200 words of 30,000 names, 0.6 % of them no gene and 1 % repeats, about what generated sentences have. Before
the timing both sides must give the same expression (scc2s with `duplicates="c2s"`, no clipping). The peer writes one
dense vector a cell, scc2s one CSR matrix. Ratios are per machine (wall time, with the threads that are named) and per
core (CPU time). The peer is run on fewer cells, since its time grows in proportion.
"""

from __future__ import annotations

import argparse
import contextlib
from importlib.metadata import version

import numpy as np
from _cells import gene_names
from _cores import Side, measured, processor, show
from _setup import header, note

from scc2s.sentences import RankFit, parse

FIT = RankFit(slope=-0.7, intercept=2.7)


def build_texts(n_cells: int, names: list[str], n_words: int = 200) -> list[str]:
    """Sentences of different genes, with some words that are not genes and some that come twice."""
    rng = np.random.default_rng(0)
    texts = []
    for _ in range(n_cells):
        words = [names[g] for g in rng.choice(len(names), n_words, replace=False)]
        for i in rng.choice(n_words, rng.binomial(n_words, 0.01), replace=False):
            words[i] = words[int(rng.integers(n_words))]
        for i in rng.choice(n_words, rng.binomial(n_words, 0.006), replace=False):
            words[i] = "NOTAGENE"
        texts.append(" ".join(words))
    return texts


def cell2sentence(names: list[str]):
    """Text to dense expression, or None where the package is not installed."""
    try:
        from cell2sentence.utils import post_process_generated_cell_sentences, reconstruct_expression_from_cell_sentence
    except ImportError:
        print("cell2sentence is not installed: left out")
        return None

    def run(texts: list[str]) -> list[np.ndarray]:
        out = []
        for text in texts:
            words, _ = post_process_generated_cell_sentences(text, names)
            out.append(reconstruct_expression_from_cell_sentence(" ".join(words), " ", names, FIT.slope, FIT.intercept))
        return out

    return run


def ours(texts: list[str], names: list[str], n_jobs: int = 2, **how):
    return FIT.inverse(parse(texts, names, **how).ranks, len(names), clip=not how, n_jobs=n_jobs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=5_000)
    parser.add_argument("--genes", type=int, default=30_000)
    parser.add_argument("--peer-cells", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()

    names = gene_names(args.genes)
    texts = build_texts(args.cells, names)
    few = texts[: args.peer_cells]
    peer = cell2sentence(names)
    sides = {
        "scc2s": Side(lambda: ours(texts, names), len(texts), 2),
        "scc2s, duplicates='c2s'": Side(lambda: ours(texts, names, duplicates="c2s"), len(texts), 2),
    }
    if peer is not None:
        difference = np.abs(ours(few, names, duplicates="c2s").toarray() - np.array(peer(few))).max()
        if difference > 1e-5:
            raise SystemExit(f"the two sides differ by {difference}")
        sides["cell2sentence"] = Side(lambda: peer(few), len(few), 1)
    rates = measured(sides, args.repeats)

    print(header())
    print(processor())
    for package in ("numba", "cell2sentence"):
        with contextlib.suppress(ImportError):
            print(f"{package} {version(package)}", end="  ")
    print(f"\n{args.genes} names, 200 words a text" + (", same values on both sides" if peer else ""))
    show(sides, rates, beside=["cell2sentence"])
    beside = rates["cell2sentence"][0] if "cell2sentence" in rates else None
    for name, (wall, _) in rates.items():
        note("text of 200 genes back to expression", name, "cells/s", wall, beside=beside)


if __name__ == "__main__":
    main()
