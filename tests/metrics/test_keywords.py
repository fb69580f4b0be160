from __future__ import annotations

import numpy as np
import pytest

from scc2s.metrics import keyword_recall


@pytest.mark.parametrize(
    ("text", "keyword", "named"),
    [
        ("B cells and NK cells", "b cell", True),
        ("one B cell", "B cells", True),
        ("T-cell exhaustion", "T cell", True),
        ("PTPRC", "PTPRCAP", False),
        ("PTPRCAP", "PTPRC", False),
        ("CD3D+", "CD3D", True),
        ("antigen   presentation", "antigen presentation", True),
        ("a biopsy", "biopsies", False),
        ("viruses", "virus", True),
        ("", "x", False),
    ],
)
def test_whole_words_in_any_case_and_number(text, keyword, named):
    assert keyword_recall([text], [[keyword]])[0] == named


def test_shares_and_bad_input():
    assert keyword_recall(["a b"], [["a", "c"]]).tolist() == [0.5]
    assert np.isnan(keyword_recall(["a"], [[]])[0])
    with pytest.raises(ValueError, match="one list for each"):
        keyword_recall(["a"], [])
    with pytest.raises(TypeError, match="list of strings"):
        keyword_recall(["a"], ["a"])
