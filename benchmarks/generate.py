"""Writing cells: scc2s, free and held to genes, against a plain `generate` loop and cell2sentence, same weights.

Run: python benchmarks/generate.py [--model mini] [--cells 64] [--words 100] [--repeats 5] [--steps 96]

`--model random` takes Pythia-70m's shape with random weights and Pythia's tokenizer, 4.6 tokens a gene: give it
`--cells 16 --words 50 --repeats 3`.

First the cost of a step: one batch of 8 writes `--steps` tokens, free and held to genes, by scc2s in both cases. Where
genes have several tokens, then what it brings to feed the tokens that can only come next together with the one before
them, for batches of several sizes. Then cells a second, where one side has the rules of scc2s inside transformers'
`generate`, the route that it takes for architectures it does not know. The plain loop takes batches of 8 prompts in the
order of the cells, padded to the longest, and draws with torch's own sampling; cell2sentence does the same with prompts
of its own, in bfloat16 always, and loads the weights again at each call, as its users have it. Free sides write until
the model ends or as many tokens as the words asked for take. All sides have the same weights, threads and process, and
take turns. cell2sentence is left out where it is not installed (`pip install --no-deps cell2sentence==1.2.0`, and
`datasets`).
"""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import tempfile
from pathlib import Path

import numpy as np
from _setup import build_model, build_tokenizer, header, note, seconds, spread

BATCH = 8
TYPES = ("B cell", "CD4 T cell", "CD8 T cell", "CD14+ monocyte", "NK cell", "dendritic cell", "megakaryocyte")


