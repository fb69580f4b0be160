from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mudata import MuData

import scc2s

DRUGS = ["none", "A", "B", "C", "A+B", "B+A", "B + C", "A+C"]


def cells(n: int = 300, seed: int = 0) -> ad.AnnData:
    rng = np.random.default_rng(seed)
    obs = pd.DataFrame(
        {
            "drug": rng.choice(DRUGS, n),
            "cell_type": pd.Categorical(rng.choice(["B cell", "T cell", "NK cell"], n)),
            "exposure": rng.choice(["acute", "chronic"], n),
            "donor": rng.choice([f"d{i}" for i in range(6)], n),
            "study": rng.choice(["s1", "s2", "s3"], n),
        },
        index=[f"cell{i}" for i in range(n)],
    )
    return ad.AnnData(np.ones((n, 1), np.float32), obs=obs, var=pd.DataFrame(index=["CD3E"]))


def same(drug: str) -> frozenset[str]:
    return frozenset(part.strip() for part in drug.split("+"))


OF: dict[str, Any] = {
    "donor": lambda obs: obs["donor"],
    "study": lambda obs: obs["study"],
    "combo": lambda obs: obs["drug"].map(same),
    "per_type": lambda obs: pd.Series(list(zip(obs["cell_type"], obs["drug"].map(same), strict=True)), obs.index),
    "exposure": lambda obs: pd.Series(
        list(zip(obs["cell_type"], obs["exposure"], obs["drug"].map(same), strict=True)), obs.index
    ),
}


def arguments(scheme: str) -> dict[str, Any]:
    if scheme in ("cells", "donor", "study"):
        return {}
    return {"key": "drug", "control": "none", **({"exposure_key": "exposure"} if scheme == "exposure" else {})}


@settings(deadline=None, max_examples=15)
@given(scheme=st.sampled_from(list(OF)), seed=st.integers(0, 10**6), val=st.sampled_from([0.0, 0.1, 0.3]))
def test_nothing_that_is_held_out_is_in_train(scheme: str, seed: int, val: float) -> None:
    adata = cells(300, seed)
    scc2s.pp.split(adata, scheme, **arguments(scheme), val=val, random_state=seed)  # type: ignore[arg-type]
    part = adata.obs["c2s_split"]
    units = {name: set(OF[scheme](adata.obs)[part == name]) for name in ("train", "val", "test")}
    assert units["test"]
    assert units["train"]
    assert not units["train"] & units["test"]
    assert not units["train"] & units["val"]
    assert not units["val"] & units["test"]
    assert bool(units["val"]) == (val > 0)
    if scheme in ("combo", "per_type", "exposure"):
        assert not (adata.obs["drug"] == "none")[part != "train"].any()


@pytest.mark.parametrize("scheme", [*OF, "cells"])
def test_the_order_of_cells_changes_nothing_and_the_seed_does(scheme: str) -> None:
    adata = cells()
    moved = adata[np.random.default_rng(1).permutation(adata.n_obs)].copy()
    for each in (adata, moved):
        scc2s.pp.split(each, scheme, **arguments(scheme))  # type: ignore[arg-type]
    first = adata.obs["c2s_split"].astype(str)
    assert moved.obs["c2s_split"].astype(str).loc[adata.obs_names].equals(first)
    others = []
    for seed in range(1, 6):
        scc2s.pp.split(adata, scheme, **arguments(scheme), random_state=seed)  # type: ignore[arg-type]
        others.append(not adata.obs["c2s_split"].astype(str).equals(first))
    assert any(others)


def test_cells_are_split_as_the_hash_of_their_names_says() -> None:
    adata = cells()
    scc2s.pp.split(adata, random_state=3)
    assert adata.obs["c2s_split"].astype(str).tolist() == scc2s.train.split(adata.obs_names, seed=3).tolist()


@pytest.mark.parametrize("n", [2, 3, 5])
def test_few_donors_give_a_test_and_something_to_train_on(n: int) -> None:
    adata = cells()
    adata.obs["donor"] = [f"d{i % n}" for i in range(adata.n_obs)]
    scc2s.pp.split(adata, "donor", val=0)
    assert adata.obs.groupby("c2s_split", observed=True)["donor"].nunique().to_dict() == {"train": n - 1, "test": 1}
    adata.obs["donor"] = "d0"
    with pytest.raises(ValueError, match="no unit that can be held out"):
        scc2s.pp.split(adata, "donor", val=0)


def test_a_combination_is_held_out_in_any_order_and_its_parts_are_not() -> None:
    adata = cells()
    scc2s.pp.split(adata, "combo", key="drug", held_out=["C+B", "A+B"], val=0)
    tested = set(adata.obs.loc[adata.obs["c2s_split"] == "test", "drug"])
    assert tested == {"A+B", "B+A", "B + C"}
    assert {"A", "B", "C"} <= set(adata.obs.loc[adata.obs["c2s_split"] == "train", "drug"])
    assert set(adata.obs["c2s_split_unit"].dropna()) == {"A+B", "B+C"}


