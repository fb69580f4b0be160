from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from scc2s.train import Augment


@pytest.fixture
def counts() -> sparse.csr_matrix:
    return sparse.csr_matrix(np.random.default_rng(0).poisson(4.0, (60, 200)).astype(np.float32))


def test_thinning_keeps_the_share_of_molecules_asked_for(counts: sparse.csr_matrix) -> None:
    thinned = Augment(thin=(0.3, 0.3), drop_genes=(0, 0)).apply(counts, np.random.default_rng(1))
    assert thinned.sum() / counts.sum() == pytest.approx(0.3, abs=0.01)
    assert (thinned.toarray() <= counts.toarray()).all()
    assert np.equal(np.mod(thinned.data, 1), 0).all()


def test_genes_are_dropped_whole_in_the_share_asked_for(counts: sparse.csr_matrix) -> None:
    varied = Augment(thin=(1, 1), drop_genes=(0.4, 0.4)).apply(counts, np.random.default_rng(1))
    kept = varied.data > 0
    assert kept.mean() == pytest.approx(0.6, abs=0.02)
    assert (varied.data[kept] == counts.data[kept]).all()


def test_values_that_are_no_counts_are_not_thinned(counts: sparse.csr_matrix) -> None:
    log = counts.copy()
    log.data = np.log1p(log.data)
    varied = Augment(thin=(0.1, 0.1), drop_genes=(0, 0)).apply(log, np.random.default_rng(1))
    np.testing.assert_allclose(varied.data, log.data)


def test_the_cells_given_stay_as_they_are(counts: sparse.csr_matrix) -> None:
    before = counts.copy()
    Augment().apply(counts, np.random.default_rng(1))
    assert (before != counts).nnz == 0


def test_lengths_are_drawn_from_the_range_or_fixed() -> None:
    rng = np.random.default_rng(0)
    drawn = Augment(n_genes=(5, 9)).lengths(500, 200, rng)
    assert set(drawn) == {5, 6, 7, 8, 9}
    assert set(Augment().lengths(10, 200, rng)) == {200}
