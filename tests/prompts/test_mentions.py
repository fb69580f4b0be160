from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scc2s.prompts._mentions import mentions

HUMAN = ["CD3D", "CD4", "CD8A", "CD79A", "HLA-DRA", "IL2", "REST", "GZMB", "RPS27A", "MT-CO1", "RP11-34P13.7"]
MOUSE = ["Cd3d", "Lyz2", "H2-Aa", "Ptprc", "Gzmb"]


def read(text: str, names: list[str] = HUMAN, ignore: tuple[str, ...] = ()) -> tuple[list[str], list[str]]:
    (found,) = mentions([text], names, ignore=ignore)
    return found.genes, found.unknown


@pytest.mark.parametrize(
    ("text", "genes"),
    [
        ("Marked by CD3D, GZMB and HLA-DRA.", ["CD3D", "GZMB", "HLA-DRA"]),
        ("GZMB, CD3D; GZMB again (CD3D)", ["GZMB", "CD3D"]),
        ("CD3D/CD79A, CD8A:GZMB", ["CD3D", "CD79A", "CD8A", "GZMB"]),
        ("CD79A-expressing, non-GZMB", ["CD79A", "GZMB"]),
        ("hla-dra is not a word with a digit, cd3d and Cd79a are", ["CD3D", "CD79A"]),
        ("It makes IL-2.", ["IL2"]),
        ("The lncRNA RP11-34P13.7.", ["RP11-34P13.7"]),
        ("REST is a gene; the rest is not.", ["REST"]),
        ("CD3DX XCD3D CD3D_2", []),
        ("", []),
    ],
)
def test_genes_are_whole_words_in_order_each_once(text: str, genes: list[str]) -> None:
    assert read(text)[0] == genes


@pytest.mark.parametrize("word", ["QXZ9", "CD79B", "FOXQZ", "HLA-DRX", "MT-CO9", "RPS27"])
def test_invented_symbols_are_unknown(word: str) -> None:
    assert read(f"High in {word}, and {word}.") == ([], [word])


@pytest.mark.parametrize(
    "text",
    [
        "An NK cell; T, B and NKT cells; MHC class III; RNA and DNA of COVID-19 PBMC",
        "Treated with IFN-beta or TGF-beta1 on day 7",
        "CD3 and CD8 are complexes of the data set's genes, and so is HLA-DR",
        "CD14+ monocyte, CD45RA+/CD25- naive",
        "AN ACTIVATED CELL FROM BLOOD",
    ],
)
def test_other_words_are_neither(text: str) -> None:
    assert read(text) == ([], [])


def test_sign_makes_a_surface_protein_of_a_gene() -> None:
    assert read("A CD4+ T cell with CD4") == (["CD4"], [])
    assert read("A CD4+ T cell") == ([], [])


def test_names_of_cell_types_are_no_claims_about_genes() -> None:
    ignore = ("CD4 T cell", "naive CD4 T cell", "CD56 NK")
    assert read("naive CD4 T cells and a CD56 NK", ignore=ignore) == ([], [])
    assert read("a CD4 T cell with CD4", ignore=ignore) == (["CD4"], [])
    assert read("CD4 is high", ignore=("CD4",)) == (["CD4"], [])


def test_mouse_symbols_are_read_in_their_own_spelling() -> None:
    assert read("Cd3d and H2-Aa, not Foxz9; Lyz2+ cells", MOUSE) == (["Cd3d", "H2-Aa"], ["Foxz9"])
    assert read("Day7 is not a symbol among human genes") == ([], [])


def test_small_words_that_are_genes_of_the_fly_are_not_read_from_prose() -> None:
    assert read("was for the white eye", ["was", "for", "w", "Act5C"]) == ([], [])


NAME = st.from_regex(r"[A-Z]{2,5}[0-9]{1,2}[A-Z]?", fullmatch=True)


@settings(max_examples=60, deadline=None)
@given(st.lists(NAME, min_size=1, max_size=8, unique=True), st.data())
def test_every_name_is_found_and_nothing_else_is_a_gene(names: list[str], data: st.DataObject) -> None:
    named = data.draw(st.lists(st.sampled_from(names), unique=True))
    other = data.draw(NAME.filter(lambda word: word not in names))
    genes, unknown = read(f"It has {', '.join(named)} but no {other}.", names)
    assert genes == named
    assert set(unknown) <= {other}
