from __future__ import annotations

import numpy as np
import pytest

from scc2s.models import CallableModel, Embeds, Generates, LabelScores, Scores


def lengths(prompts):
    return [[len(prompt), 1] for prompt in prompts]


def test_it_can_do_what_it_has_a_function_for():
    model = CallableModel(embed=lengths)
    assert isinstance(model, Embeds)
    assert not isinstance(model, Scores)
    assert not isinstance(model, Generates)


def test_vectors_are_float32_and_spans_are_cut_out():
    model = CallableModel(embed=lengths)
    assert model.embed(["abc", "d"]).dtype == np.float32
    assert model.embed(["abc", "d"], spans=[(1, 3), (0, 1)])[:, 0].tolist() == [2, 1]
    with pytest.raises(ValueError, match="neither layers nor tokens"):
        model.embed(["abc"], layer=3)


def test_scores_are_log_likelihoods_or_label_scores():
    model = CallableModel(score=lambda prompts, choices: -np.ones((len(prompts), len(choices))))
    found = model.score(["a"], ["b", "c"])
    assert found.logprob.tolist() == [[-1, -1]]
    assert found.n_tokens.tolist() == [1, 1]
    whole = LabelScores(np.zeros((1, 2)), np.array([3, 4]))
    assert CallableModel(score=lambda prompts, choices: whole).score(["a"], ["b", "c"]) is whole


def test_a_function_that_gives_the_wrong_number_is_named():
    with pytest.raises(ValueError, match="one vector for each of the 2 prompts"):
        CallableModel(embed=lambda prompts: [1.0]).embed(["a", "b"])
    with pytest.raises(ValueError, match=r"shape \(1, 1\); return \(2, 1\)"):
        CallableModel(score=lambda prompts, choices: [[0.0]]).score(["a", "b"], ["c"])
    with pytest.raises(ValueError, match="gave 1 answers"):
        CallableModel(generate=lambda prompts: ["x"]).generate(["a", "b"], max_new_tokens=1)


def test_it_counts_words_and_says_what_it_is():
    model = CallableModel(generate=lambda prompts: prompts, id="mine", labels=["B cell"])
    assert model.count_tokens(["A B  C", ""]).tolist() == [3, 0]
    assert model.info()["id"] == "mine"
    assert (model.family, model.labels, model.max_tokens) == ("scc2s", ["B cell"], None)


def test_numbers_that_a_mask_hides_are_not_taken_for_numbers():
    hidden = np.ma.masked_array([[0.0, -1.0]] * 2, mask=[[False, False], [True, False]])
    whole = np.ma.masked_array([[0.0, -1.0]] * 2)
    for found, refused in ((hidden, True), (whole, False)):
        model = CallableModel(embed=lambda prompts, f=found: f, score=lambda prompts, choices, f=found: f)
        for call in (lambda m=model: m.embed(["a", "b"]), lambda m=model: m.score(["a", "b"], ["c", "d"]).logprob):
            if refused:
                with pytest.raises(FloatingPointError, match="1 of 4 .* are not finite numbers"):
                    call()
            else:
                np.testing.assert_array_equal(call(), [[0, -1]] * 2)


@pytest.mark.parametrize("found", [{"a": "B cell", "b": "T cell"}, {"B cell", "T cell"}, {"a": 1, "b": 2}.keys()])
def test_answers_without_an_order_of_their_own_are_refused(found):
    model = CallableModel(generate=lambda prompts: found)
    with pytest.raises(TypeError, match=r"generate= gave .*return a list of texts, one for each of 2 prompts"):
        model.generate(["a", "b"])
