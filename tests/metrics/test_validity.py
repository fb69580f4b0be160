from __future__ import annotations

import numpy as np
import pytest

from scc2s.metrics import validity


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A B A C", (4, 4, 3)),
        ("X A B", (3, 2, 2)),
        ("A B C.", (3, 3, 3)),
        ("b a", (2, 2, 2)),
        ("A  B", (2, 2, 2)),
        ("", (0, 0, 0)),
        ("A A", (2, 2, 1)),
    ],
)
def test_the_sentences_of_the_definition(text, expected):
    row = validity([text], list("ABCDE")).iloc[0]
    assert tuple(row[["n_words", "n_valid", "n_unique"]].astype(int)) == expected


def test_shares_are_missing_where_there_is_nothing_to_share():
    table = validity(["", "X Y", "A X A"], list("AB"))
    assert np.isnan(table["valid"][0])
    assert np.isnan(table["unique"][1])
    assert (table["valid"][2], table["unique"][2]) == (pytest.approx(2 / 3), 0.5)
