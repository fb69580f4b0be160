from __future__ import annotations

import numpy as np
import pytest

from scc2s.models.decoding import Sampling
from scc2s.models.decoding._sampling import seeds_of, uniforms


def test_numbers_depend_on_seed_and_step_alone():
    seeds, steps = np.arange(6, dtype=np.uint64), np.array([3, 0, 7, 7, 1, 3])
    found = uniforms(seeds, steps)
    alone = [uniforms(seeds[i : i + 1], int(steps[i]))[0] for i in range(6)]
    assert found.tolist() == alone
    assert len(set(found.tolist())) == 6


def test_numbers_are_uniform():
    draws = np.concatenate([uniforms(np.arange(2000, dtype=np.uint64), step) for step in range(10)])
    assert 0 <= draws.min() < 1e-3 < 0.999 < draws.max() < 1
    counts = np.histogram(draws, bins=20, range=(0, 1))[0]
    assert ((counts - 1000) ** 2 / 1000).sum() < 45  # chi-square with 19 degrees of freedom, p = 0.001


def test_seeds_depend_on_prompt_draw_and_state():
    found = {*seeds_of(["a", "b"], None, 0), *seeds_of(["a", "b"], [1, 1], 0), *seeds_of(["a", "b"], None, 1)}
    assert len(found) == 6
    assert seeds_of(["a", "b"], [0, 0], 0) == seeds_of(["a", "b"], None, 0)


@pytest.mark.parametrize(
    "wrong", [{"temperature": -1}, {"temperature": np.nan}, {"top_p": 0}, {"top_p": 2}, {"top_k": 0}]
)
def test_values_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))}="):
        Sampling(**wrong)
