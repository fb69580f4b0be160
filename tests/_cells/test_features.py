from __future__ import annotations

import pandas as pd
import pytest

from scc2s._cells.features import other_features


def of(types, column="feature_types", dtype=object):
    found = other_features(pd.DataFrame({column: pd.Series(types, dtype=dtype)}))
    return None if found is None else found.other.tolist()


@pytest.mark.parametrize("dtype", [object, "category", "string"])
def test_beside_gene_expression_all_other_types_are_not_genes(dtype):
    assert of(["Gene Expression", "Antibody Capture", "Anything", None], dtype=dtype) == [False, True, True, False]


def test_where_no_type_is_called_so_only_those_that_say_it_are_not_genes():
    assert of(["protein_coding", "lncRNA", "Antibody Capture", "spike-in"]) == [False, False, True, True]
    assert of(["Peaks", "Peaks"]) == [True, True]
    assert of(["protein_coding", "Mt_rRNA"]) is None


def test_the_column_is_known_in_any_case_and_no_other_is_read():
    assert of(["gene", "spike-in"], "Feature_Biotype") == [False, True]
    assert of(["gene", "spike-in"], "kind") is None


def test_numbers_and_nothing_are_no_types():
    assert of([1, 2]) is None
    assert of([]) is None
    assert other_features(pd.DataFrame(index=["A"])) is None


def test_the_word_for_genes_is_kept_for_the_mend():
    found = other_features(pd.DataFrame({"feature_types": ["GEX", "ADT"]}))
    assert (found.gene, found.values.tolist()) == ("GEX", ["GEX", "ADT"])
