"""No number that is none comes through the gate, whoever gave it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_models import build_model, build_tokenizer

import scc2s
from scc2s.models import CallableModel, LabelScores, answers
from scc2s.models._numbers import attention_maps, embeddings, label_scores, likelihoods

PROMPTS = ["A B", "C"]
BAD = [np.nan, np.inf, -np.inf]


class Attends:
    id = "attends"

    def __init__(self, values) -> None:
        self.values = values

    def attention(self, prompts, words, *, layer):
        return self.values


@pytest.mark.parametrize("bad", BAD)
def test_numbers_that_are_not_finite_are_refused_with_the_number_format_that_mends(bad):
    one_bad = [[1.0, bad], [1.0, 2.0]]
    calls = [
        lambda: embeddings(CallableModel(embed=lambda p: np.array(one_bad)), PROMPTS),
        lambda: label_scores(CallableModel(score=lambda p, c: np.array(one_bad)), PROMPTS, ["x", "y"]),
        lambda: likelihoods(CallableModel(log_likelihood=lambda p, a: [bad, 0.0]), PROMPTS, ["x", "y"]),
        lambda: attention_maps(Attends([np.array([[bad]]), np.ones((1, 1))]), PROMPTS, [[(0, 1)], [(0, 1)]]),
    ]
    for call in calls:
        with pytest.raises(FloatingPointError, match=r"not finite.*dtype='float32'"):
            call()


def test_numbers_too_large_for_float32_are_refused_where_that_is_what_is_kept():
    with pytest.raises(FloatingPointError, match="not finite"):
        embeddings(CallableModel(embed=lambda p: np.full((len(p), 2), 1e300)), PROMPTS)


@pytest.mark.parametrize(
    "found",
    [None, "text", [["a", "b"]] * 2, [[1.0], [1.0, 2.0]], [1.0, 2.0], np.zeros((3, 2)), np.zeros((2, 2, 2)),
     [[1j, 2], [3, 4]], [[None, 1.0], [1.0, 2.0]]],
    ids=repr,
)  # fmt: skip
def test_what_has_another_shape_or_is_no_number_is_refused_in_plain_words(found):
    with pytest.raises((TypeError, ValueError, FloatingPointError), match="embed= gave|not finite"):
        embeddings(CallableModel(embed=lambda p: found), PROMPTS)


@pytest.mark.parametrize("found", [None, "text", ["a", None], ["a", np.nan], ["a", 5], ["a"]], ids=repr)
def test_answers_that_are_no_texts_are_refused_and_never_written_out_as_such(found):
    with pytest.raises((TypeError, ValueError), match="generate= gave"):
        answers(CallableModel(generate=lambda p: found), PROMPTS, max_new_tokens=1)


def test_scores_of_their_own_kind_keep_their_numbers_of_tokens():
    model = CallableModel(score=lambda p, c: LabelScores(np.zeros((len(p), len(c))), np.array([2, 3])))
    assert label_scores(model, PROMPTS, ["x", "y"]).n_tokens.tolist() == [2, 3]


def test_nothing_that_is_refused_is_kept(tmp_path):
    cache, values = tmp_path / "c.sqlite", [np.nan]
    model = CallableModel(embed=lambda p: np.full((len(p), 1), values[0]), id="sometimes")
    with pytest.raises(FloatingPointError):
        embeddings(model, PROMPTS, cache=cache)
    values[0] = 1.0
    assert embeddings(model, PROMPTS, cache=cache).tolist() == [[1.0], [1.0]]


@pytest.fixture(scope="module")
def overflows(tmp_path_factory):
    """A model whose float16 hidden states overflow."""
    lm = build_model("llama")
    with torch.no_grad():
        lm.model.layers[1].mlp.down_proj.weight *= 1e6
    folder = tmp_path_factory.mktemp("overflows")
    lm.save_pretrained(folder)
    build_tokenizer(bos=False).save_pretrained(folder)
    return folder


def test_a_real_model_that_overflows_in_float16_is_refused_in_every_question(overflows):
    model = scc2s.models.load(overflows, dtype="float16", device="cpu")
    words = [[(0, 1), (2, 3)], [(0, 1)]]
    for call in (
        lambda: embeddings(model, PROMPTS),
        lambda: label_scores(model, PROMPTS, [" x", " y"]),
        lambda: likelihoods(model, PROMPTS, [" x", " y"]),
        lambda: attention_maps(model, PROMPTS, words),
    ):
        with pytest.raises(FloatingPointError, match="float32"):
            call()
