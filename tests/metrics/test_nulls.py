from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from sklearn.metrics import cohen_kappa_score, mutual_info_score

from scc2s.metrics import divergence, excess, information, null_report
from scc2s.metrics._nulls import OWN


def random_answers(n: int, n_labels: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.full(n_labels, 0.4), n)


class TestInformation:
    def test_is_the_mutual_information_of_cell_and_label(self) -> None:
        labels = np.random.default_rng(0).integers(0, 4, 50)
        expected = mutual_info_score(np.arange(50), labels) / np.log(2)
        assert information(np.eye(4)[labels]) == pytest.approx(expected)

    def test_same_answer_for_every_cell_is_none_however_sure(self) -> None:
        assert information(np.tile([1.0, 0.0], (9, 1))) == 0
        assert information(np.tile([0.3, 0.7], (9, 1))) == pytest.approx(0, abs=1e-12)

    @settings(deadline=None, max_examples=30)
    @given(st.integers(1, 20), st.integers(2, 6), st.integers(0, 99))
    def test_lies_between_none_and_that_of_level_labels(self, n: int, n_labels: int, seed: int) -> None:
        assert 0 <= information(random_answers(n, n_labels, seed)) <= np.log2(min(n, n_labels)) + 1e-9

    def test_without_cells_is_not_a_number(self) -> None:
        assert np.isnan(information(np.empty((0, 3))))


def test_divergence_is_that_of_scipy() -> None:
    p, q = random_answers(8, 5, 0), random_answers(8, 5, 1)
    assert divergence(p, q) == pytest.approx([jensenshannon(a, b, base=2) ** 2 for a, b in zip(p, q, strict=True)])
    assert divergence(p, p).tolist() == [0.0] * 8


class TestExcess:
    def test_is_kappa_of_one_answer(self) -> None:
        # Level labels by chance: kappa of an accuracy a is (a - 1/2) / (1 - 1/2).
        truth, said = [0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 1, 1, 1, 1, 0]
        kappa = cohen_kappa_score(truth, said)
        assert excess(np.array([[0.75, 0.25]]), np.array([[0.5, 0.5]])) == pytest.approx([kappa])

    def test_is_0_where_the_cell_adds_nothing_and_1_where_the_answer_is_certain(self) -> None:
        null = np.array([[0.9, 0.1]])
        assert excess(np.array([[0.9, 0.1], [0.6, 0.4], [0.0, 1.0], [1.0, 0.0]]), null) == pytest.approx([0, 0, 1, 1])

    def test_a_certain_null_leaves_nothing(self) -> None:
        assert excess(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[1.0, 0.0]])).tolist() == [0.0, 1.0]

    def test_cells_without_probabilities_have_none(self) -> None:
        assert np.isnan(excess(np.array([[np.nan, np.nan], [1.0, 0.0]]), np.array([[0.5, 0.5]]))).tolist() == [
            True,
            False,
        ]


class TestReport:
    def test_rows_say_what_the_planted_answers_are(self) -> None:
        own = np.eye(2)[np.tile([0, 1], 20)]
        report = null_report(own, {"kept": own, "turned": own[:, ::-1], "none": np.tile([0.5, 0.5], (40, 1))})
        assert report.index.tolist() == [OWN, "kept", "turned", "none"]
        assert report["information"].tolist() == pytest.approx([1, 1, 1, 0])
        assert report["same_label"].tolist() == [1, 1, 0, 0.5]
        assert report["chance"].tolist()[:3] == [0.5] * 3
        assert report["divergence"].tolist()[:3] == pytest.approx([0, 0, 1])
        assert report["gain"].tolist() == pytest.approx([0, 0, 0, 1])
        assert report["like_own"].tolist() == [1, 1, 0, 0]

    def test_standard_errors_are_those_of_many_samples(self) -> None:
        rng = np.random.default_rng(0)
        labels = rng.choice(3, p=[0.6, 0.3, 0.1], size=(400, 80))
        reports = [information(np.eye(3)[row]) for row in labels]
        found = null_report(np.eye(3)[labels[0]], {}).loc[OWN, "information_se"]
        assert found == pytest.approx(np.std(reports), rel=0.25)

    def test_rows_without_an_answer_do_not_count(self) -> None:
        own = np.eye(2)[[0, 1, 0]]
        report = null_report(
            own, {"some": np.array([[1.0, 0.0], [np.nan] * 2, [1.0, 0.0]]), "no": np.full((3, 2), np.nan)}
        )
        assert report["n_cells"].tolist() == [3, 2, 0]
        assert report.loc["some", "same_label"] == 1
        assert np.isnan(report.loc["no", "gain"])

    def test_no_cells_give_a_table_of_nothing(self) -> None:
        assert null_report(np.empty((0, 3)), {"no genes": np.empty((0, 3))})["n_cells"].tolist() == [0, 0]

    def test_null_of_other_cells_is_refused(self) -> None:
        with pytest.raises(ValueError, match="one row for each cell"):
            null_report(np.eye(2), {"x": np.eye(3)})
