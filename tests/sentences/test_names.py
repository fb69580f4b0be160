from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sentence_cases import name_hash

from scc2s.sentences import name_hashes, words


@given(st.lists(st.text(max_size=8), max_size=10), st.integers(-3, 3))
@settings(deadline=None, max_examples=40)
def test_hash_of_a_name_depends_on_nothing_else(names, seed):
    assert name_hashes(names, seed=seed).tolist() == [name_hash(n, seed) for n in names]


def test_hashes_are_the_same_on_every_machine():
    assert name_hashes(["CD3D"]).tolist() == [5571780965938993682]


def test_names_become_words():
    assert words([" HLA DRA", "a\tb", "{x}", "Sod1"]) == ["HLA_DRA", "a_b", "{x}", "Sod1"]
    assert words(["Sod1"], upper=True) == ["SOD1"]


def test_words_that_would_stand_for_two_genes_are_refused_by_name():
    with pytest.raises(ValueError, match=r"1 gene names stand for more than one gene: A; pass on_duplicate="):
        words(["A", "B", "A"])
    with pytest.raises(ValueError, match=r"after upper-casing: SOD1"):
        words(["Sod1", "SOD1"], upper=True)
    with pytest.raises(ValueError, match=r"more than one gene: a_b"):
        words(["a b", "a_b"])
    with pytest.raises(ValueError, match="gene 1 has an empty name"):
        words(["A", " "])
