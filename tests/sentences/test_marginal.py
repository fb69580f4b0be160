"""The sampler keeps how often and how high each word stands, and nothing of which words stand together."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from scc2s.sentences import marginal_sentences
from scc2s.sentences._marginal import independent_genes

TEXTS = st.lists(st.lists(st.sampled_from("ABCDEF"), unique=True).map(" ".join), min_size=1, max_size=8)


def modules(n: int = 300) -> list[str]:
    """Words of one module only together, each module in half of the sentences; others by chance."""
    rng = np.random.default_rng(0)
    out = []
    for _ in range(n):
        own = rng.integers(2)
        out.append(
            " ".join(
                rng.permutation([f"{own}m{i}" for i in range(20)] + [f"x{i}" for i in range(40) if rng.random() < 0.5])
            )
        )
    return out


def present(texts: list[str]) -> np.ndarray:
    words = [f"{own}m{i}" for own in (0, 1) for i in range(20)] + [f"x{i}" for i in range(40)]
    return np.array([[word in text.split() for word in words] for text in texts], dtype=float)


def test_words_are_as_frequent_as_in_real_sentences_and_independent() -> None:
    real, drawn = present(modules()), present(marginal_sentences(modules(), 1500, seed=1))
    assert drawn.mean(axis=0) == pytest.approx(real.mean(axis=0), abs=0.08)
    assert drawn.sum(axis=1).mean() == pytest.approx(real.sum(axis=1).mean(), abs=0.5)
    assert np.corrcoef(real[:, :20].T).min() > 0.99
    assert np.corrcoef(drawn[:, :20].T)[np.triu_indices(20, 1)].mean() == pytest.approx(0, abs=0.05)


def test_words_stand_in_the_order_of_their_places() -> None:
    texts = ["A B C D"] * 10
    assert set(marginal_sentences(texts, 20)) == {"A B C D"}
    mixed = marginal_sentences(["A B C", "A C B"] * 50, 1000)
    assert Counter(text.split()[0] for text in mixed) == {"A": 1000}
    assert np.mean([text.endswith("C") for text in mixed]) == pytest.approx(0.5, abs=0.06)


@settings(deadline=None)
@given(TEXTS, st.integers(0, 5), st.integers(0, 8), st.integers(0, 3))
def test_sentences_are_as_long_as_asked_of_words_that_real_ones_have_none_twice(
    texts: list[str], n: int, n_genes: int, seed: int
) -> None:
    found = marginal_sentences(texts, n, n_genes=n_genes, seed=seed)
    known = {word for text in texts for word in text.split()}
    assert len(found) == n
    for text in found:
        words = text.split()
        assert len(set(words)) == len(words) <= n_genes
        assert set(words) <= known
        assert len(words) == min(n_genes, len(known))


def test_without_a_length_each_has_that_of_a_real_sentence() -> None:
    found = marginal_sentences(["A B C D E F", "A B"], 200)
    assert {len(text.split()) for text in found} == {2, 6}


def test_the_seed_decides_and_the_order_of_words_in_memory_does_not() -> None:
    assert marginal_sentences(modules(), 9, seed=3) == marginal_sentences(modules(), 9, seed=3)
    assert marginal_sentences(modules(), 9, seed=3) != marginal_sentences(modules(), 9, seed=4)
    assert marginal_sentences(["", ""], 2) == ["", ""]


@pytest.mark.parametrize(
    "wrong", [{"texts": [], "n": 1}, {"texts": ["A"], "n": -1}, {"texts": ["A"], "n": 1, "n_genes": -1}]
)
def test_nothing_to_draw_from_is_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match="pass at least one sentence"):
        marginal_sentences(**wrong)


def test_genes_of_cells_are_drawn_one_by_one() -> None:
    rng = np.random.default_rng(0)
    factor = rng.random((300, 1))
    X = (factor + 0.1 * rng.random((300, 4))) * (rng.random((300, 4)) < [1, 0.5, 0.9, 0])
    drawn = independent_genes(sparse.csr_matrix(X), 4000, np.random.default_rng(1)).toarray()
    assert drawn.mean(axis=0) == pytest.approx(X.mean(axis=0), abs=0.03)
    assert drawn.std(axis=0) == pytest.approx(X.std(axis=0), abs=0.03)
    assert (drawn > 0).mean(axis=0) == pytest.approx((X > 0).mean(axis=0), abs=0.03)
    assert abs(np.corrcoef(drawn[:, :3].T)[np.triu_indices(3, 1)]).max() < 0.06
    for gene in range(4):
        assert set(drawn[:, gene]) <= set(X[:, gene]) | {0.0}
