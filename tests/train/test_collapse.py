from __future__ import annotations

import pandas as pd
import pytest

from scc2s.train._collapse import collapse, diversity


def run(**columns: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"step": range(1, 1 + len(next(iter(columns.values())))), **columns})


def test_diversity_of_groups() -> None:
    same = diversity(["A B C"] * 4, 4)
    assert (same["distinct_answers"], same["distinct_genes"], same["length"]) == (0.25, 1, 3)
    assert diversity(["A B", "B A", "C D", "E F"], 4)["distinct_answers"] == 1
    assert diversity(["A B", "C D"], 2)["distinct_genes"] == 2
    assert diversity(["A B", "C D"] * 2, 4)["distinct_genes"] == 2
    assert diversity(["A A", ""], 2, ["A"])["valid"] == 0.25
    assert "valid" not in diversity(["A"], 1)


def test_a_steady_run_did_not_collapse() -> None:
    steady = run(entropy=[2.0, 1.9, 1.8], distinct_answers=[1.0] * 3, distinct_genes=[3.0, 2.9, 2.8],
                 no_spread=[0.0, 0.5, 0.1], kl=[0.0, 0.1, 0.2])  # fmt: skip
    assert collapse(steady) == []
    assert collapse(steady.head(0)) == []


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"entropy": [2.0, 0.9]}, "entropy of the next token fell from 2 to 0.9, under 50%"),
        ({"distinct_answers": [1.0, 0.25]}, "different answers in a group fell from 1 to 0.25"),
        ({"distinct_genes": [3.0, 1.5]}, "beyond those of one answer fell from 2 to 0.5"),
        ({"no_spread": [0.0, 0.75]}, "75% of the groups have rewards without spread"),
        ({"kl": [0.0, 3.0]}, "3 nats a token"),
    ],
)
def test_a_run_that_collapsed_says_how(columns: dict[str, list[float]], said: str) -> None:
    (found,) = collapse(run(**columns))
    assert said in found
    assert collapse(run(**columns), diversity=0.01, no_spread=1.0, kl=10.0) == []


def test_ends_are_means_of_a_tenth_of_the_steps() -> None:
    noisy = [0.0] * 99 + [1.0]  # one step alone is not the end of a run
    assert collapse(run(no_spread=noisy)) == []
    assert len(collapse(run(no_spread=[0.0] * 90 + [1.0] * 10))) == 1
