"""Other names of labels."""

from __future__ import annotations

import pytest

from scc2s import ontology
from scc2s.prompts._answers import match_labels

pytest.importorskip("cellxgene_ontology_guide")


def test_answers_in_the_words_of_the_ontology_are_read_as_the_labels():
    labels = ["Treg", "NK", "CD8 T", "tumor 5"]
    words = ontology.synonyms(labels)
    answers = ["Regulatory T cells.", "natural killer cell", "CD8-positive, alpha-beta T cell", "a tumor"]
    assert match_labels(answers, labels, synonyms=words) == ["Treg", "NK", "CD8 T", "unmapped"]
    assert not set(words) & set(labels)


def test_a_term_that_two_labels_mean_has_no_other_names():
    assert ontology.synonyms(["Treg", "regulatory T cell"]) == {}
    assert ontology.synonyms([]) == {}
