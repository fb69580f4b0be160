from __future__ import annotations

import numpy as np
import pytest
import torch

from scc2s.models._torch import _workers
from scc2s.models._torch._memory import in_batches
from scc2s.models._torch._workers import in_workers, n_workers

PROMPTS = [" ".join(f"GENE{i}" for i in range(n)) for n in (3, 9, 4, 1, 12, 7, 5, 5, 2, 8)]
CHOICES = [" B cell", " T cell", " natural killer cell"]


@pytest.fixture
def threads():
    """Two threads for torch, as found afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield 2
    torch.set_num_threads(before)


def asked(model, task: str) -> np.ndarray:
    if task == "embed":
        return model.embed(PROMPTS, progress=False)
    if task == "score":
        return model.score(PROMPTS, CHOICES, progress=False).logprob
    return model.log_likelihood(PROMPTS, [" CD3D CD3E"] * len(PROMPTS), progress=False).logprob


@pytest.mark.parametrize("task", ["embed", "score", "read"])
@pytest.mark.parametrize("kind", ["gpt_neox", "gemma2"])
def test_workers_give_what_one_batch_after_the_other_gives(tiny, threads, monkeypatch, kind, task):
    model = tiny(kind)
    monkeypatch.setattr(model, "token_budget", 64)
    found = asked(model, task)
    assert torch.get_num_threads() == threads
    monkeypatch.setattr(_workers, "MOST", 1)
    assert np.abs(found - asked(model, task)).max() < 1e-5
    torch.set_num_threads(1)
    assert np.abs(found - asked(model, task)).max() < 1e-5


def test_one_prompt_and_none_need_no_workers(tiny, threads):
    model = tiny("gpt_neox")
    together = model.embed(PROMPTS, progress=False)
    assert np.abs(model.embed(PROMPTS[:1], progress=False) - together[:1]).max() < 1e-5
    assert model.embed([], progress=False).shape == (0, together.shape[1])
    assert torch.get_num_threads() == threads


def test_a_lower_layer_is_read_without_workers(tiny, threads):
    model = tiny("gpt_neox")
    assert n_workers(model._decoder) == 2
    assert n_workers(model._decoder, 1) == 1
    torch.set_num_threads(1)
    assert n_workers(model._decoder) == 1


def test_a_worker_has_its_share_of_the_threads_and_the_mode_of_the_caller(threads):
    groups = [np.array([row]) for row in range(6)]
    with torch.inference_mode():
        found = list(in_workers(groups, lambda rows: (torch.get_num_threads(), torch.is_inference_mode_enabled()), 2))
    assert sorted(int(rows[0]) for rows, _ in found) == list(range(6))
    assert {seen for _, seen in found} == {(1, True)}
    assert torch.get_num_threads() == threads


def test_an_error_of_a_worker_is_raised_and_threads_are_as_before(threads):
    def forward(rows):
        if 3 in rows:
            msg = "no such thing"
            raise ValueError(msg)
        return rows

    with pytest.raises(ValueError, match="no such thing"):
        list(in_batches(np.full(8, 4), 4, forward, workers=2))
    assert torch.get_num_threads() == threads


def test_what_does_not_fit_side_by_side_is_done_one_after_the_other(threads):
    def forward(rows):
        if len(rows) > 1:
            msg = "DefaultCPUAllocator: can't allocate memory"
            raise RuntimeError(msg)
        return rows

    rows = [row for rows, _ in in_batches(np.full(8, 4), 32, forward, workers=2) for row in rows]
    assert sorted(rows) == list(range(8))
    assert torch.get_num_threads() == threads


def test_threads_are_as_before_when_no_more_is_asked_for(threads):
    running = in_batches(np.full(8, 4), 4, lambda rows: rows, workers=2)
    next(running)
    running.close()
    assert torch.get_num_threads() == threads
