from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scc2s.train import split

NAMES = [f"cell-{i}" for i in range(4000)]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.text(min_size=1), unique=True, min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_a_cell_keeps_its_split_in_any_order_and_company(names: list[str], random: object) -> None:
    whole = dict(zip(names, split(names), strict=True))
    shuffled = names.copy()
    random.shuffle(shuffled)
    part = shuffled[: len(shuffled) // 2 + 1]
    assert dict(zip(part, split(part), strict=True)) == {n: whole[n] for n in part}


def test_shares_are_those_asked_for() -> None:
    parts = split(NAMES, val=0.1, test=0.2)
    assert np.mean(parts == "test") == pytest.approx(0.2, abs=0.02)
    assert np.mean(parts == "val") == pytest.approx(0.1, abs=0.02)


def test_test_cells_stay_when_the_validation_share_changes() -> None:
    assert ((split(NAMES, val=0.0) == "test") == (split(NAMES, val=0.3) == "test")).all()


def test_another_seed_splits_otherwise() -> None:
    assert (split(NAMES) != split(NAMES, seed=1)).mean() > 0.2


@pytest.mark.parametrize("shares", [{"val": 0.5, "test": 0.5}, {"val": -0.1}, {"test": 1.0}])
def test_shares_that_leave_nothing_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="add up to less than 1"):
        split(NAMES, **shares)
