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


def test_mixing_stays_within_the_answer_and_keeps_the_depth() -> None:
    rng = np.random.default_rng(0)
    X = np.zeros((400, 40), dtype=np.float32)
    X[:200, :20] = rng.poisson(5.0, (200, 20))
    X[200:, 20:] = rng.poisson(5.0, (200, 20))
    groups = np.repeat(["a", "b"], 200)
    still = Augment(thin=(1, 1), drop_genes=(0, 0), mix=0.5)
    mixed = still.apply(sparse.csr_matrix(X), np.random.default_rng(1), groups=groups).toarray()
    assert mixed[:200, 20:].sum() == mixed[200:, :20].sum() == 0
    changed = (mixed != X).any(axis=1)
    assert changed.mean() == pytest.approx(0.5, abs=0.1)
    assert mixed[changed].sum() / X[changed].sum() == pytest.approx(1, abs=0.02)


def test_without_answers_nothing_is_mixed(counts: sparse.csr_matrix) -> None:
    still = Augment(thin=(1, 1), drop_genes=(0, 0), mix=1.0)
    assert (still.apply(counts, np.random.default_rng(1)) != counts).nnz == 0
