"""Free names as terms of an ontology."""

from __future__ import annotations

import pytest

from scc2s import ontology
from scc2s.ontology._names import _own, names, own_names
from scc2s.ontology._readings import words

pytest.importorskip("cellxgene_ontology_guide")


def ids(*given: str, **kwargs) -> list[str]:
    return ontology.match(given, **kwargs)["id"].tolist()


@pytest.mark.parametrize(
    ("name", "term", "by"),
    [
        ("CL:0000084", "CL:0000084", "id"),
        ("CL_0000084", "CL:0000084", "id"),
        ("CL:0000003", "CL:0000000", "id"),  # out of use, replaced
        ("T cell", "CL:0000084", "label"),
        ("NK cell", "CL:0000623", "synonym"),
        ("B-cells", "CL:0000236", "spelling"),
        ("natural killer cells", "CL:0000623", "spelling"),
        ("Naïve B-cells", "CL:0000788", "spelling"),
        ("γδ T cell", "CL:0000798", "spelling"),
        ("CD14+ Mono", "CL:0001054", "spelling"),
        ("B cells Memory", "CL:0000787", "order"),
        ("Treg", "CL:0000815", "everyday"),
        ("Tregs", "CL:0000815", "everyday"),
        ("Treg cells", "CL:0000815", "everyday"),
        ("NK cells", "CL:0000623", "everyday"),
        ("CD4+ T", "CL:0000624", "everyday"),
        ("T cells CD4+", "CL:0000624", "everyday"),
        ("CD8 T cell", "CL:0000625", "everyday"),
        ("Memory CD4 T", "CL:0000897", "everyday"),
        ("T CD8 naive", "CL:0000900", "everyday"),
        ("CD4+ Central Memory", "CL:0000904", "everyday"),
        ("FCGR3A+ Monocytes", "CL:0000875", "everyday"),
        ("endothelial", "CL:0000115", "everyday"),
        ("Granulocyte/monocyte progenitor", "CL:0000557", "spelling"),
        ("haematopoietic stem cell", "CL:0000037", "spelling"),
    ],
)
def test_a_name_is_matched_however_it_is_written_and_the_table_says_how(name, term, by):
    table = ontology.match([name])
    assert table.loc[name, ["id", "by", "suggestion"]].tolist() == [term, by, ""]
    assert table.loc[name, "term"] == names().terms.labels[term]


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("tumor 5", "neoplastic cell"),
        ("T_cells_c11_MKI67", "T cell"),
        ("cancer-associated fibroblast", "fibroblast"),
        ("Myeloid_c0_DC_LAMP3", "dendritic cell"),
        ("2-cell", ""),
        ("unassigned", ""),
        ("12", ""),
        ("A", ""),
        ("", ""),
        ("+", ""),
        ("CD4+", ""),
        ("CD4- T cell", "T cell"),
        ("GM", "gastric mill neuron"),
        ("T/NK", "natural killer cell"),
        ("NK/T cell", "T cell"),
        ("HSC", "hematopoietic stem cell; hepatic stellate cell"),
    ],
)
def test_what_is_no_name_is_listed_with_a_suggestion_and_never_guessed(name, suggestion):
    row = ontology.match([name]).loc[name]
    assert (row["id"], row["term"], row["suggestion"]) == ("", "", suggestion)
    assert row["by"] == ("several" if ";" in suggestion else "")


def test_signs_tell_positive_from_negative_and_low():
    assert words("CD4+ T") == words("CD4-positive T") == words("CD4 T") == ["cd4pos", "t"]
    assert words("CD16- NK") == words("CD16-negative NK") == ["cd16neg", "nk"]
    assert words("CD14-low") == words("CD14dim") == ["cd14low"]
    assert words("CD14+CD16+") == ["cd14pos", "cd16pos"]
    assert ids("CD14+ CD16- classical monocyte", "CD14-low, CD16+ monocyte") == ["CL:0002057", "CL:0002396"]


def test_all_labels_and_long_synonyms_of_the_ontology_mean_their_term():
    known = names().terms
    table = ontology.match(known.labels.values())
    assert table["id"].tolist() == list(known.labels)
    asked = {name: term for term in known.labels for name in known.long_synonyms(term)}
    found = ontology.match(asked)
    wrong = found[(found["id"] != [asked[name] for name in found.index]) & (found["by"] != "several")]
    # our own table, and a synonym that is the label of another term, go before
    assert set(wrong.index) <= {
        "CD16+ monocyte",
        "alpha cell",
        "A9 dopaminergic neuron",
        "substantia nigra dopaminergic neuron",
    }
    assert len(found) > 2500


@pytest.mark.parametrize("terms", ["CL", "UBERON"])
def test_our_own_table_says_what_the_ontology_says(terms):
    known = names(terms).terms
    assert {term: entry["label"] for term, entry in _own()[terms].items()} == {
        term: known.labels[term] for term in own_names(terms)
    }
    every = [name for some in own_names(terms).values() for name in some]
    assert len(every) == len({" ".join(words(name)) for name in every})
    assert all(ids(name, terms=terms) == [term] for term, some in own_names(terms).items() for name in some)


def test_names_for_several_terms_are_terms_that_exist():
    labels = names().terms.labels
    assert all(term in labels for some in _own()["several"].values() for term in some)


def test_own_synonyms_go_first_and_have_to_mean_a_term():
    table = ontology.match(["PVL", "HSC"], synonyms={"PVL": "pericyte", "HSC": "CL:0000037"})
    assert table["id"].tolist() == ["CL:0000669", "CL:0000037"]
    assert table["by"].tolist() == ["given", "given"]
    with pytest.raises(ValueError, match="no term of CL; pass an id"):
        ontology.match(["PVL"], synonyms={"PVL": "perivascular-like"})
    with pytest.raises(ValueError, match="several terms"):
        ontology.match(["x"], synonyms={"x": "HSC"})


def test_each_name_has_one_row_and_missing_ones_none():
    table = ontology.match(["B cell", None, "T cell", float("nan"), "B cell"])
    assert table.index.tolist() == ["B cell", "T cell"]
    assert table.attrs["ontology"].startswith("CL v20")
    assert ontology.match([]).shape == (0, 4)


def test_tissues_are_matched_with_uberon():
    assert ids("Whole Blood", "Adipose", "kidney", "oesophagus", "T cell", terms="UBERON") == [
        "UBERON:0000178", "UBERON:0001013", "UBERON:0002113", "UBERON:0001043", "",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="pass terms='CL' or terms='UBERON'"):
        ontology.match(["x"], terms="GO")


def test_a_hundred_thousand_cells_cost_as_much_as_their_labels():
    from time import process_time

    labels = [f"memory B cell {i % 20}" for i in range(100_000)]
    names()
    start = process_time()
    assert len(ontology.match(labels)) == 20
    assert process_time() - start < 1
