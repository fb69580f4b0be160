"""Arguments are looked at before any work; each message says what to pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from anndata import AnnData

from scc2s._cells.arguments import above, refuse_empty, threads, whole


@pytest.mark.parametrize("value", [1, np.int64(1), np.uint8(1)])
def test_whole_numbers_of_any_kind_are_taken(value: Any) -> None:
    found = whole("n_genes", value)
    assert found == 1
    assert type(found) is int


@pytest.mark.parametrize("value", [True, np.True_, 1.0, 2.5, np.float64(1), float("nan"), "1", None, [1]])
def test_what_is_not_a_whole_number_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="is not a whole number; pass n_genes= a number from 1"):
        whole("n_genes", value)


def test_too_small_numbers_are_refused_with_the_least() -> None:
    with pytest.raises(ValueError, match="n_boot=-1 is too small; pass n_boot= a number from 0"):
        whole("n_boot", -1, least=0)
    assert whole("model_layer", -1, least=None) == -1


@pytest.mark.parametrize("value", [0, -1.0, float("inf"), float("nan")])
def test_numbers_out_of_range_are_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="pass target_sum= a number above 0"):
        above("target_sum", value)


@pytest.mark.parametrize("value", ["1", None, True, [1.0]])
def test_what_is_not_a_number_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="pass target_sum= a number above 0"):
        above("target_sum", value)


def test_all_cores_are_asked_for_as_in_scikit_learn() -> None:
    assert threads(-1) is None
    assert threads(2) == 2
    with pytest.raises(ValueError, match="n_jobs="):
        threads(0)


@pytest.mark.parametrize(("shape", "what"), [((0, 3), "cells"), ((3, 0), "genes"), ((0, 0), "cells")])
def test_data_without_cells_or_genes_are_refused(shape: tuple[int, int], what: str) -> None:
    adata = AnnData(np.ones(shape, dtype=np.float32))
    with pytest.raises(ValueError, match=rf"adata has no {what} .*sc.pp.filter_{what}"):
        refuse_empty(adata)


def test_where_genes_are_enough_cells_are_not_needed() -> None:
    refuse_empty(AnnData(np.ones((0, 3), dtype=np.float32)), cells=False)


@pytest.mark.parametrize("value", [np.random.default_rng(0), np.random.SeedSequence(0), np.random.PCG64(0)])
def test_a_generator_is_refused_with_how_to_draw_a_number_from_it(value: Any) -> None:
    with pytest.raises(TypeError, match=r"random_state is a \w+, whose state no record .* draw a number from it"):
        whole("random_state", value, least=None)
