from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import torch
from tiny_gene_model import write_tiny_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from scc2s import train
from scc2s.train._encode import encode
from scc2s.train._held_out import answer_hash, held_out_loss

if TYPE_CHECKING:
    from pathlib import Path

GENES = [f"G{i}" for i in range(12)]
ROWS = [
    ("Genes: G1 G2\nCell type:", " B cell", "cell_type"),
    ("Genes: G3 G4 G5 G6\nCell type:", " T cell", "cell_type"),
    ("Genes: G7\nCell type:", " B cell", "cell_type"),
    ("Next:", " G1 G2 G3 G4 G5", "generate"),
]
SAMPLES = pd.DataFrame(ROWS, columns=["prompt", "completion", "task"])


@pytest.fixture
def tiny(tmp_path: Path) -> tuple:
    folder = write_tiny_model(tmp_path / "tiny", GENES, labels=["B cell", "T cell"])
    return AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)


def test_it_is_the_loss_of_transformers_whatever_the_batches(tiny: tuple) -> None:
    model, tokenizer = tiny
    want: dict[str, list] = {"cell_type": [], "generate": []}
    model.eval()
    for prompt, completion, task in ROWS:
        ids = tokenizer(prompt + completion)["input_ids"] + [tokenizer.eos_token_id]
        labels = torch.tensor([ids])
        labels[0, : len(tokenizer(prompt)["input_ids"])] = -100
        n = int((labels != -100).sum())
        with torch.no_grad():
            loss = float(model(input_ids=torch.tensor([ids]), labels=labels).loss)
        want[task].append((loss * n, n))
    of_task = {task: sum(a for a, _ in parts) / sum(n for _, n in parts) for task, parts in want.items()}
    model.train()
    tokens = encode(tokenizer, SAMPLES, max_length=None, window=None)
    for size in (1, 3, 100):
        found = held_out_loss(model, tokens, SAMPLES["task"].to_numpy(), batch_size=size, pad_token=1)
        assert found == pytest.approx(
            {
                "loss": (3 * of_task["cell_type"] + of_task["generate"]) / 4,
                "loss_cell_type": of_task["cell_type"],
                "loss_generate": of_task["generate"],
            },
            rel=1e-5,
        )
    assert model.training


def test_one_task_has_one_loss(tiny: tuple) -> None:
    model, tokenizer = tiny
    own = SAMPLES.iloc[:3]
    found = held_out_loss(model, encode(tokenizer, own, max_length=None, window=None), np.array(["t"] * 3))
    assert list(found) == ["loss"]


def test_tokens_of_answers_have_a_hash_whatever_their_numbers(tiny: tuple) -> None:
    _, tokenizer = tiny
    other = train.gene_tokenizer(["X", *GENES], ["Genes: Cell type: B cell T cell"], n_pieces=300)
    same, words = (
        answer_hash(t, encode(t, SAMPLES.iloc[3:], max_length=None, window=None)) for t in (tokenizer, other)
    )
    assert same == words  # the same genes, under other numbers
    fewer = train.gene_tokenizer(GENES[:3], ["Genes: Cell type: B cell T cell"], n_pieces=300)
    assert answer_hash(fewer, encode(fewer, SAMPLES.iloc[3:], max_length=None, window=None)) != same
