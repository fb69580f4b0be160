from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

from scc2s.metrics import label_report


def test_it_agrees_with_sklearn():
    rng = np.random.default_rng(0)
    true, pred = rng.choice(list("abc"), 200, p=[0.6, 0.3, 0.1]), rng.choice(list("abc"), 200)
    found = label_report(true, pred)
    assert found.accuracy == np.mean(true == pred)
    assert found.macro_f1 == pytest.approx(f1_score(true, pred, average="macro"))
    assert found.balanced_accuracy == pytest.approx(balanced_accuracy_score(true, pred))
    assert found.low < found.accuracy < found.high
    assert found.confusion.to_numpy().sum() == 200
    assert found.table["n"].sum() == 200


def test_unknown_and_missing_answers_count_as_wrong():
    found = label_report(["a", "a", "b", "b"], ["a", "unmapped", None, "b"])
    assert (found.accuracy, found.unmapped) == (0.5, 0.5)
    assert label_report(["a"], ["b"], known=["a", "b"]).unmapped == 0


def test_bad_input_names_the_mend():
    with pytest.raises(ValueError, match="as many"):
        label_report(["a"], [])
    with pytest.raises(ValueError, match="leave these cells out"):
        label_report(["a", None], ["a", "a"])


def test_with_the_ontology_names_of_one_term_are_the_same_and_the_accuracy_stays_exact():
    pytest.importorskip("cellxgene_ontology_guide")
    true = ["Treg", "Treg", "B cell", "B cell", "NK", "T cell", "tumor 1", "B cell"]
    pred = ["regulatory T cells", "T cell", "naive B cell", "platelet", "NK", "NK", "tumor 1", None]
    found, plain = label_report(true, pred, ontology=True), label_report(true, pred)
    assert (found.accuracy, found.macro_f1) == (plain.accuracy, plain.macro_f1)
    assert plain.relations is None
    assert plain.pairs is None
    shares = found.relations["value"]
    assert shares[["same", "wider", "narrower", "sibling", "unrelated", "unmatched"]].tolist() == [
        3 / 8, 1 / 8, 1 / 8, 0, 2 / 8, 1 / 8,
    ]  # fmt: skip
    assert shares[["same or narrower", "same or wider"]].tolist() == [4 / 8, 4 / 8]
    table = found.pairs.set_index(["true", "predicted"])
    assert table["n"].sum() == 8
    assert table.loc[("Treg", "T cell"), "relation"] == "wider"
    known = table[table["distance"].notna()]
    assert shares["mean distance"] == pytest.approx(known["distance"].mean())  # each pair is there once
    floor = found.relations["floor"]  # always "B cell"
    assert floor["same"] == 3 / 8
    assert floor["unmatched"] == 1 / 8


def test_labels_that_are_no_terms_have_no_distance():
    pytest.importorskip("cellxgene_ontology_guide")
    found = label_report(["1", "2"], ["2", "2"], ontology=True).relations["value"]
    assert (found["same"], found["unmatched"]) == (0.5, 0.5)
    assert found["mean distance"] == 0
    assert np.isnan(label_report(["1"], ["2"], ontology=True).relations.loc["mean distance", "value"])
