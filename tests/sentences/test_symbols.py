from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from word_tables import OTHERS, SYMBOLS

from scc2s.sentences._symbols import is_missing, judge, kind_of
from scc2s.sentences._word_kinds import KINDS

GOOD = [(organism, word) for organism, words in SYMBOLS.items() for word in words.split()]
BAD = [(kind, word) for kind, words in OTHERS.items() for word in words.split()]
FLY_GAPS = {"nan", "na"}
PLAIN = ["CD3D", "LYZ", "MS4A1", "NKG7", "GNLY", "CD79A", "FTL", "B2M", "HLA-DRA", "MT-CO1"]

words = st.sampled_from([word for _, word in GOOD + BAD]) | st.text(max_size=12)


def test_the_tables_are_long_enough_to_mean_something():
    assert len(GOOD) >= 100
    assert len(BAD) >= 60
    assert {kind for kind, _ in BAD} == {*KINDS, "unknown"} - {"copies", "uniprot", "transcript_names"}


@pytest.mark.parametrize(("organism", "word"), GOOD)
def test_symbols_of_many_organisms_are_symbols(organism, word):
    if not (organism == "fly" and word in FLY_GAPS):
        assert kind_of(word) is None


@pytest.mark.parametrize(("kind", "word"), BAD)
def test_other_words_are_known_by_their_kind(kind, word):
    assert kind_of(word) == kind


@pytest.mark.parametrize("organism", SYMBOLS)
def test_a_list_of_symbols_of_one_organism_is_one(organism):
    names = SYMBOLS[organism].split()
    verdict = judge(names)
    assert verdict.n_symbols == len(names), [names[i] for at in verdict.found.values() for i in at]


@pytest.mark.parametrize("kind", OTHERS)
def test_a_list_of_other_words_holds_no_symbol(kind):
    assert judge(OTHERS[kind].split()).n_symbols == 0


@given(st.lists(words, max_size=30))
def test_a_list_is_judged_as_its_words_are_but_for_copies_numbers_and_flies(names):
    verdict = judge(names)
    kind_at = {i: kind for kind, at in verdict.found.items() for i in at} | dict.fromkeys(verdict.unknown, "unknown")
    assert len(kind_at) + verdict.n_symbols == verdict.n_words == len(names)
    for i, name in enumerate(names):
        alone, here = kind_of(name), kind_at.get(i)
        settled = (alone, here) in {("entrez", "dates"), ("missing", None)} or here == "copies"
        assert alone == here or settled or here in ("uniprot", "transcript_names")


@given(st.lists(words, unique=True, min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_the_order_of_a_list_does_not_matter(names, random):
    mixed = random.sample(names, len(names))
    one, other = judge(names), judge(mixed)
    assert {k: {names[i] for i in at} for k, at in one.found.items()} == {
        k: {mixed[i] for i in at} for k, at in other.found.items()
    }


def test_words_that_are_not_text_of_any_script_are_unknown():
    assert judge(["\ud800", "CD3D", "a\x00b"]).unknown == [0, 2]


@pytest.mark.parametrize("mark", ["-", ".", "_"])
def test_copies_are_known_by_the_name_they_copy(mark):
    names = [*PLAIN, f"LYZ{mark}1", f"LYZ{mark}2", f"FTL{mark}3"]
    verdict = judge(names)
    assert verdict.found["copies"] == [10, 11], "a third copy needs a first and a second"


def test_names_that_end_with_a_number_and_copy_nothing_are_symbols():
    names = "HLA-DRB1 HLA-DRB5 MT-ND1 NKX2-1 KRTAP10-1 GGT-1 IGHV3-30 IGHV3-30-3 IGHV3-30-5 MIR1184 MIR1184-2 MIR1184-3"
    assert judge(names.split()).found == {}


def test_a_few_numbers_that_are_days_are_dates_and_many_are_ids():
    assert judge([*PLAIN, "44256", "40974", "40974.0"]).found == {"dates": [10, 11, 12]}
    assert judge(["44256", "40974", "LYZ"]).found == {"entrez": [0, 1]}
    assert judge([*PLAIN, "7157"]).found == {"entrez": [10]}


def test_gaps_are_genes_only_where_the_genes_of_a_fly_stand_around_them():
    fly = ["nan", "na", "w", "CG1234", "CG31", "CG4567", "Act5C"]
    assert judge(fly).found == {}
    assert judge([*fly, "nan"]).found == {"missing": [0, 7]}, "one gene has one name"
    assert judge([*fly, "None"]).found == {"missing": [7]}
    assert judge([*PLAIN, "nan"]).found == {"missing": [10]}


def test_accessions_of_proteins_and_names_of_transcripts_need_a_majority():
    assert judge(["P04637", "P38398", "Q9Y6K9", "P2RY12"]).found == {"uniprot": [0, 1, 2, 3]}
    assert judge([*PLAIN, "P2RY12"]).found == {}
    assert list(judge(["TP53-201", "TP53-202", "LYZ-201"]).found) == ["transcript_names"]
    assert judge([*PLAIN, "TP53-201"]).found == {}


@given(st.sampled_from(["nan", "None", "NA", "-", "NULL", ""]), st.integers(0, 999), st.sampled_from("-."))
def test_gaps_stay_gaps_when_they_are_made_unique(gap, number, mark):
    assert is_missing(gap)
    assert is_missing(f"{gap}{mark}{number}")


def test_what_follows_a_genome_is_judged_too():
    assert kind_of("GRCh38_ENSG00000141510") == "ensembl"
    assert kind_of("hg19_ERCC-00002") == "spike_ins"
    assert kind_of("GRCh38_MT-CO1") == "genome_prefix"


def test_no_names_have_no_share():
    assert judge([]).share("id", "feature") == 0
    assert judge([]).n_symbols == 0


@pytest.mark.parametrize("end", ["!", " ", "_", "|", "-", ".", "(", "1234567"])
@pytest.mark.parametrize("begin", ["a(b)", "E(spl)", "chr1", "ENS", "a-", "1", "A_", "|", "GRCh38_"])
@pytest.mark.parametrize("middle", ["a", "1", "a1", "a-", "1_", "._", "A|", "()"])
def test_no_word_takes_long_to_judge(begin, middle, end):
    start = time.process_time()
    for length in (50, 190, 5000):
        kind_of(begin + middle * (length // len(middle)) + end)
    assert time.process_time() - start < 0.5
