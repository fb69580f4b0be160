from __future__ import annotations

import numpy as np
import pytest

from scc2s.tl._predicting.controls import _some


def test_the_draw_of_a_group_does_not_depend_on_the_others() -> None:
    groups = np.array(["a"] * 30 + ["b"] * 5 + ["c"] * 40 + [None] * 9, dtype=object)
    condition = np.full(len(groups), "IFN", dtype=object)
    picked = _some(condition, groups, 10, 0)
    assert [int((groups[picked] == x).sum()) for x in "abc"] == [10, 5, 10]
    assert picked.tolist() == sorted(set(picked.tolist()))
    assert picked.max() < 75
    assert _some(condition[:30], groups[:30], 10, 0).tolist() == picked[:10].tolist()
    assert _some(condition, groups, 10, 1).tolist() != picked.tolist()


def test_cells_of_two_conditions_are_drawn_apart() -> None:
    condition = np.array(["x"] * 20 + ["y"] * 20, dtype=object)
    picked = _some(condition, np.full(40, "all cells", dtype=object), 5, 0)
    assert (picked < 20).sum() == (picked >= 20).sum() == 5


def test_groups_without_cells_are_refused() -> None:
    with pytest.raises(ValueError, match="groupby="):
        _some(np.array(["x"], dtype=object), np.array([None], dtype=object), 5, 0)
