from __future__ import annotations

import pytest
from tiny_models import build_tokenizer

import scc2s
from scc2s.models._words import has_genes, own_tokens, word_spans


def test_words_are_those_of_the_span_alone():
    text = "Genes of a cell: CD3D  HLA-DRA\nMT-CO1. Type:"
    span = (text.index("CD3D"), text.index(". Type"))
    assert [text[a:b] for a, b in word_spans(text, span)] == ["CD3D", "HLA-DRA", "MT-CO1"]
    assert word_spans(text, (0, 0)) == []


def test_own_tokens_are_words_that_stay_whole_and_are_known():
    mini = scc2s.models.load("scc2s-mini")
    assert own_tokens(mini.tokenizer, ["CD3D", "Cd3d", "LYZ", "RP11-34P13.7"]).tolist() == [True, False, True, False]
    assert own_tokens(mini.tokenizer, []).tolist() == []


@pytest.mark.parametrize("bos", [False, True])
def test_a_start_token_does_not_count(bos):
    tokenizer = build_tokenizer(bos=bos)
    whole = [word.lstrip("Ġ") for word in tokenizer.get_vocab() if word.startswith("Ġ") and len(word) > 1][:3]
    assert own_tokens(tokenizer, [*whole, "zzzzzz"]).tolist() == [*([True] * len(whole)), False]


def test_a_tokenizer_of_genes_is_told_from_one_of_text():
    assert has_genes(scc2s.models.load("scc2s-mini").tokenizer)
    assert not has_genes(build_tokenizer(bos=False))
