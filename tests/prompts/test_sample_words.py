from __future__ import annotations

import numpy as np

from scc2s.prompts._sample_words import sample_words


def test_words_are_ordered_by_the_mean_of_their_places() -> None:
    # LYZ 3 + 2 + 3, CD14 2 + 0 + 1, CD3D 0 + 3 + 0, CD3E 0 + 0 + 2
    assert sample_words(["LYZ CD14", "CD3D LYZ", "LYZ CD3E CD14"]) == "LYZ CD14 CD3D CD3E"


def test_the_order_of_the_cells_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    genes = [f"G{i}" for i in range(60)]
    cells = [" ".join(rng.permutation(genes)[: rng.integers(0, 40)]) for _ in range(50)]
    assert sample_words(cells) == sample_words(cells[::-1])
    assert len(sample_words(cells).split()) == 40


def test_no_sentences_have_no_words() -> None:
    assert sample_words([]) == sample_words(["", ""]) == ""
