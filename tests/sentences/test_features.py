from __future__ import annotations

import numpy as np

from scc2s.sentences._features import rank_features


def test_features_know_ranks_and_nothing_else():
    X, words = rank_features(["B A", "", "A C"], n_genes=3)
    assert words == {"B": 0, "A": 1, "C": 2}
    np.testing.assert_allclose(X.toarray(), np.log([[4, 2 * 4 / 4, 1], [1, 1, 1], [1, 4, 2]]))


def test_words_that_others_do_not_have_keep_their_place_and_are_left_out():
    X, words = rank_features(["C A"], n_genes=3, vocabulary={"A": 0})
    assert words == {"A": 0}
    np.testing.assert_allclose(X.toarray(), [[np.log(2)]])


def test_no_sentences_are_a_matrix_without_rows():
    assert rank_features([])[0].shape == (0, 0)
