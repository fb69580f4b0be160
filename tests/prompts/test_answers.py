from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scc2s.prompts._answers import UNMAPPED, match_labels, tidy

LABELS = ["B cell", "CD4+ T cell", "CD4- T cell", "natural killer cell", "Tregs"]


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("B cell", "B cell"),
        (" b Cell.", "B cell"),
        ("B cells", "B cell"),
        ("B-cell", "B cell"),
        ("natural_killer  cells.", "natural killer cell"),
        ("treg", "Tregs"),
        ("CD4+ T cell", "CD4+ T cell"),
        ("cd4- t cell", "CD4- T cell"),
        ("B cell.<ctrl100>.", "B cell"),
        ("B cell\nGenes: CD79A", "B cell"),
    ],
)
def test_case_punctuation_plural_and_what_follows_do_not_matter(answer: str, label: str) -> None:
    assert match_labels([answer], LABELS) == [label]


@pytest.mark.parametrize(
    "answer",
    ["", "   ", "...", "neuron", "CD4 T cell", "CD79A MS4A1 CD74", "The cell type is not B cell", "Genes: A B\nB cell"],
)
def test_anything_else_is_unmapped(answer: str) -> None:
    assert match_labels([answer], LABELS) == [UNMAPPED]


def test_synonyms_are_read_as_loosely_as_labels() -> None:
    synonyms = {"NK": "natural killer cell", "T regulatory": "Tregs"}
    assert match_labels(["nk", "T-Regulatory.", "NKT"], LABELS, synonyms=synonyms) == [
        "natural killer cell",
        "Tregs",
        UNMAPPED,
    ]


def test_synonym_of_no_label_is_refused() -> None:
    with pytest.raises(ValueError, match="'NK cell'.*add it to labels"):
        match_labels(["x"], LABELS, synonyms={"NK": "NK cell"})


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.text(alphabet="aB +-s/", min_size=1, max_size=6).filter(str.strip), min_size=1, max_size=5, unique=True)
)
def test_a_label_that_survives_tidying_always_maps_to_itself(labels: list[str]) -> None:
    labels = list(dict.fromkeys(label.strip() for label in labels))
    assert match_labels(labels, labels) == labels


def test_tidy_keeps_inner_full_stops() -> None:
    assert tidy("  T cell, e.g. CD4.  \nmore") == "T cell, e.g. CD4"
