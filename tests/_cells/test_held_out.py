from __future__ import annotations

import pytest

from scc2s._cells.held_out import assign, condition_name, number, parts_of, per_type, said, shuffled_units


def test_parts_of_a_combination_have_no_order() -> None:
    assert condition_name(" B +A") == condition_name("A+B") == "A+B"
    assert condition_name("none", "none") == "none"
    assert condition_name("none+A", "none") == "A"
    assert parts_of("A+B") == ["A", "B"]


def test_units_are_drawn_by_their_names() -> None:
    units = [("B", str(i)) for i in range(20)]
    assert shuffled_units(units, 1) == shuffled_units(units[::-1], 1) != shuffled_units(units, 2)
    assert sorted(shuffled_units(units, 1)) == sorted(units)
    assert [number(share, 10) for share in (0.0, 0.04, 0.25, 0.96)] == [1, 1, 3, 10]
    assert assign(["a", None, "b", "c"], ["a"], ["b"]).tolist() == ["test", None, "val", "train"]
    assert said(("B", "x")) == "B, x"


def test_what_is_no_condition_is_refused() -> None:
    assert per_type({"B": [("acute", "C+A")]}, None, 3) == [("B", "acute", "A+C")]
    with pytest.raises(TypeError, match="held_out= has 'A' for 'B'"):
        per_type({"B": ["A"]}, None, 3)
