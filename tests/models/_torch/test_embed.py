from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import CONFIGS, OTHERS, mean_states, prompts, states_of

KINDS = ["gpt_neox", "gemma2"]
ALL = sorted(CONFIGS | OTHERS)


@pytest.mark.parametrize("kind", ALL)
def test_the_mean_is_that_of_transformers_own_hidden_states(tiny, kind):
    model = tiny(kind)
    texts = prompts(6, 1)
    found = model.embed(texts)
    assert found.dtype == np.float32
    assert np.abs(found - mean_states(model, texts)).max() < 1e-5


@pytest.mark.parametrize("kind", ALL)
def test_a_cell_alone_and_in_any_batch_has_one_embedding(tiny, kind):
    model = tiny(kind)
    texts = prompts(8, 2)
    together = model.embed(texts)
    assert np.abs(together - np.concatenate([model.embed([text]) for text in texts])).max() < 1e-5
    other = prompts(5, 99, genes=(60, 80))
    assert np.abs(together - model.embed([*other, *texts])[5:]).max() < 1e-5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("budget", [1, 150, 10**6])
def test_results_stand_in_the_order_of_the_prompts_whatever_the_batches(tiny, kind, budget, monkeypatch):
    model = tiny(kind)
    texts = prompts(11, 3)
    expected = model.embed(texts)
    monkeypatch.setattr(model, "token_budget", budget)
    shuffled = np.random.default_rng(0).permutation(len(texts))
    assert np.abs(model.embed([texts[i] for i in shuffled]) - expected[shuffled]).max() < 1e-5


def test_windows_of_prompts_meet_without_a_seam(tiny, monkeypatch):
    model = tiny("gpt_neox")
    texts = prompts(11, 3)
    expected = model.embed(texts)
    monkeypatch.setattr("scc2s.models._tokens._WINDOW", 4)
    assert np.abs(model.embed(texts) - expected).max() < 1e-5


@pytest.mark.parametrize("kind", KINDS)
def test_the_padding_side_of_the_tokenizer_changes_nothing(tiny, kind, monkeypatch):
    model = tiny(kind)
    texts = prompts(5, 4)
    expected = {pooling: model.embed(texts, pooling=pooling) for pooling in ("mean", "last")}
    for side in ("left", "right"):
        monkeypatch.setattr(model.tokenizer, "padding_side", side)
        for pooling, values in expected.items():
            assert np.array_equal(model.embed(texts, pooling=pooling), values)


@pytest.mark.parametrize("kind", ALL)
def test_any_layer_is_that_of_output_hidden_states(tiny, kind):
    model = tiny(kind)
    texts = prompts(4, 5)
    for layer in range(-4, 4):
        assert np.abs(model.embed(texts, layer=layer) - mean_states(model, texts, layer)).max() < 1e-5


@pytest.mark.parametrize("kind", ALL)
def test_layers_above_the_one_asked_for_and_the_head_are_not_run(tiny, kind):
    model = tiny(kind)
    run: list[object] = []
    watched = [*model._decoder._blocks[2:], model._decoder.lm.get_output_embeddings()]
    handles = [module.register_forward_hook(lambda module, *_: run.append(module)) for module in watched]
    try:
        model.embed(prompts(2, 6), layer=2)
        assert run == []
        model.embed(prompts(2, 6))
        assert watched[-1] not in run
    finally:
        for handle in handles:
            handle.remove()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layer", [-1, 1])
def test_pooling_last_is_the_last_token_that_is_no_padding(tiny, kind, layer):
    model = tiny(kind)
    texts = prompts(5, 7)
    expected = np.array([states_of(model, text)[layer][-1] for text in texts])
    assert np.abs(model.embed(texts, pooling="last", layer=layer) - expected).max() < 1e-5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pooling", ["mean", "last"])
@given(data=st.data())
@settings(deadline=None, max_examples=10)
def test_spans_pool_the_tokens_of_their_characters(tiny, kind, pooling, data):
    model = tiny(kind)
    texts = prompts(3, data.draw(st.integers(0, 50)))
    starts = [data.draw(st.integers(0, len(text) - 2)) for text in texts]
    spans = [(start, data.draw(st.integers(start + 1, len(text)))) for text, start in zip(texts, starts, strict=True)]
    expected = []
    for text, (start, end) in zip(texts, spans, strict=True):
        offsets = model.tokenizer(text, return_offsets_mapping=True)["offset_mapping"]
        inside = [i for i, (a, b) in enumerate(offsets) if set(range(a, b)) & set(range(start, end))]
        if not inside:  # a space, which belongs to no token
            with pytest.raises(ValueError, match="lies in its span"):
                model.embed(texts, spans=spans, pooling=pooling)
            return
        states = states_of(model, text)[-1][inside]
        expected.append(states.mean(axis=0) if pooling == "mean" else states[-1])
    assert np.abs(model.embed(texts, spans=spans, pooling=pooling) - np.array(expected)).max() < 1e-5


