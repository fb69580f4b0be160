from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
import pytest

from scc2s.tl._searching.floor import beats, floor_table, say_floor

if TYPE_CHECKING:
    import pandas as pd

NAMES = ["a", "b", "c"]


def floor(*rows: list[float]) -> pd.DataFrame:
    return floor_table([f"text {i}" for i in range(len(rows))], np.array(rows).reshape(-1, 3), NAMES, top=1)


def test_each_order_of_words_says_where_it_puts_the_best_result() -> None:
    table = floor([3.0, 1.0, 2.0], [0.0, np.nan, -1.0])
    assert table["rank_of_top"].tolist() == [3, 3]
    np.testing.assert_allclose(table["best_score"], [3, 0])
    np.testing.assert_allclose(table["score_of_top"], [1, np.nan])


@pytest.mark.parametrize(("score", "better"), [(3.1, True), (3.0, False), (-1.0, False)])
def test_a_text_has_to_beat_all_orders_and_one_warning_says_that_it_does_not(
    score: float, better: bool, caplog: pytest.LogCaptureFixture
) -> None:
    table = floor([3.0, 1.0, 2.0], [0.0, 0.0, 0.0])
    assert beats(score, table) is better
    with caplog.at_level(logging.WARNING, logger="scc2s"):
        say_floor("NK cell", "b", score, table)
    assert len(caplog.records) == (not better)
    assert better or "up to 3:" in caplog.text


def test_without_another_order_nothing_is_beaten(caplog: pytest.LogCaptureFixture) -> None:
    assert not beats(9.0, floor())
    with caplog.at_level(logging.WARNING, logger="scc2s"):
        say_floor("platelet", "b", 9.0, floor())
    assert "no other order" in caplog.text