def plain_loop(lm, tokenizer, prompts: list[str], n_tokens: int) -> list[str]:
    """`generate` batch by batch."""
    import torch

    tokenizer.padding_side = "left"
    out = []
    for start in range(0, len(prompts), BATCH):
        batch = tokenizer(prompts[start : start + BATCH], return_tensors="pt", padding=True)
        with torch.no_grad():
            ids = lm.generate(
                input_ids=batch["input_ids"],
                attention_mask=batch["attention_mask"],
                max_new_tokens=n_tokens,
                do_sample=True,
                pad_token_id=tokenizer.pad_token_id,
            )
        out += tokenizer.batch_decode(ids[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
    return out


def cell2sentence(folder: Path, types: list[str], n_words: int, n_tokens: int):
    """`generate_cells_conditioned_on_cell_type`, or None where the package is not installed."""
    try:
        from cell2sentence.csmodel import CSModel
        from cell2sentence.tasks import generate_cells_conditioned_on_cell_type
    except ImportError:
        print("cell2sentence is not installed: left out")
        return None

    def quiet(function, *args, **kwargs):
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            return function(*args, **kwargs)

    model = quiet(CSModel, str(folder), save_dir=str(folder / "peer"), save_name="model")
    how = {"n_genes": n_words, "inference_batch_size": BATCH, "max_num_tokens": n_tokens, "do_sample": True}
    return lambda: quiet(generate_cells_conditioned_on_cell_type, model, types, **how)


def gene_names(n: int) -> list[str]:
    """Symbols of a small data set, then others that scc2s-mini knows, then names such as those of nameless genes."""
    import scanpy as sc

    import scc2s
    import scc2s.train

    small = [name.upper() for name in sc.datasets.pbmc68k_reduced().var_names]
    vocabulary = scc2s.models.load("scc2s-mini", device="cpu", dtype="float32").tokenizer.get_vocab()
    known = sorted(token[1:] for token in vocabulary if token.startswith("\u0120") and token[1:].isupper())
    rest = (f"RP{i % 13}-{i}P{i % 9}.{i % 7}" for i in range(n))
    return list(dict.fromkeys([*small, *(name for name in known if len(name) > 2), *rest]))[:n]


def counted(model, run) -> int:
    """Forward passes that a function takes."""
    calls = []
    hook = model._decoder.base.register_forward_pre_hook(lambda *_: calls.append(1))
    run()
    hook.remove()
    return len(calls)


def set_for(module, name: str, value, run):
    """Run a function while a setting of ours has another value."""

    def changed():
        said = getattr(module, name)
        setattr(module, name, value)
        try:
            return run()
        finally:
            setattr(module, name, said)

    return changed


def step_cost(label: str, model, prompts: list[str], n_steps: int, repeats: int) -> None:
    """Milliseconds a step of one batch, free and held to vocabularies of two sizes."""
    from scc2s.models import GeneVocabulary, Sampling
    from scc2s.models._torch import _write

    prompts = (prompts * BATCH)[:BATCH]
    seeds = list(range(BATCH))

    def write(genes, sampling):
        how = {"genes": genes, "sampling": sampling, "seeds": seeds, "progress": False}
        # One token a step, as where it is free.
        return set_for(_write, "FEW", 0, lambda: model.generate(prompts, max_new_tokens=n_steps, **how))

    print(f"\n{'milliseconds a step':34}{'free':>22}{'held to genes':>22}{'ratio':>22}")
    for n in (765, 20_000):
        genes = GeneVocabulary(gene_names(n), min(n_steps, n))
        for name, sampling in (("greedy", None), ("sampled", Sampling())):
            sides = write(None, sampling), write(genes, sampling)
            steps = np.array([counted(model, side) for side in sides])  # a free model may end early
            taken = 1000 * seconds(*sides, repeats=repeats) / steps[:, None]
            side = f"held to {n:,} genes, {name}"
            note(f"a step of 8 cells, {label}, free = 1", side, "steps/s", 1000 / taken[1], beside=1000 / taken[0])
            print(f"{side:34}{spread(taken[0]):>22}{spread(taken[1]):>22}{spread(taken[1] / taken[0]):>22}")


def together(label: str, model, prompts: list[str], n_words: int, repeats: int) -> None:
    """Cells a second with the tokens that can only come next fed one by one, and together with the one before."""
    from scc2s.models import GeneVocabulary, Sampling, answers
    from scc2s.models._torch import _write

    genes = GeneVocabulary(gene_names(12_000), n_words)
    print(f"\n{'cells a second, rows at once':34}{'one by one':>22}{'together':>22}{'ratio':>22}")
    for n in (1, 4, 16, 32, 64):

        def run(some: list[str] = (prompts * n)[:n]) -> list[str]:
            return answers(model, some, genes=genes, sampling=Sampling(), draws=range(len(some)), progress=False)

        sides = [set_for(_write, "FEW", few, run) for few in (0, n)]
        rates = n / seconds(*sides, repeats=repeats)
        note(f"forced tokens fed together, {label}, one by one = 1", f"{n} rows", "cells/s", rates[1], beside=rates[0])
        print(f"{n:<34}{spread(rates[0]):>22}{spread(rates[1]):>22}{spread(rates[1] / rates[0]):>22}")


def cells_a_second(label: str, folder: Path, n_cells: int, n_words: int, repeats: int) -> None:
    """Whole runs over prompts that ask for cells of several types."""
    import torch
    from transformers import AutoModelForCausalLM

    import scc2s
    import scc2s.train
    from scc2s.models import GeneVocabulary, Sampling, answers
    from scc2s.models._torch import _decoder

    names = gene_names(12_000)
    half, full = (scc2s.models.load(folder, device="cpu", dtype=dtype) for dtype in ("bfloat16", "float32"))
    lm = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).eval()
    types = [TYPES[i % len(TYPES)] for i in range(n_cells)]
    fields = {"organism": "Homo sapiens", "cell_type": types, "n_genes": [str(n_words)] * n_cells}
    prompts = scc2s.prompts.get("generate").render([""] * n_cells, fields).texts
    n_tokens = int(np.ceil(n_words * half.count_tokens([f" {name}" for name in names]).mean()))

    def ours(model, genes):
        how = {"genes": genes, "max_new_tokens": None if genes else n_tokens}
        return lambda: answers(model, prompts, sampling=Sampling(), draws=range(n_cells), progress=False, **how)

    held = GeneVocabulary(names, n_words)
    sides = {
        "plain loop, bfloat16": lambda: plain_loop(lm, half.tokenizer, prompts, n_tokens),
        "cell2sentence, bfloat16": cell2sentence(folder, types, n_words, n_tokens),
        "scc2s, free, bfloat16": ours(half, None),
        "scc2s, held to genes, bfloat16": ours(half, held),
        "held to genes by `generate`, bfloat16": set_for(_decoder, "TESTED", frozenset(), ours(half, held)),
        "scc2s, free, float32": ours(full, None),
        "scc2s, held to genes, float32": ours(full, held),
    }
    sides = {side: run for side, run in sides.items() if run is not None}
    rates = n_cells / seconds(*sides.values(), repeats=repeats)
    print(f"\n{n_cells} cells of {n_words} genes, {n_tokens} tokens at most where free")
    print(f"{'cells a second':38}{'median (range)':>22}{'times plain loop':>22}{'words':>7}{'genes':>8}{'unique':>8}")
    for (side, run), rate in zip(sides.items(), rates, strict=True):
        note(f"new cells of {n_words} genes, {label}", side, "cells/s", rate, beside=rates[0])
        words = [text.split() for text in run()]
        valid = [[word for word in row if word in set(names)] for row in words]
        n_valid = max(1, sum(map(len, valid)))
        print(
            f"{side:38}{spread(rate):>22}{spread(rate / rates[0]):>22}{np.mean([len(row) for row in words]):>7.0f}"
            f"{n_valid / max(1, sum(map(len, words))):>8.1%}{sum(len(set(row)) for row in valid) / n_valid:>8.1%}"
        )


def main() -> None:
    import scc2s
    import scc2s.train

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=("mini", "random"), default="mini")
    parser.add_argument("--cells", type=int, default=64)
    parser.add_argument("--words", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--steps", type=int, default=96)
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    print(f"{header()}, {args.repeats} repeats in turns")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "model"
        if args.model == "mini":
            loaded, label = scc2s.models.load("scc2s-mini", device="cpu", dtype="float32"), "scc2s-mini"
            scc2s.train.save_portable(loaded._decoder.lm, loaded.tokenizer, folder)
        else:
            tokenizer, name = build_tokenizer()
            build_model().save_pretrained(folder)
            tokenizer.save_pretrained(folder)
            label = f"Pythia-70m's shape, random weights, {name} tokenizer"
        print(f"\n== {label}")
        model = scc2s.models.load(folder, device="cpu", dtype="float32")
        step_cost(label, model, ["Genes of one Homo sapiens cell:"], args.steps, args.repeats)
        if args.model == "random":
            together(label, model, ["Genes of one Homo sapiens cell:"], args.words // 2, args.repeats)
        cells_a_second(label, folder, args.cells, args.words, args.repeats)


if __name__ == "__main__":
    main()
