from __future__ import annotations

import pandas as pd
import pytest

from scc2s._cells.genes import id_share, symbol_column


@pytest.mark.parametrize(
    ("name", "is_id"),
    [
        ("ENSG00000167286", True),
        ("ENSG00000167286.9", True),
        ("ENSMUST00000000001", True),
        ("WBGene00000001", True),
        ("FBgn0000003", True),
        ("914", True),
        ("CD3D", False),
        ("ENSA", False),
        ("ENSAP2", False),
        ("AC004556.1", False),
        ("7SK", False),
        ("0610005C13Rik", False),
        ("", False),
    ],
)
def test_ids_are_told_from_symbols(name, is_id):
    assert id_share([name]) == is_id


def test_share_of_no_names_is_zero():
    assert id_share([]) == 0


def test_symbol_column_is_the_one_of_that_name_else_one_with_many_texts():
    var = pd.DataFrame(
        {
            "length": [1, 2, 3],
            "chromosome": ["1", "1", "1"],
            "gene_ids": ["ENSG00000000001", "ENSG00000000002", "ENSG00000000003"],
            "alias": ["a", "b", "c"],
        }
    )
    assert symbol_column(var) == "alias"
    var["Symbol"] = pd.Categorical(["CD3D", "LYZ", None])
    assert symbol_column(var) == "Symbol"
    assert symbol_column(var[["length", "chromosome", "gene_ids"]]) is None
