"""Numbers of models that were kept are those that were asked for, whatever happened to the file."""

from __future__ import annotations

import numpy as np
import pytest

from scc2s.models import CallableModel, ResponseCache
from scc2s.models._kept import blocks, kept
from scc2s.models._numbers import embeddings, label_scores, likelihoods

PROMPTS = [f"cell {i} " + "GENE " * (i % 7) for i in range(100)]


def vectors(prompts: list[str]) -> np.ndarray:
    return np.array([[len(p), hash_of(p), *range(200)] for p in prompts], dtype=np.float32)


def hash_of(text: str) -> float:
    return sum((i + 1) * ord(letter) for i, letter in enumerate(text)) / 7


def counting(calls: list[str], **arguments) -> CallableModel:
    def embed(prompts):
        calls.extend(prompts)
        return vectors(prompts)

    def score(prompts, choices):
        calls.extend(prompts)
        return np.array([[hash_of(p + c) for c in choices] for p in prompts])

    return CallableModel(embed=embed, score=score, **({"id": "counting"} | arguments))


def test_equal_questions_are_asked_once_with_and_without_a_cache(tmp_path):
    for cache in (None, tmp_path / "c.sqlite"):
        calls: list[str] = []
        found = embeddings(counting(calls), [*PROMPTS, *PROMPTS[::-1]], cache=cache)
        assert sorted(calls) == sorted(PROMPTS)
        assert np.array_equal(found, vectors([*PROMPTS, *PROMPTS[::-1]]))


def test_a_second_run_asks_nothing_and_a_longer_one_only_for_the_rest(tmp_path):
    calls: list[str] = []
    model, cache = counting(calls), ResponseCache(tmp_path / "c.sqlite")
    first = embeddings(model, PROMPTS[:60], cache=cache)
    calls.clear()
    assert np.array_equal(embeddings(model, PROMPTS[:60], cache=cache), first)
    assert not calls
    assert np.array_equal(embeddings(model, PROMPTS, cache=cache), vectors(PROMPTS))
    assert sorted(calls) == sorted(PROMPTS[60:])


def test_poolings_layers_and_spans_that_share_a_cache_never_mix(tmp_path, tiny):
    model, prompts, cache = tiny("gpt_neox"), ["A B C D", "B C A"], tmp_path / "c.sqlite"
    for change in ({}, {"pooling": "last"}, {"layer": 1}, {"spans": [(0, 3), (2, 5)]}):
        alone = embeddings(model, prompts, **change)
        for _ in range(2):
            assert np.array_equal(embeddings(model, prompts, cache=cache, **change), alone), change


def test_models_and_choices_that_share_a_cache_never_mix(tmp_path):
    cache = tmp_path / "c.sqlite"
    one, other = (
        counting([]),
        CallableModel(score=lambda prompts, choices: np.full((len(prompts), len(choices)), -1.0), id="another"),
    )
    for choices in ([" B", " T"], [" T", " B"], [" B"], [" B", " T", " NK"]):
        for model in (one, other):
            alone = label_scores(model, PROMPTS[:5], choices)
            for _ in range(2):
                shared = label_scores(model, PROMPTS[:5], choices, cache=cache)
                assert np.array_equal(shared.logprob, alone.logprob)
                assert np.array_equal(shared.n_tokens, alone.n_tokens)


def test_dtypes_that_share_a_cache_never_mix(tmp_path, tiny):
    model, half = tiny("gpt_neox"), tiny("gpt_neox", dtype="bfloat16")
    prompts, cache = ["A B C D", "B C"], tmp_path / "c.sqlite"
    for _ in range(2):
        for one in (model, half):
            assert np.array_equal(embeddings(one, prompts, cache=cache), embeddings(one, prompts))
            found, alone = (likelihoods(one, prompts, [" A", " B"], cache=c).logprob for c in (cache, None))
            assert np.array_equal(found, alone)


def test_a_number_that_has_changed_on_the_disk_is_asked_for_again(tmp_path, caplog):
    path, calls = tmp_path / "c.sqlite", []
    model, expected = counting(calls), vectors(PROMPTS)
    embeddings(model, PROMPTS, cache=path)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    start = len(whole) // 4  # past the first page, which is the table of tables
    damaged = 0
    for _ in range(60):
        at = int(rng.integers(start, len(whole)))
        path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << int(rng.integers(8)))]) + whole[at + 1 :])
        calls.clear()
        caplog.clear()
        try:
            found = embeddings(model, PROMPTS, cache=path)
        except (OSError, ValueError) as error:
            assert "pass another cache=" in str(error)
            continue
        assert np.array_equal(found, expected)
        if "are damaged, and are asked for again" in caplog.text:
            damaged += 1
            assert calls
            calls.clear()
            assert np.array_equal(embeddings(model, PROMPTS, cache=path), expected)  # mended by now
            assert not calls
    assert damaged > 20


def test_blocks_of_a_run_that_goes_on_are_those_of_one_that_was_never_cut():
    whole = list(blocks(range(1000), set(range(1000))))
    for n_done in range(len(whole)):
        done = {row for block in whole[:n_done] for row in block}
        assert list(blocks(range(1000), set(range(1000)) - done)) == whole[n_done:]


def test_a_model_without_a_name_is_refused_with_a_cache_alone(tmp_path):
    with pytest.raises(ValueError, match="id='my-model'"):
        embeddings(CallableModel(embed=vectors), PROMPTS, cache=tmp_path / "c.sqlite")
    assert len(embeddings(CallableModel(embed=vectors), PROMPTS)) == len(PROMPTS)


def test_nothing_is_asked_of_nobody():
    assert kept(counting([]), {}, [], lambda rows, progress: pytest.fail("asked")) == []
