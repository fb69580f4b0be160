from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy import stats

from scc2s.metrics import bootstrap


def test_whole_clusters_are_drawn():
    values = np.array([0.0, 0, 0, 1, 1, 1])
    found = bootstrap(values, clusters=["a"] * 3 + ["b"] * 3, n_boot=400)
    assert set(np.unique(found.samples)) == {0.0, 0.5, 1.0}
    assert found.estimate == 0.5


def test_draws_of_many_cells_are_those_of_one_table_and_never_in_memory_at_once():
    values = np.random.default_rng(1).normal(size=20_000)
    tracemalloc.start()
    found = bootstrap(values, n_boot=200, random_state=3)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 24e6  # the table of draws alone is 32 MB
    table = np.random.default_rng(3).integers(0, len(values), (200, len(values)))
    assert np.array_equal(found.samples, values[table].mean(axis=1))


def test_cells_that_are_each_a_cluster_are_drawn_like_cells_without_one():
    values = np.random.default_rng(1).normal(size=50)
    alone = bootstrap(values, n_boot=30).samples
    assert np.array_equal(alone, bootstrap(values, clusters=[f"c{i}" for i in range(50)], n_boot=30).samples)
    # the general way, of clusters of several cells, gives the same for two copies of each cell
    twice = bootstrap(np.tile(values, 2), clusters=[*range(50), *range(50)], n_boot=30).samples
    assert np.allclose(alone, twice)


def test_rows_and_statistics_of_ones_own():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(50, 3))
    found = bootstrap(values, statistic=lambda rows: np.median(rows, axis=0), n_boot=100)
    assert np.allclose(found.estimate, np.median(values, axis=0))
    assert found.low.shape == (3,)
    assert (found.low < found.high).all()


def test_the_seed_decides_and_one_cluster_has_no_interval():
    values = np.arange(10.0)
    samples = bootstrap(values).samples
    assert np.array_equal(samples, bootstrap(values).samples)
    assert not np.array_equal(samples, bootstrap(values, random_state=1).samples)
    alone = bootstrap(values, clusters=["a"] * 10)
    assert alone.estimate == 4.5
    assert np.isnan(alone.low)
    assert np.isnan(alone.high)


def test_two_clusters_are_said_to_be_too_few_and_three_are_not(caplog):
    found = bootstrap([1.0, 2.0, 3.0, 4.0], clusters=["a", "a", "b", "b"])
    assert np.isnan([found.low, found.high]).all()
    assert "too few donors" in caplog.text
    caplog.clear()
    found = bootstrap([1.0, 2.0, 4.0], clusters=["a", "b", "c"])
    assert found.low < 1.0
    assert found.high > 4.0
    assert not caplog.text


@pytest.mark.slow
def test_many_clusters_have_the_plain_percentiles_and_few_have_those_of_students_t():
    rng = np.random.default_rng(0)
    many = bootstrap(rng.gamma(1.0, size=3000), n_boot=2000)
    plain = np.quantile(many.samples, [0.025, 0.975])
    assert [many.low, many.high] == pytest.approx(plain, abs=2e-4)
    values = rng.normal(size=6)
    few = bootstrap(values, n_boot=20000)
    expected = stats.t.interval(0.95, 5, values.mean(), stats.sem(values))
    assert few.high - few.low == pytest.approx(expected[1] - expected[0], rel=0.1)


@pytest.mark.slow
@pytest.mark.parametrize(("n_donors", "n_cells"), [(3, 10), (5, 10), (8, 10), (8, None), (20, None)])
def test_95_percent_intervals_hold_the_truth_of_few_donors(n_donors, n_cells):
    """Cells of a donor share an effect of the donor; `n_cells` of each, or from 5 to 30."""
    rng = np.random.default_rng(n_donors)
    held = 0
    for seed in range(400):
        sizes = np.full(n_donors, n_cells) if n_cells else rng.integers(5, 31, n_donors)
        donors = np.repeat(np.arange(n_donors), sizes)
        values = rng.normal(size=n_donors)[donors] + rng.normal(size=len(donors))
        found = bootstrap(values, clusters=donors, n_boot=300, random_state=seed)
        held += found.low <= 0 <= found.high
    assert 0.91 <= held / 400 <= 0.99  # two standard errors are 0.02


def test_bad_input_names_the_mend():
    with pytest.raises(ValueError, match="one for each cell"):
        bootstrap([])
    with pytest.raises(ValueError, match="one for each"):
        bootstrap([1.0, 2.0], clusters=["a"])


@pytest.mark.slow
def test_intervals_over_donors_cover_the_truth_and_intervals_over_cells_do_not():
    rng = np.random.default_rng(0)
    donors = np.repeat(np.arange(20), 15)
    by_donor = by_cell = 0
    for seed in range(200):
        values = rng.normal(size=20)[donors] + rng.normal(size=300)
        a = bootstrap(values, clusters=donors, n_boot=300, random_state=seed)
        b = bootstrap(values, n_boot=300, random_state=seed)
        by_donor += a.low <= 0 <= a.high
        by_cell += b.low <= 0 <= b.high
    assert by_donor / 200 > 0.88  # of 0.95; the percentile interval of 20 donors is a little narrow
    assert by_cell / 200 < 0.65
