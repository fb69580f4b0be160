from __future__ import annotations

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scc2s


def cells(n: int = 60, seed: int = 0) -> ad.AnnData:
    rng = np.random.default_rng(seed)
    obs = pd.DataFrame(
        {
            "drug": rng.choice(["none", "IFN", "TNF"], n),
            "type": pd.Categorical(rng.choice(["B", "T"], n)),
            "donor": rng.choice(["1", "2"], n),
            "time": rng.choice(["0 h", "6 h", "24 h"], n),
        },
        index=[f"cell{i}" for i in range(n)],
    )
    return ad.AnnData(rng.poisson(1.0, (n, 6)).astype("float32"), obs=obs, var=pd.DataFrame(index=list("ABCDEF")))


@settings(deadline=None, max_examples=30)
@given(n=st.integers(4, 80), seed=st.integers(0, 10**6))
def test_every_perturbed_cell_is_paired_within_its_keys_or_reported(n: int, seed: int) -> None:
    adata = cells(n, seed)
    adata.obs.iloc[0, 0] = "none"
    table = scc2s.pp.pairs(adata, key="drug", control="none", match=["type", "donor"], random_state=seed)
    before, after = adata.obs.loc[table["control"]], adata.obs.loc[table["perturbed"]]
    assert (before["drug"] == "none").all()
    assert after["drug"].tolist() == table["perturbation"].tolist()
    for name in ("type", "donor"):
        assert before[name].tolist() == after[name].tolist() == table[name].tolist()
    perturbed = adata.obs_names[adata.obs["drug"] != "none"].tolist()
    assert sorted(table["perturbed"].tolist() + table.attrs["unmatched"]) == sorted(perturbed)


def test_the_number_of_cells_without_a_partner_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    adata = cells()
    adata.obs.loc[(adata.obs["type"] == "B") & (adata.obs["drug"] == "none"), "drug"] = "IFN"
    table = scc2s.pp.pairs(adata, key="drug", control="none", match="type")
    n = int(((adata.obs["type"] == "B") & (adata.obs["drug"] != "none")).sum())
    assert len(table.attrs["unmatched"]) == n > 0
    assert f"{n} of {n + len(table)} cells have no partner with the same type" in caplog.text


def test_a_cell_of_unknown_donor_is_no_partner() -> None:
    adata = cells()
    adata.obs.loc[adata.obs_names[:30], "donor"] = None
    table = scc2s.pp.pairs(adata, key="drug", control="none", match="donor")
    assert min(table["control_row"].min(), table["perturbed_row"].min()) >= 30


def test_each_time_point_is_paired_with_the_one_before() -> None:
    adata = cells()
    order = ["0 h", "6 h", "24 h"]
    table = scc2s.pp.pairs(adata, key="time", order=order, match="donor")
    earlier = adata.obs["time"].loc[table["control"]].tolist()
    later = adata.obs["time"].loc[table["perturbed"]].tolist()
    assert {(a, b) for a, b in zip(earlier, later, strict=True)} == {("0 h", "6 h"), ("6 h", "24 h")}
    assert table["perturbed_row"].is_monotonic_increasing
    assert len(table) == (adata.obs["time"] != "0 h").sum()


def test_the_draw_follows_the_seed_and_touches_no_other() -> None:
    adata = cells()
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    tables = [scc2s.pp.pairs(adata, key="drug", control="none", random_state=s) for s in (0, 0, 1)]
    assert tables[0].equals(tables[1])
    assert not tables[0].equals(tables[2])
    assert (np.random.get_state()[1] == state).all()  # noqa: NPY002


def test_samples_take_the_table_and_refuse_that_of_other_cells() -> None:
    adata = cells()
    adata.obs["perturbation"] = adata.obs["drug"]
    table = scc2s.pp.pairs(adata, key="drug", control="none")
    rows = table[["control_row", "perturbed_row"]].to_numpy()
    got = scc2s.pp.samples(adata, "perturb", pairs=table, organism="human")
    assert got.equals(scc2s.pp.samples(adata, "perturb", pairs=rows, organism="human"))
    assert got["cell"].tolist() == table["perturbed"].tolist()
    with pytest.raises(ValueError, match="c2s_pairs"):
        scc2s.pp.samples(adata[::-1].copy(), "perturb", pairs=table, organism="human")


def test_mudata_is_read_through_its_modality() -> None:
    adata = cells()
    table = scc2s.pp.pairs(md.MuData({"rna": adata}), key="drug", control="none")
    assert table.equals(scc2s.pp.pairs(adata, key="drug", control="none"))


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"key": "dose", "control": "none"}, KeyError, "no column 'dose'"),
        ({"key": "drug", "control": "none", "match": "lane"}, KeyError, "no column 'lane'"),
        ({"key": "drug", "control": "DMSO"}, ValueError, "pass control= one of"),
        ({"key": "drug"}, ValueError, "order="),
        ({"key": "drug", "control": "none", "order": ["none", "IFN"]}, ValueError, "order="),
        ({"key": "time", "order": ["0 h"]}, ValueError, "at least two"),
        ({"key": "time", "order": ["0 h", "7 h"]}, ValueError, "'7 h'"),
    ],
)
def test_bad_input_is_told_what_to_pass(arguments: dict, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        scc2s.pp.pairs(cells(), **arguments)
