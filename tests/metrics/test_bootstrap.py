from __future__ import annotations

import numpy as np
import pytest

from scc2s.metrics import bootstrap


def test_whole_clusters_are_drawn():
    values = np.array([0.0, 0, 0, 1, 1, 1])
    found = bootstrap(values, clusters=["a"] * 3 + ["b"] * 3, n_boot=400)
    assert set(np.unique(found.samples)) == {0.0, 0.5, 1.0}
    assert found.estimate == 0.5


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
