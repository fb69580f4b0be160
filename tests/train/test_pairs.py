from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from scc2s.train import match_pairs


@pytest.fixture
def obs() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "drug": rng.choice(["none", "IFN", "TNF"], 300),
            "type": rng.choice(["B", "T"], 300),
            "donor": rng.choice(["1", "2"], 300),
        }
    )


def test_both_cells_of_a_pair_agree_in_every_key_and_only_one_is_perturbed(obs: pd.DataFrame) -> None:
    pairs = match_pairs(obs, key="drug", control="none", match=["type", "donor"])
    before, after = obs.iloc[pairs[:, 0]], obs.iloc[pairs[:, 1]]
    assert (before["drug"] == "none").all()
    assert (after["drug"] != "none").all()
    for key in ("type", "donor"):
        assert (before[key].to_numpy() == after[key].to_numpy()).all()
    assert sorted(pairs[:, 1]) == np.flatnonzero(obs["drug"] != "none").tolist()


def test_perturbed_cells_without_a_control_in_their_group_are_absent(obs: pd.DataFrame) -> None:
    obs.loc[(obs["type"] == "B") & (obs["drug"] == "none"), "drug"] = "IFN"
    pairs = match_pairs(obs, key="drug", control="none", match=["type"])
    assert (obs["type"].iloc[pairs[:, 1]] == "T").all()


def test_cells_without_a_condition_are_in_no_pair(obs: pd.DataFrame) -> None:
    obs.loc[:50, "drug"] = None
    assert match_pairs(obs, key="drug", control="none").min() > 50


def test_the_draw_follows_the_seed(obs: pd.DataFrame) -> None:
    draws = [match_pairs(obs, key="drug", control="none", random_state=s) for s in (0, 0, 1)]
    assert (draws[0] == draws[1]).all()
    assert (draws[0] != draws[2]).any()


def test_a_control_that_is_not_there_is_refused_with_those_that_are(obs: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match=r"control= one of \['IFN', 'TNF', 'none'\]"):
        match_pairs(obs, key="drug", control="DMSO")
