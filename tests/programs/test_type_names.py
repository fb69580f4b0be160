"""The cell type that a text names."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from scc2s.programs import _type_names, as_markers, markers
from scc2s.programs._type_names import TypeNames, _plain

TYPES = TypeNames(markers())


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("A CD14+ monocyte from blood, marked by LYZ.", "CD14+ monocyte"),
        ("An NK cell", "NK cell"),
        ("naïve CD4+ T-cells", "naive CD4 T cell"),
        ("CD4-positive, alpha-beta T cell", "CD4 T cell"),
        ("Tregs", "regulatory T cell"),
        ("pDCs", "plasmacytoid dendritic cell"),
        ("NATURAL KILLER CELLS", "NK cell"),
        ("natural killer T cell", "T cell"),
        ("T cells, probably regulatory T cells", "regulatory T cell"),
        ("regulatory T cells, which are T cells", "regulatory T cell"),
        ("T cells or B cells", "T cell"),
        ("B-cell, unlike T cells", "B cell"),
        ("not a B cell but a plasmablast", "plasma cell"),
        ("T-cell receptor genes high in macrophages", "macrophage"),
        ("a subcellular thing", None),
        ("no idea", None),
        ("", None),
    ],
)
def test_the_longest_first_and_narrowest_name_counts_however_it_is_written(text, label):
    assert TYPES.read(text) == label


def test_every_type_of_the_table_is_read_by_each_of_its_names():
    for label in markers():
        assert TYPES.read(f"An {label}.") == TYPES.read(f"some {label.upper()}s") == label
        for phrase in _type_names._names()[label]:
            assert TYPES.read(f"These are {phrase}s, it seems.") == label


def test_no_name_stands_for_two_types_and_none_is_only_another_spelling():
    table = tomllib.loads(Path(_type_names.__file__).with_name("type_names.toml").read_text(encoding="utf-8"))
    assert set(table) <= set(markers())
    names = [_plain(name) for label, more in table.items() for name in (label, *more)]
    assert len(names) == len(set(names))


def test_wider_and_narrower_types_are_related_and_siblings_not():
    assert TYPES.related("T cell", "regulatory T cell")
    assert TYPES.related("regulatory T cell", "T cell")
    assert TYPES.related("B cell", "B cell")
    assert not TYPES.related("naive CD4 T cell", "memory CD4 T cell")
    assert not TYPES.related("CD14+ monocyte", "FCGR3A+ monocyte")


def test_own_tables_have_their_labels_and_the_names_of_known_types():
    mine = TypeNames(as_markers({"T lymphocytes": ["CD3D"], "Treg": ["FOXP3"], "podocyte": ["NPHS1"]}))
    assert mine.read("regulatory T cells") == "Treg"
    assert mine.read("A T cell") == "T lymphocytes"
    assert mine.read("podocytes of the kidney") == "podocyte"
    assert mine.read("a B cell") is None
    assert mine.related("Treg", "T lymphocytes")
    assert not mine.related("podocyte", "Treg")
    assert mine.phrases[:2] == ["T lymphocytes", "T cell"]


def test_with_the_ontology_own_labels_have_its_names_and_its_wider_types():
    pytest.importorskip("cellxgene_ontology_guide")
    genes = ["NPHS1", "NPHS2"]
    mine = TypeNames(
        as_markers(dict.fromkeys(["AT2", "pulmonary alveolar epithelial cell", "alpha cell", "Treg"], genes))
    )
    assert mine.read("type II pneumocytes of the lung") == "AT2"
    assert mine.read("regulatory T lymphocytes") == "Treg"
    assert mine.read("A cell of the lung") is None
    assert mine.related("AT2", "pulmonary alveolar epithelial cell")
    assert not mine.related("AT2", "alpha cell")
    assert mine.read("a pulmonary alveolar epithelial cell, a type 2 pneumocyte") == "AT2"


def test_types_of_the_package_are_related_as_its_table_says_with_the_ontology_too():
    assert not TYPES.related("dendritic cell", "plasmacytoid dendritic cell")


def test_without_the_ontology_types_have_the_names_of_the_package(monkeypatch):
    monkeypatch.setattr(_type_names, "installed", lambda: False)
    mine = TypeNames(as_markers({"AT2": ["SFTPC"], "Treg": ["FOXP3"]}))
    assert mine.read("type II pneumocytes") is None
    assert mine.read("regulatory T cells") == "Treg"
