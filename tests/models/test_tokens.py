from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import build_tokenizer, prompts

from scc2s.models._tokens import as_list, check_lengths, in_span, tokenize, windows


@pytest.mark.parametrize("bos", [False, True])
def test_special_tokens_are_those_of_the_tokenizer_itself(bos):
    tokenizer = build_tokenizer(bos=bos)
    texts = prompts(5, 1)
    tokens = tokenize(tokenizer, texts)
    assert [row.tolist() for row in tokens.ids] == [tokenizer(text).input_ids for text in texts]
    assert (tokens.ids[0][0] == tokenizer.bos_token_id) == bos
    assert tokens.lengths.tolist() == [len(row) for row in tokens.ids]


def test_no_texts_give_no_tokens():
    assert tokenize(build_tokenizer(bos=False), [], offsets=True).lengths.tolist() == []


@given(st.data())
@settings(deadline=None, max_examples=50)
def test_tokens_of_a_span_are_those_that_share_a_character_with_it(data):
    tokenizer = build_tokenizer_once()
    text = data.draw(st.text(alphabet="AB CD4é-7.", min_size=1, max_size=30))
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    offsets = tokenize(tokenizer, [text], offsets=True).offsets[0]
    expected = [bool(set(range(a, b)) & set(range(start, end))) for a, b in offsets]
    assert in_span(offsets, (start, end)).tolist() == expected


def build_tokenizer_once(cache: dict = {}):  # noqa: B006
    if not cache:
        cache["tokenizer"] = build_tokenizer(bos=True)
    return cache["tokenizer"]


@given(st.integers(0, 20000))
@settings(deadline=None, max_examples=30)
def test_windows_cover_all_prompts_once(n):
    assert sum((list(range(n))[window] for window in windows(n)), []) == list(range(n))


def test_a_lone_text_is_refused():
    with pytest.raises(TypeError, match=r"write \[text\]"):
        as_list("CD3D CD3E")


def test_prompts_over_the_context_are_refused_never_cut():
    with pytest.raises(
        ValueError, match=r"1 prompts do not fit the context of 8 tokens \(prompt 12 has 9\).*max_tokens=8"
    ):
        check_lengths(np.array([3, 8, 9]), 8, first=10)
    with pytest.raises(ValueError, match=r"has 8 and 2 of the answer.*max_tokens=6"):
        check_lengths(np.array([3, 8]), 8, extra=2, extra_name="the answer")
    check_lengths(np.array([10**6]), None)


def test_an_empty_prompt_is_refused():
    with pytest.raises(ValueError, match="prompt 1 is empty"):
        check_lengths(np.array([3, 0]), 8)
