from __future__ import annotations

import numpy as np
import pytest

from scc2s.metrics import energy_distance
from scc2s.models import CallableModel
from scc2s.train.rewards import embedding_energy, embedding_mse


def numbers(texts: list[str]) -> np.ndarray:
    return np.array([[float(x) for x in text.split(",")] for text in texts])


def texts(points: np.ndarray) -> list[str]:
    return [",".join(map(repr, map(float, row))) for row in points]


def test_mse_is_that_of_the_arrays() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 5, 3))
    found = embedding_mse(numbers)(["p"] * 5, texts(a), truth=texts(b))
    assert found == pytest.approx(-((a - b) ** 2).mean(axis=1))


def test_mse_of_random_pairs_rewards_lower_spread_and_energy_does_not() -> None:
    """Section 2.9: the expectation of the error holds both spreads, so that the mean cell is the best answer."""
    rng = np.random.default_rng(1)
    real = rng.normal(size=(200, 2))
    same, mean = rng.normal(size=(200, 2)), np.zeros((200, 2)) + 1e-6 * rng.normal(size=(200, 2))

    def mse(points: np.ndarray) -> float:
        return float(np.mean(embedding_mse(numbers)(["p"] * 200, texts(points), truth=texts(real))))

    expected = -(np.sum((same.mean(0) - real.mean(0)) ** 2) + np.trace(np.cov(same.T)) + np.trace(np.cov(real.T))) / 2
    assert mse(same) == pytest.approx(expected, abs=0.15)
    assert mse(mean) > mse(same) + 0.5
    assert energy_distance(same, real) < energy_distance(mean, real) / 5

    # Among answers of which half are the mean cell, the mean cell is worth less than a draw from the real cells.
    both = np.concatenate([same[:100], mean[:100]])
    found = np.array(embedding_energy(numbers)(["p"] * 200, texts(both), real=[texts(real)] * 200))
    collapsed = np.concatenate([same[:10], mean[:190]])
    alone = np.array(embedding_energy(numbers)(["p"] * 200, texts(collapsed), real=[texts(real)] * 200))
    assert alone[:10].mean() > alone[10:].mean()
    assert found.shape == (200,)


def test_energy_reward_is_the_gradient_of_the_energy_distance() -> None:
    """A mixture that gives answer i a little more weight has a smaller distance by what the reward says."""
    rng = np.random.default_rng(2)
    answers, real = rng.normal(size=(6, 2)), rng.normal(size=(5, 2)) + 1

    def distance(w: np.ndarray) -> float:
        def d(x: np.ndarray, y: np.ndarray) -> np.ndarray:
            return np.linalg.norm(x[:, None] - y[None], axis=2)

        r = np.full(5, 1 / 5)
        return 2 * w @ d(answers, real) @ r - w @ d(answers, answers) @ w - r @ d(real, real) @ r

    w = np.full(6, 1 / 6)
    assert distance(w) == pytest.approx(energy_distance(answers, real))
    slope = np.array([(distance(w + 1e-6 * e) - distance(w - 1e-6 * e)) / 2e-6 for e in np.eye(6)])
    d = np.linalg.norm(answers[:, None] - answers[None], axis=2)
    left_out = 2 * d.sum(axis=1) * (1 / 6 - 1 / 5)  # the reward leaves an answer itself out of the others
    found = embedding_energy(numbers)(["p"] * 6, texts(answers), real=[texts(real)] * 6)
    assert -np.array(found) == pytest.approx(slope + left_out, abs=1e-5)


def test_sets_are_prompts_or_a_column() -> None:
    points = [[0.0], [4.0], [0.0], [4.0]]
    by_prompt = embedding_energy(numbers)(["p", "p", "q", "q"], texts(points), real=["0.0"] * 4)
    assert by_prompt == pytest.approx([8, 0, 8, 0])
    by_type = embedding_energy(numbers, by="type")
    assert by_type.columns == ("real", "type")
    found = by_type(["p", "q", "p", "q"], texts(points), real=["0.0"] * 4, type=["a", "b", "a", "b"])
    assert found == pytest.approx([0, -8, 0, -8])
    assert embedding_energy(numbers)(["p"], ["3.0"], real=["0.0"]) == [-6]


def test_real_cells_are_embedded_once_and_models_are_taken() -> None:
    asked: list[str] = []

    def embed(given: list[str]) -> np.ndarray:
        asked.extend(given)
        return numbers(given)

    reward = embedding_mse(CallableModel(embed=embed))
    for _ in range(3):
        reward(["p"] * 2, ["1.0", "1.0"], truth=["2.0", "3.0"])
    assert (asked.count("2.0"), asked.count("1.0")) == (1, 3)


@pytest.mark.parametrize(
    ("embedder", "said"),
    [
        (lambda given: np.ones(len(given)), r"gives shape \(2,\) for 2 texts"),
        (lambda given: np.full((len(given), 2), np.nan), "not finite"),
    ],
)
def test_embedders_that_give_no_vectors_are_refused(embedder: object, said: str) -> None:
    with pytest.raises(RuntimeError, match=said):
        embedding_mse(embedder)(["p"] * 2, ["1", "2"], truth=["3", "4"])
    with pytest.raises(TypeError, match="embedder is int"):
        embedding_mse(3)


def test_empty_answers_and_missing_cells() -> None:
    assert embedding_mse(numbers)(["p"] * 2, ["", "1.0"], truth=["2.0"] * 2) == [-4, -1]
    with pytest.raises(RuntimeError, match="all answers are empty"):
        embedding_mse(numbers)(["p"], [""], truth=["2.0"])
    with pytest.raises(RuntimeError, match="column 'real' holds nan"):
        embedding_energy(numbers)(["p"], ["1.0"], real=[float("nan")])
    with pytest.raises(RuntimeError, match="a real sentence is empty"):
        embedding_energy(numbers)(["p"], ["1.0"], real=[[" "]])
