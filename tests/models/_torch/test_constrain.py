"""What a model may write: only genes, none twice, as many as asked for, whatever its tokens are."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_gene_model import write_tiny_model
from tiny_models import CONFIGS, GENES, prompts

from scc2s import models
from scc2s.models import GeneVocabulary, Sampling
from scc2s.models._torch._constrain import GeneConstraint
from scc2s.models.decoding._trie import build

FAMILY = [
    "CD3",
    "CD3D",
    "CD3E",
    "CD38",
    "CD",
    "HLA-DRA",
    "HLA-DRB1",
    "HLA-DRB5",
    "MT-CO1",
    "MT-CO1P12",
    "RP11-34P13.7",
    "AC01.2",
]

alphabet = st.sampled_from("ABCDH0123.-")
families = st.lists(st.text(alphabet, min_size=1, max_size=7), min_size=1, max_size=14, unique=True).flatmap(
    lambda stems: st.lists(st.sampled_from(stems), max_size=10).map(
        lambda some: sorted({*stems, *(f"{stem}{i}" for i, stem in enumerate(some)), *(f"{stem}D" for stem in some)})
    )
)


# Any tokens: a token may go on with a name and begin one as well, as where a tokenizer sets no mark before words.
codes = st.lists(st.lists(st.integers(1, 6), min_size=1, max_size=5).map(tuple), min_size=1, max_size=25, unique=True)


def walk(trie, lengths, choose, *, vocab_size, exact=True, skip=False):
    """Let `choose` pick among the allowed tokens until all rows have ended; `skip`: but not where there is one way."""
    end = 0
    constraint = GeneConstraint(
        trie, lengths, vocab_size=vocab_size, ends=[end], exact=exact, device=torch.device("cpu")
    )
    steps = 0
    while not bool(constraint.done.all()):
        scores = constraint.hold(torch.zeros((len(lengths), vocab_size)))
        allowed = scores > float("-inf")
        assert bool(allowed.any(dim=1).all()), "a row has no way on"
        constraint.advance(torch.tensor([choose(row) for row in allowed]))
        if skip:
            constraint.skip(torch.full((len(lengths),), 1000))
        steps += 1
        assert steps < 2000
    return constraint.written()


@settings(deadline=None, max_examples=80)
@given(names=families, seed=st.integers(0, 10**6), skip=st.booleans(), data=st.data())
@pytest.mark.slow
def test_any_walk_writes_each_gene_at_most_once_and_exactly_as_many_as_asked(names, seed, skip, data):
    letters = {c: i + 1 for i, c in enumerate("ABCDH0123456789.- ")}
    tokens = [[letters[" "], *(letters[c] for c in name)] for name in names]
    lengths = np.array(data.draw(st.lists(st.integers(1, len(names)), min_size=1, max_size=4)))
    rng = np.random.default_rng(seed)
    written = walk(
        build(tokens),
        lengths,
        lambda row: int(rng.choice(np.flatnonzero(row.numpy()))),
        vocab_size=len(letters) + 1,
        skip=skip,
    )
    assert [len(row) for row in written] == lengths.tolist()
    assert all(len(set(row)) == len(row) for row in written)


@settings(deadline=None, max_examples=150)
@given(tokens=codes, seed=st.integers(0, 10**6), skip=st.booleans(), data=st.data())
def test_any_walk_over_any_tokens_ends_with_exactly_the_genes_asked_for(tokens, seed, skip, data):
    lengths = np.array(data.draw(st.lists(st.integers(1, len(tokens)), min_size=1, max_size=4)))
    rng = np.random.default_rng(seed)
    written = walk(
        build(tokens), lengths, lambda row: int(rng.choice(np.flatnonzero(row.numpy()))), vocab_size=8, skip=skip
    )
    assert [len(row) for row in written] == lengths.tolist()
    assert all(len(set(row)) == len(row) for row in written)


def test_a_written_gene_is_no_end_on_the_way_to_a_longer_name():
    trie = build([[5], [5, 6]])  # CD3, CD3D
    constraint = GeneConstraint(trie, np.array([2]), vocab_size=8, ends=[0], exact=True, device=torch.device("cpu"))

    def allowed():
        return torch.isfinite(constraint.hold(torch.zeros((1, 8))))[0].nonzero()[:, 0].tolist()

    assert allowed() == [5]
    constraint.advance(torch.tensor([5]))
    assert allowed() == [5, 6]  # the next gene, or a longer name
    constraint.advance(torch.tensor([5]))  # CD3 is written, so this can only become CD3D
    assert allowed() == [6]
    constraint.advance(torch.tensor([6]))
    assert allowed() == [0]
    assert constraint.written() == [[0, 1]]


def test_a_gene_that_goes_on_to_a_longer_name_is_free_again():
    trie = build([[5], [5, 6]])
    constraint = GeneConstraint(trie, np.array([2]), vocab_size=8, ends=[0], exact=True, device=torch.device("cpu"))
    for token in (5, 6, 5):
        constraint.hold(torch.zeros((1, 8)))
        constraint.advance(torch.tensor([token]))
    assert constraint.written() == [[1, 0]]


def test_a_model_may_end_early_where_that_is_allowed():
    trie = build([[5], [6], [7]])
    written = walk(trie, np.array([3]), lambda row: int(row.nonzero()[0, 0]), vocab_size=8, exact=False)
    assert [len(row) for row in written] == [1]  # the end is the first token that is allowed, after one gene


def test_any_of_the_end_tokens_of_a_model_may_end_a_sentence():
    constraint = GeneConstraint(
        build([[5], [6]]), np.array([2]), vocab_size=8, ends=[0, 3], exact=False, device=torch.device("cpu")
    )
    constraint.advance(torch.tensor([5]))
    scores = torch.zeros((1, 8))
    scores[0, 3] = 9.0
    assert int(constraint.hold(scores).argmax()) == 0  # as likely as the likeliest of them


@pytest.mark.parametrize("kind", sorted(CONFIGS))
@pytest.mark.parametrize("sampling", [None, Sampling(temperature=1.5)], ids=["greedy", "sampled"])
def test_every_model_writes_valid_unique_genes_of_exact_number(tiny, kind, sampling):
    model = tiny(kind)
    names = list(dict.fromkeys([*FAMILY, *GENES]))
    asked = [1, 7, 12, 3, 9]
    out = models.answers(model, prompts(5, 1), genes=GeneVocabulary(names, asked), sampling=sampling)
    written = [text.split() for text in out]
    assert [len(row) for row in written] == asked
    assert all(set(row) <= set(names) and len(set(row)) == len(row) for row in written)


def test_all_genes_there_are_can_be_written(tiny):
    for kind in ("gpt_neox", "gemma2"):
        (text,) = models.answers(tiny(kind), prompts(1, 3), genes=GeneVocabulary(FAMILY, len(FAMILY)))
        assert sorted(text.split()) == sorted(FAMILY)


def test_one_token_genes_are_held_to_too(tmp_path):
    names = list(dict.fromkeys([*FAMILY, *GENES[:40]]))
    model = models.load(write_tiny_model(tmp_path / "m", names), device="cpu", dtype="float32")
    out = models.answers(model, prompts(4, 2), genes=GeneVocabulary(names, 30), sampling=Sampling())
    assert all(len(set(text.split()) & set(names)) == 30 == len(text.split()) for text in out)


def test_the_constraint_does_not_change_what_the_model_would_write_anyway(tiny):
    """Free greedy text that happens to be genes stays as it is."""
    model = tiny("gpt_neox")
    texts = prompts(3, 5)
    free = [text.split()[0] for text in model.generate(texts, max_new_tokens=40)]
    for text, word in zip(texts, free, strict=True):
        if word and not any(c in word for c in "<>�"):
            held = model.generate([text], genes=GeneVocabulary([word, "ZZZ9"], 1))
            assert held[0].split()[0] in {word, "ZZZ9"}
