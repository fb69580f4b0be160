from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scc2s.sentences import RankFit, join, parse

GENES = list("ABCDE")


def genes_of(parsed, i=0):
    return ["-" if g < 0 else GENES[g] for g in np.trim_zeros(parsed.ranks[i] + 1, "b") - 1]


@pytest.mark.parametrize(
    ("text", "expected", "n_words", "n_valid", "n_unique"),
    [
        ("A B A C", "B A C", 4, 4, 3),
        ("A B C A A", "B C A", 5, 5, 3),
        ("X A B", "- A B", 3, 2, 2),
        ("A X B", "A - B", 3, 2, 2),
        ("A B C.", "A B C", 3, 3, 3),
        ("b a", "B A", 2, 2, 2),
        ("A B A B C", "A B C", 5, 5, 3),
        ("A  B", "A B", 2, 2, 2),
        ("", "", 0, 0, 0),
        ("A A", "A", 2, 2, 1),
        ("C A B C D A", "C B A D", 6, 6, 4),
        ("A\tB\n C", "A B C", 3, 3, 3),
        ("'A', (B) C;", "A B C", 3, 3, 3),
        ("A B .", "A B", 3, 2, 2),
    ],
)
def test_golden_table(text, expected, n_words, n_valid, n_unique):
    parsed = parse([text], GENES)
    assert genes_of(parsed) == expected.split()
    assert (parsed.n_words[0], parsed.n_valid[0], parsed.n_unique[0]) == (n_words, n_valid, n_unique)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A B A C", "B A C"),
        ("A B C A A", "B C A"),
        ("X A X B X A", "- - B A"),
        ("A X X X B B", "A - - - B"),
        ("B A A A A", "B A"),
        ("C A B C D A", "C B A D"),
        ("X B A B X Y A E A", "- B - - A E"),
    ],
)
def test_c2s_duplicates_replay_the_peer(text, expected):
    """Expected values were read off cell2sentence 1.2.0."""
    assert genes_of(parse([text], GENES, duplicates="c2s")) == expected.split()


def test_unknown_words_can_be_dropped():
    assert genes_of(parse(["X A Y B"], GENES, unknown="drop")) == ["A", "B"]


def test_rates_are_per_cell_and_finite_for_empty_text():
    parsed = parse(["A A X", "", "X"], GENES)
    np.testing.assert_allclose(parsed.invalid_rate, [1 / 3, 0, 1])
    np.testing.assert_allclose(parsed.duplicate_rate, [1 / 2, 0, 0])
    assert parsed.ranks.tolist() == [[0], [-1], [-1]]


def test_a_word_as_it_stands_comes_before_other_capitals():
    assert parse(["Sod1 SOD1 cd4 sod1"], ["SOD1", "Sod1", "CD4"]).ranks.tolist() == [[1, 0, 2]]


def test_ambiguous_capitals_are_unknown_not_guessed():
    parsed = parse(["sod1"], ["SOD1", "Sod1"])
    assert parsed.n_valid[0] == 0
    assert parsed.invalid_rate[0] == 1


def test_punctuation_that_belongs_to_a_gene_stays():
    names = ["HLA-A", "A.", "A", "T(1)"]
    assert parse(["A. A, T(1) HLA-A."], names).ranks.tolist() == [[1, 2, 3, 0]]


def test_names_with_white_space_and_braces_are_found_as_they_are_written():
    names = ["HLA DRA", "{x}"]
    text = join(np.array([[1, 0]]), ["HLA_DRA", "{x}"])[0]
    assert parse([text], names).ranks.tolist() == [[1, 0]]


def test_wrong_arguments_say_what_to_pass():
    with pytest.raises(TypeError, match=r"pass a list of sentences"):
        parse("A B", GENES)
    with pytest.raises(TypeError, match=r"sentence 1 is of type float"):
        parse(["A", float("nan")], GENES)
    with pytest.raises(ValueError, match=r"duplicates='first' is not known; pass 'mean' or 'c2s'"):
        parse(["A"], GENES, duplicates="first")
    with pytest.raises(ValueError, match=r"unknown='ignore' is not known"):
        parse(["A"], GENES, unknown="ignore")


def test_no_text_gives_no_rows():
    assert parse([], GENES).ranks.shape == (0, 1)


@given(st.lists(st.permutations(range(5)).flatmap(lambda p: st.integers(0, 5).map(lambda k: p[:k])), max_size=6))
@settings(deadline=None, max_examples=50)
def test_text_of_ranked_genes_reads_back_to_the_same_ranks(rows):
    ranks = np.full((len(rows), 5), -1, dtype=np.int32)
    for i, row in enumerate(rows):
        ranks[i, : len(row)] = row
    parsed = parse(join(ranks, GENES), GENES)
    np.testing.assert_array_equal(
        np.pad(parsed.ranks, ((0, 0), (0, 5 - parsed.ranks.shape[1])), constant_values=-1), ranks
    )
    assert not parsed.invalid_rate.any()
    assert not parsed.duplicate_rate.any()


def slow_parse(text):
    """The rule in plain Python: sort by (mean place, times, first place); unknown words stand alone."""
    found = text.split()
    items = []
    for i, word in enumerate(found):
        if word not in GENES:
            items.append((i, 1, i, "-"))
        elif word not in found[:i]:
            at = [j for j, other in enumerate(found) if other == word]
            items.append((sum(at) / len(at), len(at), i, word))
    out = [word for *_, word in sorted(items)]
    while out and out[-1] == "-":
        out.pop()
    return out


@given(st.lists(st.sampled_from([*GENES, "X", "Y"]), max_size=25).map(" ".join))
@settings(deadline=None, max_examples=200)
def test_means_agree_with_the_rule_in_plain_python(text):
    parsed = parse([text, "B B X A", text], GENES)
    assert genes_of(parsed) == genes_of(parsed, 2) == slow_parse(text)


def replay_list(text):
    found = ["-" if w not in GENES else w for w in text.split()]
    for gene in dict.fromkeys(w for w in found if w != "-"):
        at = [i for i, w in enumerate(found) if w == gene]
        if len(at) > 1:
            found = [w for w in found if w != gene]
            found.insert(int(sum(at) / len(at)), gene)
    while found and found[-1] == "-":
        found.pop()
    return found


@given(st.lists(st.sampled_from([*GENES, "X"]), max_size=25).map(" ".join))
@settings(deadline=None, max_examples=200)
def test_shrinking_list_agrees_with_the_rule_in_plain_python(text):
    assert genes_of(parse([text], GENES, duplicates="c2s")) == replay_list(text)


def test_golden_reconstruction():
    fit = RankFit(slope=-1, intercept=0.5)
    ranks = parse(["A B C D E"], GENES).ranks
    np.testing.assert_allclose(
        fit.inverse(ranks, 5, clip=False).toarray()[0], [0.5, 0.199, 0.023, -0.102, -0.199], atol=5e-4
    )
    np.testing.assert_allclose(fit.inverse(ranks, 5).toarray()[0], [0.5, 0.199, 0.023, 0, 0], atol=5e-4)


def test_unknown_words_do_not_lift_the_genes_behind_them():
    fit = RankFit(slope=-1, intercept=2)
    values = fit.inverse(parse(["X A B"], GENES).ranks, 5).toarray()[0]
    np.testing.assert_allclose(values[:2], fit.predict([2, 3]), rtol=1e-6)
    assert not values[2:].any()
