from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
import pytest

from scc2s.metrics import null_report
from scc2s.tl._asking import verdicts
from scc2s.tl._asking.nulls import NONE, OTHER, SHUFFLED

if TYPE_CHECKING:
    import pandas as pd

RNG = np.random.default_rng(0)
KINDS = RNG.integers(0, 4, 60)
SURE = np.eye(4)[KINDS]
FLAT = np.full((60, 4), 0.25)


def report(own: np.ndarray, shuffled: np.ndarray, other: np.ndarray, none: np.ndarray) -> pd.DataFrame:
    return null_report(own, {SHUFFLED: shuffled, OTHER: other, NONE: none})


ALIKE = np.tile(SURE[:1], (60, 1))
HALF = np.where((KINDS < 2)[:, None], SURE, FLAT)
REPORTS = {
    verdicts.BEATS: report(SURE, SURE, np.roll(SURE, 1, axis=0), FLAT),
    verdicts.AS_WITHOUT: report(FLAT, FLAT, FLAT, FLAT),
    verdicts.ALL_ALIKE: report(
        np.tile(SURE[:1], (60, 1)), np.tile(SURE[:1], (60, 1)), np.tile(SURE[:1], (60, 1)), FLAT
    ),
    verdicts.ORDER_ALONE: report(SURE, RNG.permutation(SURE), np.roll(SURE, 1, axis=0), FLAT),
    verdicts.PARTLY: report(HALF, HALF, np.roll(HALF, 1, axis=0), FLAT),
    verdicts.TOO_FEW: report(SURE[:5], SURE[:5], np.roll(SURE[:5], 1, axis=0), FLAT[:5]),
}


@pytest.mark.parametrize("expected", REPORTS)
def test_each_kind_of_model_is_told(expected: str) -> None:
    assert verdicts.verdict(REPORTS[expected]) == expected


def test_without_a_null_without_genes_the_others_decide() -> None:
    none = np.full((60, 4), np.nan)
    assert verdicts.verdict(report(SURE, SURE, np.roll(SURE, 1, axis=0), none)) == verdicts.BEATS
    assert verdicts.verdict(report(ALIKE, ALIKE, ALIKE, none)) == verdicts.ALL_ALIKE


def test_labels_alone_that_some_cells_share_with_the_empty_prompt_mean_nothing() -> None:
    prior = np.tile(np.eye(4)[0], (60, 1))
    table = report(SURE, SURE, np.roll(SURE, 1, axis=0), prior)
    assert verdicts.verdict(table, graded=False) == verdicts.BEATS
    assert verdicts.verdict(table) == verdicts.PARTLY


def test_a_few_labels_that_turn_with_the_order_are_not_order_alone() -> None:
    kinds = np.resize([0, 0, 0, 1], 20)
    own, mixed = np.eye(2)[kinds], np.eye(2)[np.where(np.arange(20) % 5 == 0, 1 - kinds, kinds)]
    flat = np.full((20, 2), 0.5)
    assert verdicts.verdict(report(own, mixed, np.roll(own, 1, axis=0), flat)) == verdicts.BEATS


def test_an_empty_table_is_too_few_cells() -> None:
    nothing = np.empty((0, 4))
    assert verdicts.verdict(report(nothing, nothing, nothing, nothing)) == verdicts.TOO_FEW


@pytest.mark.parametrize("found", REPORTS)
def test_one_line_at_most_and_a_warning_where_the_cells_hardly_matter(
    found: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="scc2s")
    verdicts.say(REPORTS[found], found, "planted", "c2s_cell_type_trust")
    levels = [record.levelname for record in caplog.records]
    assert levels == {verdicts.BEATS: ["INFO"], verdicts.TOO_FEW: []}.get(found, ["WARNING"])
    assert all("planted" in record.getMessage() for record in caplog.records)
