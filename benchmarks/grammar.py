"""A grammar of gene names in xgrammar, the engine of vLLM and SGLang: time to write it, to compile it, to mask a token.

Run: pip install --no-deps xgrammar apache-tvm-ffi; python benchmarks/grammar.py [--genes 13713] [--repeats 7]

Sides, in turns, one thread, CPU time: `ebnf`, a rule for each first letter, which is what xgrammar is sent; `gbnf`, the
whole prefix tree, which llama.cpp is sent; the tree as a regular expression; all names beside each other in one rule;
and `ebnf` where the first word may not be one of 100 genes that are there already. Names are those of pbmc3k (13,713)
where the example data is, else made up. Masks are taken along sentences of 200 genes.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import xgrammar as xgr
from _cells import gene_names
from _cores import processor
from _setup import build_tokenizer, header, note, spread

from scc2s.models.decoding._grammar import ebnf, gbnf, regex

if TYPE_CHECKING:
    from collections.abc import Callable

N_WORDS = 200
THERE = 100


def flat(names: list[str], least: int, most: int) -> str:
    """All names as alternatives of one rule."""
    gene = " | ".join(json.dumps(name) for name in sorted(names))
    return f'root ::= word{{{least},{most}}}\nword ::= " " gene\ngene ::= {gene}\n'


def names_of(n: int) -> tuple[list[str], str]:
    folder = Path(os.environ.get("SCC2S_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if (path := folder / "pbmc3k.h5ad").is_file():
        found = ad.read_h5ad(path, backed="r").var_names[:n].tolist()
        if len(found) == n:
            return found, "pbmc3k"
    return list(gene_names(n)), "made up"


def cpu(function: Callable[[], object]) -> tuple[object, float]:
    start = time.process_time()
    found = function()
    return found, time.process_time() - start


def masks(compiled: xgr.CompiledGrammar, tokens: list[int], vocab_size: int) -> list[float]:
    """Milliseconds of each mask along a sentence that the grammar has to take."""
    matcher, mask, taken = xgr.GrammarMatcher(compiled), xgr.allocate_token_bitmask(1, vocab_size), []
    for token in tokens:
        taken.append(1000 * cpu(lambda: matcher.fill_next_token_bitmask(mask))[1])
        if not matcher.accept_token(token):
            msg = f"the grammar does not take token {token}"
            raise AssertionError(msg)
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--genes", type=int, default=13_713)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--sides", nargs="+", help="words that the names of the sides to measure begin with")
    args = parser.parse_args()
    names, source = names_of(args.genes)
    tokenizer, tokenizer_name = build_tokenizer()
    info = xgr.TokenizerInfo.from_huggingface(tokenizer)
    rng = np.random.default_rng(0)
    there = set(rng.choice(names, THERE, replace=False).tolist())
    left = [name for name in names if name not in there]
    sides = {
        "a rule a letter, EBNF": ebnf,
        "a rule a letter, first word held": lambda *args: ebnf(*args, first=left),
        "prefix tree, GBNF": gbnf,
        "prefix tree, regular expression": regex,
        "all names in one rule, EBNF": flat,
    }
    if args.sides:
        sides = {name: write for name, write in sides.items() if name.startswith(tuple(args.sides))}
    writing, compiling, masking = ({side: [] for side in sides} for _ in range(3))
    sizes = {}
    for _ in range(args.repeats):
        tokens = tokenizer(f" {' '.join(rng.choice(left, N_WORDS, replace=False))}").input_ids
        for side, write in sides.items():
            engine = xgr.GrammarCompiler(info, max_threads=1, cache_enabled=False)
            compiling_one = engine.compile_regex if write is regex else engine.compile_grammar
            text, seconds = cpu(lambda write=write: write(names, N_WORDS, N_WORDS))
            writing[side].append(seconds)
            compiled, seconds = cpu(lambda run=compiling_one, text=text: run(text))
            compiling[side].append(seconds)
            masking[side].append(masks(compiled, tokens, info.vocab_size))
            sizes[side] = len(text) / 1000, compiled.memory_size_bytes / 1e6
    print(header(), processor(), f"xgrammar {version('xgrammar')}", sep="\n")
    print(f"\n{len(names):,} genes ({source}), tokenizer {tokenizer_name} ({info.vocab_size:,} tokens)")
    columns = ("kB", "MB compiled", "write s", "compile s", "mask ms, median", "mask ms, most")
    print(f"{'CPU, median (least-most)':34}" + "".join(f"{column:>20}" for column in columns))
    task = f"grammar of {len(names):,} genes, {tokenizer_name} tokenizer, one thread"
    for side in sides:
        compile_seconds = np.array(compiling[side])
        shown = [f"{size:.0f}" for size in sizes[side]]
        shown += [spread(np.array(writing[side])), spread(compile_seconds)]
        shown += [
            f"{np.median(np.concatenate(masking[side])):.4f}",
            spread(np.array([max(row) for row in masking[side]])),
        ]
        print(f"{side:34}" + "".join(f"{cell:>20}" for cell in shown))
        note(task, f"{side}: compiled", "1/s", 1 / compile_seconds)


if __name__ == "__main__":
    main()
