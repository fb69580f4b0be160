from __future__ import annotations

import numpy as np

from scc2s.models._torch._pad import pad_left, pad_right


def test_padding_keeps_the_tokens_on_their_side():
    rows = [np.array([4, 5, 6]), np.array([7])]
    assert pad_right(rows).tolist() == [[4, 5, 6], [7, 7, 7]]
    assert pad_left(rows, 1).tolist() == [[4, 5, 6], [1, 1, 7]]
