from __future__ import annotations

import pandas as pd

from scc2s._cells.symbol_columns import symbol_column

VAR = pd.DataFrame(
    {"ids": ["ENSG00000141510", "ENSG00000012048"], "alias": ["P53", "BRCC1"], "Gene_Name": ["TP53", "BRCA1"]}
)


def test_a_column_named_so_goes_before_others_that_hold_symbols():
    assert symbol_column(VAR) == "Gene_Name"
    assert symbol_column(VAR[["ids", "alias"]]) == "alias"
    assert symbol_column(VAR[["ids", "alias"]], named=True) is None
    assert symbol_column(VAR[["ids"]]) is None


def test_of_several_the_one_with_most_symbols_is_taken():
    var = pd.DataFrame({"symbol": ["TP53", "1-Mar", "LYZ"], "feature_name": ["TP53", "MARCHF1", "LYZ"]})
    assert symbol_column(var) == "feature_name"
    assert symbol_column(var[["symbol"]], more_than=0.7) is None


def test_columns_of_one_name_and_names_that_are_not_text_are_read():
    var = pd.concat([VAR, VAR], axis=1)
    assert symbol_column(var) == "Gene_Name"
    assert symbol_column(pd.DataFrame({0: ["TP53", "LYZ"]})) == "0"
