from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from scc2s.sentences import join, rank
from scc2s.train import Augment, varied_sentences

NAMES = [f"G{i}" for i in range(80)]


@pytest.fixture
def counts() -> sparse.csr_matrix:
    return sparse.csr_matrix(np.random.default_rng(0).poisson(1.0, (20, 80)).astype(np.float32))


def test_without_variation_they_are_the_plain_sentences_whatever_the_seed(counts: sparse.csr_matrix) -> None:
    plain = join(rank(counts, 30, names=NAMES), NAMES).tolist()
    assert varied_sentences(counts, NAMES, n_genes=30, seed=1) == plain
    assert varied_sentences(counts, NAMES, n_genes=30, seed=2) == plain


def test_each_seed_varies_the_cells_in_its_own_way_and_again_the_same(counts: sparse.csr_matrix) -> None:
    one, again, other = (varied_sentences(counts, NAMES, augment=Augment(), seed=s) for s in (1, 1, 2))
    assert one == again
    assert sum(a == b for a, b in zip(one, other, strict=True)) == 0


def test_ties_are_shuffled_even_where_nothing_else_varies(counts: sparse.csr_matrix) -> None:
    still = Augment(thin=(1, 1), drop_genes=(0, 0))
    a, b = (varied_sentences(counts, NAMES, n_genes=80, augment=still, seed=s) for s in (1, 2))
    assert all(x != y and sorted(x.split()) == sorted(y.split()) for x, y in zip(a, b, strict=True))


def test_only_expressed_genes_are_named(counts: sparse.csr_matrix) -> None:
    for row, sentence in zip(counts.toarray(), varied_sentences(counts, NAMES, augment=Augment(), seed=3), strict=True):
        assert {NAMES.index(w) for w in sentence.split()} <= set(np.flatnonzero(row))
