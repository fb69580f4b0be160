from __future__ import annotations

import pytest

from scc2s.models.decoding._trie import ROOT, build


def test_every_gene_is_spelled_by_its_path():
    tokens = [[5], [5, 6], [5, 7, 6], [8, 6]]
    trie = build(tokens)
    for gene, row in enumerate(tokens):
        node = ROOT
        for token in row:
            children = slice(trie.start[node], trie.start[node + 1])
            (at,) = (trie.token[children] == token).nonzero()[0]
            node = trie.child[children][at]
        assert trie.gene[node] == gene
    assert trie.n_below[ROOT] == len(tokens)
    assert trie.widest == 2


def test_genes_without_tokens_or_with_the_same_are_refused():
    with pytest.raises(ValueError, match="gene 1 has no tokens"):
        build([[5], []])
    with pytest.raises(ValueError, match="genes 0 and 2 have the same tokens"):
        build([[5, 6], [7], [5, 6]])