def test_control_as_a_part_counts_as_nothing() -> None:
    adata = cells()
    adata.obs["drug"] = adata.obs["drug"].replace({"A": "A+none"})
    scc2s.pp.split(adata, "combo", key="drug", control="none", test=0.9, val=0)
    assert (adata.obs.loc[adata.obs["drug"] == "A+none", "c2s_split"] == "train").all()


def test_a_condition_of_one_type_stays_in_the_others() -> None:
    adata = cells()
    held_out = {"B cell": ["A"], "NK cell": "C"}
    scc2s.pp.split(adata, "per_type", key="drug", held_out=held_out, val=0)
    where = pd.crosstab([adata.obs["cell_type"], adata.obs["drug"]], adata.obs["c2s_split"])["test"]
    assert set(where[where > 0].index) == {("B cell", "A"), ("NK cell", "C")}


def test_a_condition_of_one_exposure_stays_in_the_other() -> None:
    adata = cells()
    held_out = {"B cell": [("acute", "A")], "T cell": ("chronic", "B+A")}
    scc2s.pp.split(adata, "exposure", key="drug", exposure_key="exposure", held_out=held_out, val=0)
    tested = adata.obs[adata.obs["c2s_split"] == "test"]
    assert set(zip(tested["cell_type"], tested["exposure"], tested["drug"].map(same), strict=True)) == {
        ("B cell", "acute", same("A")),
        ("T cell", "chronic", same("A+B")),
    }
    assert set(tested["c2s_split_unit"]) == {"B cell, acute, A", "T cell, chronic, A+B"}


def test_schemes_are_put_together_and_earlier_units_stay() -> None:
    """The three tiers of definitions 2.10 in one split."""
    adata = cells(600)
    scc2s.pp.split(adata, "combo", key="drug", held_out=["A+B"], val=0)
    scc2s.pp.split(adata, "per_type", key="drug", held_out={"B cell": ["C"]}, val=0, onto="c2s_split")
    scc2s.pp.split(
        adata, "exposure", key="drug", exposure_key="exposure", held_out={"T cell": [("acute", "A")]}, val=0.1,
        onto="c2s_split",
    )  # fmt: skip
    tested = adata.obs[adata.obs["c2s_split"] == "test"]
    assert set(tested["c2s_split_unit"]) == {"A+B", "B cell, C", "T cell, acute, A"}
    assert (adata.obs["c2s_split"] == "val").any()
    train = adata.obs[adata.obs["c2s_split"] == "train"]
    assert same("A+B") not in set(train["drug"].map(same))


def test_cells_of_unknown_units_are_in_no_part(caplog: pytest.LogCaptureFixture) -> None:
    adata = cells()
    adata.obs.loc[adata.obs_names[:7], "donor"] = None
    scc2s.pp.split(adata, "donor")
    assert adata.obs["c2s_split"].isna().to_numpy().nonzero()[0].tolist() == list(range(7))
    assert "7 cells have no part" in caplog.text


def test_what_a_test_cannot_show_is_said(caplog: pytest.LogCaptureFixture) -> None:
    adata = cells()
    adata = adata[adata.obs["drug"] != "A"].copy()
    scc2s.pp.split(adata, "combo", key="drug", held_out=["A+B"], val=0)
    assert "'A' is in no cell to train on alone" in caplog.text
    caplog.clear()
    only = adata[(adata.obs["drug"] != "C") | (adata.obs["cell_type"] == "B cell")].copy()
    scc2s.pp.split(only, "per_type", key="drug", held_out={"B cell": "C"}, val=0)
    assert "'B cell, C' is in train in no other way" in caplog.text


