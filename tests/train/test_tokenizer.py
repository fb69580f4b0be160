from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scc2s.train import gene_tokenizer

GENES = ["CD3", "CD3D", "CD38", "HLA-DRA", "RP11-34P13.7", "MT-CO1", "A", "C1orf112", "Cd3e"]
TEXT = ["Below are the genes of one cell, strongest first.\nGenes:", "Cell type: B cell"]


@cache
def made() -> object:
    return gene_tokenizer(GENES, TEXT, n_pieces=320)


@pytest.fixture
def tokenizer() -> object:
    return made()


def test_each_gene_of_a_sentence_is_one_token(tokenizer: object) -> None:
    tokens = tokenizer.tokenize("Genes: " + " ".join(GENES) + "\nCell type:")
    start = tokens.index("Ġ" + GENES[0])
    assert tokens[start : start + len(GENES)] == ["Ġ" + g for g in GENES]


def test_a_full_stop_after_a_gene_leaves_the_gene_whole(tokenizer: object) -> None:
    assert tokenizer.tokenize(" CD3D. CD3,")[0::2] == ["ĠCD3D", "ĠCD3"]
    assert tokenizer.tokenize(" RP11-34P13.7.") == ["ĠRP11-34P13.7", "."]


@settings(deadline=None, max_examples=100)
@given(st.text())
def test_any_text_comes_back_to_the_letter(text: str) -> None:
    tokenizer = made()
    text = text.encode("utf-8", "ignore").decode()
    for special in ("<|endoftext|>", "<|padding|>"):
        text = text.replace(special, "")
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_special_tokens_have_the_first_ids(tokenizer: object) -> None:
    assert (tokenizer.eos_token_id, tokenizer.pad_token_id) == (0, 1)
