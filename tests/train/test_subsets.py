from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from scc2s.train._subsets import nested


@pytest.fixture
def samples() -> pd.DataFrame:
    rows = [(f"prompt {i}", f" answer {i % 3}", "a" if i < 70 else "b", f"donor {i % 7}") for i in range(100)]
    return pd.DataFrame(rows, columns=["prompt", "completion", "task", "donor"])


@pytest.mark.parametrize("groupby", [None, "donor"])
def test_smaller_parts_are_in_larger_ones(samples: pd.DataFrame, groupby: str | None) -> None:
    parts = [set(nested(samples, f, groupby=groupby, seed=3)) for f in (0.01, 0.1, 0.3, 0.9, 1.0)]
    assert all(small <= large for small, large in zip(parts[:-1], parts[1:], strict=True))
    assert parts[0]
    assert parts[-1] == set(range(100))


def test_each_task_has_its_share(samples: pd.DataFrame) -> None:
    part = samples.iloc[nested(samples, 0.3)]
    assert part["task"].value_counts().to_dict() == {"a": 21, "b": 9}


def test_groups_stay_whole(samples: pd.DataFrame) -> None:
    part = samples.iloc[nested(samples, 0.4, groupby="donor")]
    assert part["donor"].nunique() == 3
    assert len(part) == samples["donor"].isin(set(part["donor"])).sum()


def test_the_part_is_that_of_the_texts_whatever_their_order(samples: pd.DataFrame) -> None:
    shuffled = samples.sample(frac=1, random_state=0)
    one, other = samples.iloc[nested(samples, 0.2)], shuffled.iloc[nested(shuffled, 0.2)]
    assert set(one["prompt"]) == set(other["prompt"])
    assert set(one["prompt"]) != set(samples.iloc[nested(samples, 0.2, seed=1)]["prompt"])
    assert (np.diff(nested(samples, 0.2)) > 0).all()
