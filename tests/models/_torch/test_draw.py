"""Draws follow the model's probabilities, and belong to the cell: the same seed gives the same word in any batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import chisquare
from tiny_models import prompts

from scc2s import models
from scc2s.models import GeneVocabulary, Sampling
from scc2s.models._torch._draw import draw
from scc2s.models.decoding._sampling import uniforms


def plain(scores: np.ndarray, sampling: Sampling) -> np.ndarray:
    """Probabilities after temperature, top_k and top_p, written down as simply as can be."""
    scores = scores.astype(np.float64) / sampling.temperature
    if sampling.top_k is not None:
        scores = np.where(scores >= np.sort(scores)[-min(sampling.top_k, len(scores))], scores, -np.inf)
    p = np.exp(scores - scores.max())
    p /= p.sum()
    if sampling.top_p < 1:
        order = np.argsort(-p, kind="stable")
        kept, total = [], 0.0
        for i in order:
            if total >= sampling.top_p:
                break
            kept.append(i)
            total += p[i]
        p = np.where(np.isin(np.arange(len(p)), kept), p, 0)
    return p / p.sum()


@pytest.mark.parametrize(
    "sampling",
    [Sampling(), Sampling(temperature=0.5), Sampling(top_k=5), Sampling(top_p=0.7), Sampling(2.0, 0.9, 40)],
    ids=str,
)
def test_draws_have_the_probabilities_of_a_plain_implementation(sampling):
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 2, 300).astype(np.float32)
    scores[rng.random(300) < 0.3] = -np.inf
    n = 40_000
    u = uniforms(rng.integers(0, 2**63, n).astype(np.uint64), 3)
    found = draw(torch.from_numpy(scores).expand(n, -1), torch.from_numpy(u), sampling).numpy()
    expected = plain(scores, sampling)
    assert (expected[found] > 0).all()
    often = expected * n >= 5
    counts = np.bincount(found, minlength=300)
    observed = np.append(counts[often], counts[~often].sum())
    wanted = np.append(expected[often], expected[~often].sum()) * n
    keep = wanted > 0
    assert chisquare(observed[keep], wanted[keep]).pvalue > 1e-3


def test_the_ends_of_the_interval_give_tokens_that_have_a_probability():
    scores = torch.full((2, 500), float("-inf"))
    scores[:, [130, 499]] = 0.0
    assert draw(scores, torch.tensor([0.0, 1 - 2.0**-53], dtype=torch.float64), Sampling()).tolist() == [130, 499]


def test_uniform_numbers_are_uniform_and_differ_by_seed_and_step():
    seeds = np.random.default_rng(1).integers(0, 2**63, 20_000).astype(np.uint64)
    u = uniforms(seeds, 7)
    assert chisquare(np.histogram(u, 50, (0, 1))[0]).pvalue > 1e-3
    assert abs(np.corrcoef(u, uniforms(seeds, 8))[0, 1]) < 0.03
    assert abs(np.corrcoef(u, uniforms(seeds + np.uint64(1), 7))[0, 1]) < 0.03


@pytest.mark.parametrize("kind", ["gpt_neox", "gemma2"])
@pytest.mark.slow
def test_a_cell_gets_the_same_draw_alone_in_a_batch_and_in_another_order(tiny, kind, monkeypatch):
    model = tiny(kind)
    texts = prompts(9, 6)
    names = [f"CD{i}" for i in range(1, 40)]
    how = {"genes": GeneVocabulary(names, 12), "sampling": Sampling(), "random_state": 4}
    expected = models.answers(model, texts, **how)
    assert len(set(expected)) == len(expected)
    assert [models.answers(model, [text], **how)[0] for text in texts] == expected
    for budget in (1, 300):
        monkeypatch.setattr(model, "token_budget", budget)
        order = np.random.default_rng(budget).permutation(len(texts))
        assert models.answers(model, [texts[i] for i in order], **how) == [expected[i] for i in order]


def test_other_seeds_and_draws_give_other_answers_and_free_text_is_drawn_too(tiny):
    model = tiny("gpt_neox")
    text = prompts(1, 6)
    how = {"sampling": Sampling(), "max_new_tokens": 12}
    first = models.answers(model, text, **how)
    assert first == models.answers(model, text, **how)
    assert first != models.answers(model, text, draws=[1], **how)
    assert first != models.answers(model, text, random_state=1, **how)
    assert first != models.answers(model, text, max_new_tokens=12)


def test_global_random_state_is_not_touched(tiny):
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    models.answers(tiny("gpt_neox"), prompts(3, 0), max_new_tokens=5, sampling=Sampling())
    assert torch.equal(torch_state, torch.get_rng_state())
    assert np.array_equal(numpy_state, np.random.get_state()[1])  # noqa: NPY002


def test_sampling_without_seeds_names_the_call_that_makes_them(tiny):
    with pytest.raises(ValueError, match=r"models\.answers"):
        tiny("gpt_neox").generate(prompts(2, 0), max_new_tokens=3, sampling=Sampling())
