from __future__ import annotations

import sys

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, silhouette_score
from sklearn.model_selection import LeaveOneOut, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier

from scc2s.metrics import embedding_scores


@pytest.fixture
def cells() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Three types of unequal size that overlap a little, in two batches that mix."""
    rng = np.random.default_rng(0)
    labels = np.repeat(["a", "b", "c"], [60, 40, 20])
    X = rng.normal(size=(120, 4)) + 1.5 * (np.arange(3) == np.unique(labels, return_inverse=True)[1][:, None]) @ np.eye(
        3, 4
    )
    return X, labels, rng.choice(["x", "y"], 120)


def test_label_transfer_is_sklearns_leave_one_out_and_silhouette_sklearns_own(cells):
    X, labels, _ = cells
    found = embedding_scores(X, labels, k=7).loc["embedding"]
    said = cross_val_predict(KNeighborsClassifier(7), X, labels, cv=LeaveOneOut())
    ties = sum(said != labels) / 120
    assert found["knn_accuracy"] == pytest.approx(1 - ties, abs=0.03)  # sklearn gives a tie to the first label
    assert found["knn_recall"] == pytest.approx(balanced_accuracy_score(labels, said), abs=0.03)
    assert found["silhouette"] == pytest.approx(silhouette_score(X, labels))
    assert found["implementation"] == "scc2s"
    assert np.isnan(found["batch_entropy"])
    two = np.where(labels == "c", "b", labels)  # two labels and odd k: no ties
    said = cross_val_predict(KNeighborsClassifier(7), X, two, cv=LeaveOneOut())
    assert embedding_scores(X, two, k=7).loc["embedding", "knn_accuracy"] == pytest.approx(np.mean(said == two))


def test_floors_are_chance_and_the_most_frequent_label(cells):
    found = embedding_scores(*cells)
    assert found.loc["majority", "knn_accuracy"] == 0.5
    assert found.loc["majority", "knn_recall"] == pytest.approx(1 / 3)
    assert found.loc["permuted", "knn_recall"] == pytest.approx(1 / 3, abs=0.12)
    assert abs(found.loc["permuted", "silhouette"]) < 0.05
    assert found.loc["embedding", "knn_accuracy"] > found.loc["permuted", "knn_accuracy"] + 0.2


def test_mixed_batches_score_like_permuted_ones_and_parted_ones_zero(cells):
    X, labels, batch = cells
    mixed = embedding_scores(X, labels, batch)
    for column in ("batch_entropy", "ilisi"):
        assert mixed.loc["embedding", column] == pytest.approx(mixed.loc["permuted", column], abs=0.1)
    apart = embedding_scores(np.c_[X, 100 * (batch == "x")], labels, batch).loc["embedding"]
    assert apart["batch_entropy"] == apart["ilisi"] == 0


def test_mixing_by_hand():
    """Neighbours of each cell are the two others of its pair of pairs: one of each batch, so all of it."""
    X = [[0.0], [0.1], [0.2], [9.0], [9.1], [9.2]]
    found = embedding_scores(X, list("aaabbb"), list("xyzxyz"), k=2).loc["embedding"]
    assert found["batch_entropy"] == pytest.approx(np.log(2) / np.log(3))
    assert found["ilisi"] == pytest.approx((2 - 1) / (3 - 1))
    assert found["knn_accuracy"] == 1


def test_other_embeddings_and_sentences_are_rows_of_the_same_cells(cells):
    X, labels, _ = cells
    ranks = np.array([[ord(label), 3, 4, -1] for label in labels], dtype=np.int32)
    found = embedding_scores(X, labels, others={"PCA": X * 2, "noise": np.zeros((120, 1))}, ranks=ranks, max_cells=80)
    assert list(found.index) == ["embedding", "PCA", "noise", "bag of ranks", "permuted", "majority"]
    assert found.loc["PCA"].drop("implementation").equals(found.loc["embedding"].drop("implementation"))
    assert found.loc["bag of ranks", "knn_accuracy"] == 1
    again = embedding_scores(X, labels, max_cells=80)
    assert again.loc["embedding"].equals(found.loc["embedding"])


def test_early_genes_weigh_more_than_late_ones_in_the_bag():
    ranks = np.array([[0, 1], [0, 2], [1, 0], [2, 0]])
    found = embedding_scores(np.zeros((4, 1)), list("aabb"), ranks=ranks, k=1)
    assert found.loc["bag of ranks", "knn_accuracy"] == 0.5


def test_one_label_or_one_batch_has_no_silhouette_and_no_mixing():
    found = embedding_scores(np.arange(4.0), ["a"] * 4, ["x"] * 4).loc["embedding"]
    assert found["knn_accuracy"] == 1
    assert found[["silhouette", "batch_entropy", "ilisi"]].isna().all()


@pytest.mark.parametrize(
    ("kwargs", "said"),
    [
        ({"labels": ["a"] * 119}, "the same ones everywhere"),
        ({"batch": ["a"] * 3}, "the same ones everywhere"),
        ({"others": {"PCA": np.zeros((3, 2))}}, "the same ones everywhere"),
        ({"others": {"majority": np.zeros((120, 2))}}, "another name"),
        ({"labels": ["a"] * 119 + [None]}, "missing"),
        ({"k": 0}, "k= from 1"),
        ({"ranks": np.zeros((120, 2))}, "whole numbers"),
        ({"implementation": "scib"}, "pass 'scc2s' or 'scib-metrics'"),
    ],
)
def test_bad_input_is_refused(cells, kwargs, said):
    X, labels, _ = cells
    with pytest.raises(ValueError, match=said):
        embedding_scores(X, **{"labels": labels, **kwargs})


def test_scib_metrics_is_asked_for_by_name_and_never_replaced(cells, monkeypatch):
    monkeypatch.setitem(sys.modules, "scib_metrics", None)
    with pytest.raises(ImportError, match="pip install scib-metrics"):
        embedding_scores(*cells, implementation="scib-metrics")


def test_scib_metrics_gives_its_own_silhouette_and_lisi(cells):
    scib_metrics = pytest.importorskip("scib_metrics")
    X, labels, batch = cells
    found = embedding_scores(X, labels, batch, k=30, implementation="scib-metrics").loc["embedding"]
    own = embedding_scores(X, labels, batch, k=30).loc["embedding"]
    assert found["implementation"] == f"scib-metrics {scib_metrics.__version__}"
    assert found["silhouette"] == pytest.approx((own["silhouette"] + 1) / 2, abs=1e-4)
    assert found["ilisi"] == pytest.approx(own["ilisi"], abs=0.15)
    assert found["knn_accuracy"] == own["knn_accuracy"]
