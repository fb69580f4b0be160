from __future__ import annotations

import pytest

from scc2s.prompts._statements import statements

GENES = ["CD3D", "CD79A", "MS4A1", "ISG15", "IFI6", "LYZ", "HLA-DRA", "NKG7"]
PAIR = ["stim", "ctrl"]


def said(text, groups=PAIR, names=GENES):
    return [(one.gene, one.said, one.group) for one in statements([text], names, groups)[0]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ISG15 and IFI6 are upregulated in stim.", [("ISG15", "up", "stim"), ("IFI6", "up", "stim")]),
        ("Increased ISG15 and decreased LYZ in stim.", [("ISG15", "up", "stim"), ("LYZ", "down", "stim")]),
        ("ISG15 is up and LYZ is down in stim.", [("ISG15", "up", "stim"), ("LYZ", "down", "stim")]),
        ("They lack LYZ, and ISG15 is high.", [("LYZ", "absent", ""), ("ISG15", "expressed", "")]),
        ("ISG15 is up and LYZ and CD3D are down.", [("ISG15", "up", ""), ("LYZ", "down", ""), ("CD3D", "down", "")]),
        ("Increased ISG15 and IFI6 and lower LYZ.", [("ISG15", "up", ""), ("IFI6", "up", ""), ("LYZ", "down", "")]),
        (
            "ISG15, IFI6, and LYZ are higher and stronger in stim.",
            [(g, "up", "stim") for g in ("ISG15", "IFI6", "LYZ")],
        ),
        ("Lower LYZ, higher ISG15.", [("LYZ", "down", ""), ("ISG15", "up", "")]),
        ("ISG15 is expressed more strongly in stim.", [("ISG15", "up", "stim")]),
        ("ISG15 is highly expressed in stim.", [("ISG15", "expressed", "stim")]),
        ("CD3D is not expressed in ctrl.", [("CD3D", "absent", "ctrl")]),
        ("ctrl cells lack CD3D.", [("CD3D", "absent", "ctrl")]),
        ("ctrl does not lack CD3D.", [("CD3D", "expressed", "ctrl")]),
        ("ISG15 is not higher in stim.", [("ISG15", "named", "stim")]),
        ("ISG15 marks these cells.", [("ISG15", "named", "")]),
        ("Interferon-induced ISG15 is seen.", [("ISG15", "named", "")]),
        ("Up to ten genes such as ISG15.", [("ISG15", "named", "")]),
        ("HLA-DRA is higher.", [("HLA-DRA", "up", "")]),
    ],
)
def test_a_gene_has_the_direction_of_its_clause(text, expected):
    assert said(text) == expected


@pytest.mark.parametrize(
    ("text", "group", "than"),
    [
        ("ISG15 is higher in stim than in ctrl.", "stim", "ctrl"),
        ("Compared with ctrl, stim has higher ISG15.", "stim", "ctrl"),
        ("ISG15 is higher than in ctrl.", "", "ctrl"),
        ("ISG15 rises in STIM relative to ctrl cells.", "stim", "ctrl"),
        ('ISG15 is higher in "stim" versus "ctrl".', "stim", "ctrl"),
        ("Stimulation raises ISG15.", "", ""),
    ],
)
def test_the_group_is_the_one_that_is_not_held_against(text, group, than):
    (one,) = statements([text], GENES, PAIR)[0]
    assert (one.group, one.than) == (group, than)


def test_each_gene_takes_the_group_beside_it():
    groups = ["CD56+ NK", "CD19+ B"]
    assert said("NKG7 is higher in CD56+ NK, CD79A in CD19+ B.", groups) == [
        ("NKG7", "up", "CD56+ NK"),
        ("CD79A", "up", "CD19+ B"),
    ]
    assert said("In CD19+ B, CD79A and MS4A1 are high.", groups)[1] == ("MS4A1", "expressed", "CD19+ B")


def test_a_clause_takes_the_group_of_the_one_before_it_in_its_sentence_alone():
    assert said("In stim ISG15 rises, whereas LYZ falls. CD3D falls.") == [
        ("ISG15", "up", "stim"),
        ("LYZ", "down", "stim"),
        ("CD3D", "down", ""),
    ]


def test_numbers_and_single_letters_are_groups_only_where_they_are_called_so():
    groups = ["0", "1", "a"]
    assert said("A cell with 1 gene: CD3D.", groups) == [("CD3D", "named", "")]
    assert said("CD3D is higher in cluster 1 than in cluster 0.", groups) == [("CD3D", "up", "1")]
    assert said("CD3D is higher in group a.", groups) == [("CD3D", "up", "a")]
    assert said("CD3D is higher in T, CD79A in B; a b c.", ["T", "B"]) == [("CD3D", "up", "T"), ("CD79A", "up", "B")]
    assert said("A cell with CD3D, and I say it is high.", ["A", "I"]) == [("CD3D", "expressed", "")]


def test_invented_symbols_are_kept_and_names_of_groups_are_no_genes():
    (found,) = statements(["QXZ9 is higher in CD3D cells."], GENES, ["CD3D cells"])
    assert found == [("QXZ9", False, "up", "CD3D cells", "")]


def test_the_same_statement_counts_once_and_texts_keep_their_order():
    both = statements(["ISG15 rises. ISG15 rises! ISG15 falls.", ""], GENES, PAIR)
    assert [one.said for one in both[0]] == ["up", "down"]
    assert both[1] == []
    assert statements([], GENES) == []


def test_mouse_genes_are_read_as_they_are_written():
    assert said("Cd3d and Lyz2 are higher in stim.", names=["Cd3d", "Lyz2", "Ms4a1"]) == [
        ("Cd3d", "up", "stim"),
        ("Lyz2", "up", "stim"),
    ]
