from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from scc2s.models import LabelScores

LOGPROBS = arrays(np.float64, (3, 4), elements=st.floats(-1e4, 0))
N_TOKENS = np.array([2, 3, 1, 7])


@given(LOGPROBS)
@settings(deadline=None, max_examples=50)
def test_probabilities_are_a_softmax_over_the_choices(logprob):
    found = LabelScores(logprob, N_TOKENS).probabilities()
    assert np.allclose(found.sum(axis=1), 1)
    shifted = logprob - np.logaddexp.reduce(logprob, axis=1, keepdims=True)
    assert np.allclose(found, np.exp(shifted))


def test_means_per_token_take_the_length_out():
    scores = LabelScores(np.array([[-2.0, -3.0, -1.0, -7.0]]), N_TOKENS)
    assert scores.per_token().tolist() == [[-1.0, -1.0, -1.0, -1.0]]
    assert np.allclose(scores.probabilities(per_token=True), 0.25)


@given(LOGPROBS, arrays(np.float64, (1, 4), elements=st.floats(-1e4, 0)))
@settings(deadline=None, max_examples=50)
def test_correction_takes_off_what_the_model_likes_anyhow(logprob, null):
    found = LabelScores(logprob, N_TOKENS).corrected(LabelScores(null, N_TOKENS))
    assert np.array_equal(found.logprob, logprob - null)
    same = LabelScores(logprob, N_TOKENS).corrected(LabelScores(logprob, N_TOKENS))
    assert np.allclose(same.probabilities(), 0.25)


def test_null_scores_of_other_choices_are_refused():
    scores = LabelScores(np.zeros((3, 4)), N_TOKENS)
    for other in (LabelScores(np.zeros((1, 3)), N_TOKENS[:3]), LabelScores(np.zeros((2, 4)), N_TOKENS)):
        with pytest.raises(ValueError, match=r"model.score\(\[null_prompt\], choices\)"):
            scores.corrected(other)
    with pytest.raises(ValueError, match="score the same choices"):
        scores.corrected(LabelScores(np.zeros((1, 4)), N_TOKENS + 1))


def test_no_prompts_have_no_probabilities():
    assert LabelScores(np.zeros((0, 4)), N_TOKENS).probabilities().shape == (0, 4)