@pytest.mark.parametrize(
    ("scheme", "wrong", "error", "text"),
    [
        ("random", {}, ValueError, "scheme="),
        ("combo", {}, ValueError, "pass key="),
        ("combo", {"key": "nope"}, KeyError, "pass key="),
        ("combo", {"key": "drug", "control": "nope"}, ValueError, "pass control="),
        ("combo", {"key": "drug", "held_out": ["Z+A"]}, KeyError, "no cell is of 'A\\+Z'"),
        ("combo", {"key": "drug", "held_out": "A+B"}, TypeError, "held_out="),
        ("combo", {"key": "cell_type"}, ValueError, "no combination that can be held out"),
        ("per_type", {"key": "drug", "held_out": ["A"]}, TypeError, "held_out="),
        ("per_type", {"key": "drug", "cell_type_key": "nope"}, KeyError, "pass cell_type_key="),
        ("exposure", {"key": "drug"}, ValueError, "exposure_key="),
        ("exposure", {"key": "drug", "exposure_key": "exposure", "held_out": {"B cell": ["A"]}}, TypeError, "exposure"),
        ("per_type", {"key": "drug", "exposure_key": "exposure"}, ValueError, "exposure_key="),
        ("donor", {"held_out": ["d0", "dX"]}, KeyError, "no cell is of 'dX'"),
        ("donor", {"held_out": [f"d{i}" for i in range(6)]}, ValueError, "nothing is left to train on"),
        ("donor", {"onto": "study"}, ValueError, "is not a split"),
        ("donor", {"test": 0.9, "val": 0.2}, ValueError, "add up to less than 1"),
        ("donor", {"test": "much"}, TypeError, "test="),
        ("cells", {"held_out": ["cell1"]}, ValueError, "scheme='cells'"),
        ("cells", {"random_state": 0.5}, TypeError, "random_state"),
        ("cells", {"key_added": "a/b"}, ValueError, "key_added"),
        ("cells", {"mod": "atac"}, KeyError, "mod"),
    ],
)
def test_bad_arguments_are_named_and_nothing_is_changed(
    scheme: Any, wrong: dict[str, Any], error: type[Exception], text: str
) -> None:
    adata = cells()
    before = adata.obs.copy()
    with pytest.raises(error, match=text):
        scc2s.pp.split(MuData({"rna": adata}) if "mod" in wrong else adata, scheme, **wrong)
    assert adata.obs.equals(before)
    assert "c2s" not in adata.uns


@pytest.mark.parametrize("how", ["h5ad", pytest.param("zarr", marks=pytest.mark.slow)])
def test_the_split_survives_files(how: str, tmp_path: Path) -> None:
    adata = scc2s.pp.split(cells(), "per_type", key="drug", control="none", copy=True)
    assert isinstance(adata, ad.AnnData)
    getattr(adata, f"write_{how}")(tmp_path / "a")
    again = ad.read_h5ad(tmp_path / "a") if how == "h5ad" else ad.read_zarr(tmp_path / "a")
    assert again.obs["c2s_split"].astype(str).tolist() == adata.obs["c2s_split"].astype(str).tolist()
    tested = set(again.uns["c2s"]["split"]["test"].tolist())
    assert tested == set(adata.obs.loc[adata.obs["c2s_split"] == "test", "c2s_split_unit"])


def test_a_hundred_thousand_cells_take_no_time() -> None:
    import time

    adata = cells(100_000)
    start = time.process_time()
    scc2s.pp.split(adata, "exposure", key="drug", control="none", exposure_key="exposure")
    assert time.process_time() - start < 10


def test_real_donors(shared_data: Path) -> None:
    adata = ad.read_h5ad(shared_data / "kang_ifnb_labelled.h5ad")
    scc2s.pp.split(adata, "donor", held_out=["patient_107"], val=0)
    assert set(adata.obs.loc[adata.obs["c2s_split"] == "train", "donor"]) == {"patient_101"}


def test_the_tiers_of_the_documentation_are_held_out() -> None:
    """Definitions 2.10, cytokines: the block of docs/concepts.md as it stands."""
    page = Path(__file__).parents[2] / "docs" / "concepts.md"
    if not page.is_file():
        pytest.skip("the documentation is not part of a source distribution")
    section = page.read_text(encoding="utf-8").partition("## What a test holds out")[2].partition("\n## ")[0]
    (block,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    cytokines = ["none", "IFN-b", "IL-6", "IFN-b+IL-6", "IFN-III", "IFN-g", "IFN-a2", "IFN-b+IFN-g", "TNF-a"]
    types = ["B cell", "CD4 T cell", "CD8 T cell", "DC", "NK cell"]
    rows = list(itertools.product(types, ["acute", "chronic"], cytokines, range(2)))
    obs = pd.DataFrame(rows, columns=["cell_type", "exposure", "cytokine", "copy"]).astype({"copy": str})
    adata = ad.AnnData(np.ones((len(obs), 1)), obs=obs.set_index(obs.index.astype(str)))
    exec(compile(block, "concepts.md", "exec"), {"scc2s": scc2s, "adata": adata})
    assert set(adata.obs["c2s_split_unit"].dropna()) == {
        "IFN-b+IL-6", "B cell, IFN-III", "CD4 T cell, IFN-g", "CD8 T cell, IFN-a2", "DC, IFN-b", "NK cell, IL-6",
        "B cell, acute, IFN-b", "CD4 T cell, acute, IFN-b+IFN-g", "CD8 T cell, chronic, TNF-a",
        "NK cell, chronic, IFN-III",
    }  # fmt: skip
    train = adata.obs[adata.obs["c2s_split"] == "train"]
    assert "IFN-b+IL-6" not in set(train["cytokine"])
    assert not ((train["cell_type"] == "DC") & (train["cytokine"] == "IFN-b")).any()
    assert (adata.obs.loc[adata.obs["cytokine"] == "none", "c2s_split"] == "train").all()
