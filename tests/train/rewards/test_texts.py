from __future__ import annotations

import numpy as np
import pytest

from scc2s import metrics, programs
from scc2s.train.rewards import bertscore, grounding, label, validity

GENES = ["CD79A", "MS4A1", "CD79B", "CD3D", "CD3E", "LYZ", "S100A9", "NKG7"]


def test_validity_counts_each_gene_once() -> None:
    found = validity(["A", "B", "C"])(["p"] * 4, ["A B C", "A A A", "X Y", ""])
    assert found == pytest.approx([1, 1 / 3, 0, 0])
    with pytest.raises(ValueError, match="pass names="):
        validity([])


def test_grounding_is_the_share_of_what_is_named_that_is_shown() -> None:
    said = ["Marked by CD79A and MS4A1.", "Marked by CD79A, CD3D and QXZ9.", "Marked by CD3D.", "A cell.", ""]
    found = grounding(GENES)(["p"] * 5, said, shown=["CD79A MS4A1 LYZ"] * 5)
    assert found == pytest.approx([1, 1 / 3, 0, 0, 0])
    assert grounding(GENES, top=1)(["p"], said[:1], shown=["CD79A MS4A1 LYZ"]) == [0.5]


def test_grounding_judges_the_type_by_its_markers() -> None:
    reward = grounding(GENES, markers=programs.markers())
    shown = ["CD79A MS4A1 CD79B LYZ"] * 3
    b, t, none = reward(["p"] * 3, ["A B cell with CD79A.", "A T cell with CD79A.", "Cells with CD79A."], shown=shown)
    assert b > t
    assert b > none
    assert none == 0.5  # half for the gene, nothing for a type that is not named


def test_bertscore_is_that_of_the_metric() -> None:
    def letters(text: str) -> np.ndarray:
        return np.eye(26)[[ord(x) - 97 for x in text if x.isalpha()]]

    said, truth = ["ab", "abc", "xyz", ""], ["abc", "abc", "abc", "abc"]
    found = bertscore(letters)(["p"] * 4, said, truth=truth)
    assert found == pytest.approx(metrics.bertscore(said, truth, letters).f1)
    assert found[1:] == [1, 0, 0]
    with pytest.raises(TypeError, match="encoder is NoneType"):
        bertscore(None)  # type: ignore[arg-type]


def test_labels_are_graded_by_distance() -> None:
    pytest.importorskip("cellxgene_ontology_guide")
    said = [" NK cells.", " B cell", " T cell", " memory B cell", " cell", " train", "", " NK\nGenes: A"]
    true = ["NK", "B cells", "alpha-beta T cell", "naive B cell", "B cell", "B cell", "B cell", "natural killer cell"]
    found = label()(["p"] * len(said), said, label=true)
    assert found[:3] == [1, 1, 0.5]
    assert 0 < found[3] < 0.5
    assert found[4:] == [0, 0, 0, 1]


def test_labels_that_are_no_terms_count_where_they_are_the_same() -> None:
    pytest.importorskip("cellxgene_ontology_guide")
    assert label()(["p"] * 2, [" cluster 7", " cluster 8"], label=["cluster 7"] * 2) == [1, 0]
    with pytest.raises(RuntimeError, match="column 'label' holds None"):
        label()(["p"], [" NK"], label=[None])
