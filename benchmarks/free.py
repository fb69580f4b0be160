"""Writing freely in float32, batches of 8: scc2s against cell2sentence and transformers' `generate`, per CPU second.

Run: OMP_NUM_THREADS=1 python benchmarks/free.py [--cells 16] [--words 50] [--repeats 5] [--model mini] [--profile]

All sides have the same weights, number of prompts, threads and process, sample from all tokens, and take turns. Sides
may end early, so what counts is the tokens written, counted with each side's own tokenizer after the run. cell2sentence
(1.2.0, `pip install --no-deps cell2sentence`) is left out where it is not installed. `--profile` shows where the time
of a step of ours goes, free and held to genes.
"""

from __future__ import annotations

import argparse
import logging
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from _cores import processor
from _setup import build_model, build_tokenizer, header, note, spread
from generate import BATCH, TYPES, cell2sentence, gene_names, plain_loop

KINDS = {
    "linear layers": ("aten::addmm", "aten::mm", "mkldnn::_linear_pointwise", "aten::linear"),
    "attention": ("aten::_scaled_dot_product_flash_attention_for_cpu", "aten::bmm", "aten::baddbmm"),
    "keys and values": ("aten::index_copy_", "aten::cat", "aten::constant_pad_nd"),
    "norms and activations": ("aten::native_layer_norm", "aten::gelu"),
    "choosing and masking": (
        "aten::_softmax", "aten::sum", "aten::cumsum", "aten::searchsorted", "aten::argmax", "aten::masked_fill_",
        "aten::index_put_", "aten::_index_put_impl_", "aten::index", "aten::where", "aten::nonzero", "aten::amax",
    ),
}  # fmt: skip


def rates(sides, repeats: int, count) -> dict[str, np.ndarray]:
    """Tokens per CPU second of each side and repeat."""
    out = {name: np.empty(repeats) for name in sides}
    for repeat in range(-1, repeats):
        for name in sides if repeat % 2 else reversed(sides):
            start = time.process_time()
            texts = sides[name]()
            took = time.process_time() - start
            if repeat >= 0:
                out[name][repeat] = count(texts) / took
    return out


def profile(run) -> None:
    """Where the time goes: kernels by kind, and what is left, which is Python and small operations."""
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as watched

    run()
    with watched(activities=[ProfilerActivity.CPU]) as seen:
        start = time.perf_counter()  # what the profiler counts is wall time
        run()
        whole = time.perf_counter() - start
    took = {event.key: event.self_cpu_time_total / 1e6 for event in seen.key_averages()}
    left = 1.0
    for kind, names in KINDS.items():
        share = sum(took.get(name, 0) for name in names) / whole
        left -= share
        print(f"  {kind:26}{share:7.0%}")
    print(f"  {'Python, small operations':26}{max(0.0, left):7.0%}")


def main() -> None:
    import torch
    from transformers import AutoModelForCausalLM

    import scc2s
    import scc2s.train
    from scc2s.models import GeneVocabulary, Sampling, answers

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=("mini", "random"), default="mini")
    parser.add_argument("--cells", type=int, default=16)
    parser.add_argument("--words", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--profile", action="store_true")
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    os.environ["TQDM_DISABLE"] = "1"
    print(f"{header()}\n{processor()}")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "model"
        if args.model == "mini":
            loaded = scc2s.models.load("scc2s-mini", device="cpu", dtype="float32")
            scc2s.train.save_portable(loaded._decoder.lm, loaded.tokenizer, folder)
        else:
            build_model().save_pretrained(folder)
            build_tokenizer()[0].save_pretrained(folder)
        model = scc2s.models.load(folder, device="cpu", dtype=args.dtype)
        lm = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, args.dtype)).eval()
        types = [TYPES[i % len(TYPES)] for i in range(args.cells)]
        fields = {"organism": "Homo sapiens", "cell_type": types, "n_genes": [str(args.words)] * args.cells}
        prompts = scc2s.prompts.get("generate").render([""] * args.cells, fields).texts
        names = gene_names(12_000)
        n_tokens = int(np.ceil(args.words * model.count_tokens([f" {name}" for name in names]).mean()))

        def ours(genes=None, some: int | None = None):
            how = {"genes": genes, "max_new_tokens": None if genes else n_tokens, "progress": False}
            groups = [prompts[i : i + some] for i in range(0, len(prompts), some)] if some else [prompts]
            return lambda: [
                text
                for group in groups
                for text in answers(model, group, sampling=Sampling(), draws=range(len(group)), **how)
            ]

        sides = {
            "generate of transformers": lambda: plain_loop(lm, model.tokenizer, prompts, n_tokens),
            "scc2s, batches of 8": ours(some=BATCH),
            "scc2s, its own batches": ours(),
        }
        if (peer := cell2sentence(folder, types, args.words, n_tokens)) is not None and args.dtype == "float32":
            sides = {"cell2sentence": peer, **sides}

        def count(texts) -> int:
            return int(model.count_tokens([text or " " for text in texts]).sum())

        found = rates(sides, args.repeats, count)
        beside = next(iter(found.values()))
        print(f"\n{args.cells} cells of {args.words} genes, {n_tokens} tokens at most, {args.model}, {args.dtype}")
        print(f"{'tokens per CPU second':28}{'median (range)':>26}{f'times {next(iter(found))}':>32}")
        for side, rate in found.items():
            note(f"free writing, {args.model}, {args.dtype}", side, "tokens/CPU s", rate, beside=beside)
            print(f"{side:28}{spread(rate):>26}{spread(rate / beside):>32}")
        if args.profile:
            for name, run in {
                "free": ours(some=BATCH),
                "held to genes": ours(GeneVocabulary(names, args.words), BATCH),
            }.items():
                print(f"\nshares of the CPU time, {name}, batches of 8")
                profile(run)


if __name__ == "__main__":
    main()
