from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from scc2s.models._batches import batches

LENGTHS = st.lists(st.integers(1, 60), max_size=80).map(np.array)


@given(LENGTHS, st.integers(1, 400))
@settings(deadline=None, max_examples=100)
def test_every_row_is_in_one_batch_and_the_budget_holds(lengths, budget):
    groups = batches(lengths, budget)
    assert sorted(np.concatenate([*groups, []]).astype(int).tolist()) == list(range(len(lengths)))
    for group in groups:
        assert len(group) * lengths[group].max() <= budget or len(group) == 1


@given(LENGTHS, st.integers(60, 400))
@settings(deadline=None, max_examples=100)
def test_batches_go_from_long_to_short_and_waste_little(lengths, budget):
    groups = batches(lengths, budget)
    order = np.concatenate([*groups, []]).astype(int)
    assert (np.diff(lengths[order]) <= 0).all()
    # A batch holds as many rows as fit: one more row of its longest length would not.
    for group in groups[:-1]:
        assert (len(group) + 1) * lengths[group].max() > budget


def test_rows_of_equal_length_keep_their_order():
    groups = batches(np.full(10, 5), 15)
    assert [group.tolist() for group in groups] == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]]
