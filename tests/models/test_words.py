from __future__ import annotations

from scc2s.models._words import word_spans


def test_words_are_those_of_the_span_alone():
    text = "Genes of a cell: CD3D  HLA-DRA\nMT-CO1. Type:"
    span = (text.index("CD3D"), text.index(". Type"))
    assert [text[a:b] for a, b in word_spans(text, span)] == ["CD3D", "HLA-DRA", "MT-CO1"]
    assert word_spans(text, (0, 0)) == []