def test_a_span_over_everything_is_no_span(tiny):
    model = tiny("gpt_neox")
    texts = prompts(4, 8)
    spans = [(0, len(text)) for text in texts]
    assert np.abs(model.embed(texts, spans=spans) - model.embed(texts)).max() < 1e-6


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_is_close_and_pooled_in_float32(tiny, kind, dtype):
    texts = prompts(6, 9)
    exact, half = tiny(kind).embed(texts), tiny(kind, dtype).embed(texts)
    assert half.dtype == np.float32
    cosine = (exact * half).sum(axis=1) / np.linalg.norm(exact, axis=1) / np.linalg.norm(half, axis=1)
    assert cosine.min() > 0.99
    alone = np.concatenate([tiny(kind, dtype).embed([text]) for text in texts])
    assert np.abs(half - alone).max() < 0.1


def test_padding_that_overflows_does_not_reach_the_result(tiny, monkeypatch):
    model = tiny("gpt_neox", "float16")
    texts = prompts(4, 10)
    expected = model.embed(texts)
    hidden = type(model._decoder).hidden

    padded = []

    def overflow(self, ids, **arguments):
        states = hidden(self, ids, **arguments).clone()
        for row, last in enumerate(ids[:, -1]):
            n = int((ids[row] == last).sum())  # a prompt has its last token once, padding repeats it
            if n > 1:
                padded.append(row)
                states[row, 1 - n :] = torch.inf
        return states

    monkeypatch.setattr(type(model._decoder), "hidden", overflow)
    assert np.array_equal(model.embed(texts), expected)
    assert padded


def test_overflow_of_the_cells_themselves_is_an_error(tiny, monkeypatch):
    model = tiny("gpt_neox", "float16")
    monkeypatch.setattr(type(model._decoder), "hidden", lambda self, ids, **_: torch.full((*ids.shape, 32), torch.inf))
    with pytest.raises(FloatingPointError, match="bfloat16"):
        model.embed(prompts(1, 0))


def test_out_of_memory_halves_the_batches_and_the_result_is_the_same(tiny, monkeypatch):
    model = tiny("gemma2")
    texts = prompts(12, 11)
    expected = model.embed(texts)
    forward = model._decoder.base.forward
    sizes: list[int] = []

    def small_device(*args, **kwargs):
        sizes.append(kwargs["input_ids"].numel())
        if sizes[-1] > 200:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return forward(*args, **kwargs)

    monkeypatch.setattr(model._decoder.base, "forward", small_device)
    assert np.abs(model.embed(texts) - expected).max() < 1e-5
    assert max(sizes) > 200


def test_no_cells_give_no_rows(tiny):
    assert tiny("gpt_neox").embed([]).shape == (0, 32)


def test_the_global_random_state_is_not_touched(tiny):
    before = np.random.get_state()[1].copy(), torch.get_rng_state().clone()  # noqa: NPY002
    tiny("gpt_neox").embed(prompts(3, 1))
    assert np.array_equal(np.random.get_state()[1], before[0])  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before[1])


def test_wrong_arguments_say_what_is_right(tiny):
    model = tiny("gpt_neox")
    texts = prompts(2, 0)
    with pytest.raises(ValueError, match='pooling="mean" or pooling="last"'):
        model.embed(texts, pooling="max")
    with pytest.raises(ValueError, match=r"no layer 4; use layer=-1 \(last\) or a number from 0"):
        model.embed(texts, layer=4)
    with pytest.raises(ValueError, match="no layer -5"):
        model.embed(texts, layer=-5)
    with pytest.raises(ValueError, match="1 spans for 2 prompts"):
        model.embed(texts, spans=[(0, 3)])
    with pytest.raises(ValueError, match="no token of prompt 1 lies in its span"):
        model.embed(texts, spans=[(0, 3), (5, 5)])
    with pytest.raises(ValueError, match="prompt 1 is empty"):
        model.embed([texts[0], ""])
    with pytest.raises(ValueError, match="do not fit the context of 512 tokens"):
        model.embed([*texts, "CD1 " * 600])
    with pytest.raises(TypeError, match="where a list"):
        model.embed(texts[0])
