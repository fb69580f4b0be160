from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import ANSWERS, CONFIGS, prompts

from scc2s.models._tokens import tokenize
from scc2s.models._torch import _decoder
from scc2s.models._torch._prefix import common_prefix, growing, read_only, shared_start

ROWS = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=8).map(np.array), min_size=1, max_size=6)


@given(ROWS, st.lists(st.integers(0, 2), max_size=5).map(np.array))
@settings(deadline=None, max_examples=100)
def test_the_shared_start_is_the_longest_that_leaves_every_row_a_token(rows, start):
    rows = [np.concatenate([start, row]).astype(int) for row in rows]
    n = common_prefix(rows)
    assert all(np.array_equal(row[:n], rows[0][:n]) for row in rows)
    assert n < min(len(row) for row in rows)
    longer = n + 1
    assert longer == min(len(row) for row in rows) or len({tuple(row[:longer]) for row in rows}) > 1


def test_no_rows_share_nothing():
    assert common_prefix([]) == 0


@pytest.mark.parametrize("kind", sorted(CONFIGS))
def test_shared_start_gives_what_whole_prompts_give(tiny, kind, monkeypatch):
    model = tiny(kind)
    texts = prompts(7, 2)
    assert shared_start(model._decoder, tokenize(model.tokenizer, texts).ids).n >= 9
    shared = model.embed(texts), model.embed(texts, layer=1), model.score(texts, ANSWERS).logprob
    monkeypatch.setattr(_decoder, "TESTED", frozenset())
    assert shared_start(model._decoder, tokenize(model.tokenizer, texts).ids).n == 0
    assert np.abs(model.embed(texts) - shared[0]).max() < 1e-5
    assert np.abs(model.embed(texts, layer=1) - shared[1]).max() < 1e-5
    assert np.abs(model.score(texts, ANSWERS).logprob - shared[2]).max() < 1e-4


def test_prompts_that_are_all_equal_are_embedded_alike(tiny):
    model = tiny("gpt_neox")
    text = prompts(1, 3)[0]
    found = model.embed([text] * 4)
    assert np.abs(found - model.embed([text])).max() < 1e-5


def test_a_read_only_cache_stays_as_it_is(tiny):
    decoder = tiny("gpt_neox")._decoder
    cache = growing(None, 1)
    with torch.inference_mode():
        decoder.hidden(torch.tensor([[3, 4, 5]]), cache=cache)
        fixed = read_only(cache)
        first = decoder.hidden(torch.tensor([[6, 7], [8, 9]]), cache=fixed)
        again = decoder.hidden(torch.tensor([[6, 7], [8, 9]]), cache=fixed)
    assert fixed.get_seq_length() == 3
    assert torch.equal(first, again)
