from __future__ import annotations

import numpy as np

from scc2s._cells.sampling import shuffled, some_of_each


def test_cells_of_each_group_are_the_first_in_the_order_of_their_names() -> None:
    rng = np.random.default_rng(0)
    groups = np.array([*rng.choice(["b", "a", 10, "c"], 200).tolist(), None, None], dtype=object)
    rng.shuffle(groups)
    names = [f"cell{i}" for i in range(len(groups))]
    order = shuffled(names, 5)
    want = [row for group in ("10", "a", "b", "c") for row in [r for r in order if str(groups[r]) == group][:7]]
    assert some_of_each(groups, names, 7, 5).tolist() == want


def test_the_order_of_rows_changes_nothing_and_groups_may_be_small_or_none() -> None:
    groups, names = np.array(["x", "x", None, "y"], dtype=object), list("abcd")
    one = [names[row] for row in some_of_each(groups, names, 5, 0)]
    other = [names[::-1][row] for row in some_of_each(groups[::-1], names[::-1], 5, 0)]
    assert one == other
    assert sorted(one) == ["a", "b", "d"]
    assert some_of_each(np.array([None, None], dtype=object), ["a", "b"], 3, 0).tolist() == []
