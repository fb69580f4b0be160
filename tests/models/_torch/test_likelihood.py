from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_models import CONFIGS, GENES, OTHERS, prompts

from scc2s.models import Reads


@torch.inference_mode()
def naive(model, prompt: str, answer: str) -> tuple[float, int]:
    """Logits of transformers' own model over the whole text, one text at a time."""
    n = len(model.tokenizer(prompt).input_ids)
    ids = torch.tensor([model.tokenizer(prompt + answer).input_ids])
    logp = model._decoder.lm(ids).logits.double().log_softmax(-1)[0, :-1].gather(1, ids[0, 1:, None])[:, 0]
    return float(logp[n - 1 :].sum()), ids.shape[1] - n


@pytest.mark.parametrize("kind", sorted(CONFIGS | OTHERS))
def test_log_likelihood_is_that_of_each_text_alone(tiny, kind):
    model = tiny(kind)
    rng = np.random.default_rng(0)
    texts = prompts(6, 2)
    answers = [" " + " ".join(rng.choice(GENES, rng.integers(1, 15), replace=False)) for _ in texts]
    scores = model.log_likelihood(texts, answers)
    expected = [naive(model, text, answer) for text, answer in zip(texts, answers, strict=True)]
    assert np.allclose(scores.logprob, [value for value, _ in expected], rtol=1e-5, atol=1e-4)
    assert scores.n_tokens.tolist() == [n for _, n in expected]
    assert isinstance(model, Reads)


def test_order_and_batches_do_not_matter(tiny, monkeypatch):
    model = tiny("gemma2")
    texts = prompts(7, 4)
    answers = [f" CD{i} CD{i + 1}" for i in range(7)]
    expected = model.log_likelihood(texts, answers).logprob
    monkeypatch.setattr(model, "token_budget", 1)
    order = np.random.default_rng(1).permutation(7)
    found = model.log_likelihood([texts[i] for i in order], [answers[i] for i in order]).logprob
    assert np.allclose(found, expected[order], atol=1e-4)


def test_an_answer_that_runs_into_its_prompt_and_a_wrong_number_are_refused(tiny):
    model = tiny("gpt_neox")
    with pytest.raises(ValueError, match="begin every answer with one"):
        model.log_likelihood(["Genes: CD1"], [""])
    with pytest.raises(ValueError, match="1 answers for 2 prompts"):
        model.log_likelihood(prompts(2, 0), [" CD1"])
