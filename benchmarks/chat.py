"""First token of a second question about the same cells, against that of the first one.

Run: python benchmarks/chat.py [--model FOLDER] [--tokens 2000] [--repeats 5]

Without a model: random weights of the shape of Pythia-70m, with a chat template. The sides take turns: "anew" forgets
what was read before each question, "kept" has read the cells for another question. Answers of both are compared.
"""

from __future__ import annotations

import argparse

import numpy as np
from _setup import build_model, build_tokenizer, header, note, seconds

import scc2s
from scc2s.models._torch._model import TorchModel

TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="folder or id of a model that talks")
    parser.add_argument("--tokens", type=int, default=2000, help="tokens of the prompt")
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    model = random_model() if args.model is None else scc2s.models.load(args.model, dtype="float32")
    cells = prompt_of(model, args.tokens)
    questions = iter(f"Question {i}: which genes stand out?" for i in range(10_000))
    kept = model._talker._kept

    def ask() -> str:
        return model.reply([cells, {"role": "user", "content": next(questions)}], max_new_tokens=1)

    def anew() -> str:
        kept.clear()
        return ask()

    taken = seconds(anew, ask, repeats=args.repeats)
    ratio = taken[0] / taken[1]
    print(header())
    print(f"{model.id}, {model.count_message_tokens([cells, {'role': 'user', 'content': '?'}])} tokens")
    for name, row in zip(("anew", "kept"), taken, strict=True):
        print(f"{name}: {np.median(row):.3f} s (from {row.min():.3f} to {row.max():.3f})")
    print(f"{np.median(ratio):.1f} times as fast (from {ratio.min():.1f} to {ratio.max():.1f})")
    print(f"the same answers: {same(model, cells)}")
    note("first token of a question", "cells kept", "s", taken[1], beside=taken[0])


def random_model() -> TorchModel:
    tokenizer, _ = build_tokenizer()
    tokenizer.chat_template = TEMPLATE
    lm = build_model()
    lm.config.max_position_embeddings = 4096
    return TorchModel(lm, tokenizer, id="random, shape of Pythia-70m")


def prompt_of(model: TorchModel, n_tokens: int) -> dict[str, str]:
    """Real cells, as many of their genes as give so many tokens."""
    import scanpy as sc

    adata = sc.datasets.pbmc68k_reduced()
    scc2s.pp.sentences(adata, n_genes=200)
    words = " ".join(adata.obs["c2s_sentence"].iloc[:40]).split()
    low, high = 1, len(words)
    while high - low > 1:
        middle = (low + high) // 2
        message = {"role": "user", "content": " ".join(words[:middle])}
        low, high = (middle, high) if model.count_message_tokens([message]) <= n_tokens else (low, middle)
    return {"role": "system", "content": " ".join(words[:low])}


def same(model: TorchModel, cells: dict[str, str]) -> bool:
    """Whether answers do not depend on what was kept."""
    asked = [cells, {"role": "user", "content": "Which genes?"}]
    model.reply([cells, {"role": "user", "content": "Another question?"}], max_new_tokens=4)
    first = model.reply(asked, max_new_tokens=12)
    model._talker._kept.clear()
    return first == model.reply(asked, max_new_tokens=12)


if __name__ == "__main__":
    main()
