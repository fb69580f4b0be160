"""A grid of experiments: planted effects come out in their row, and what cannot be done says why."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from cell_writers import RESPONSE, by_rule, cells, identity, knows_ifn, stimulated
from mudata import MuData

import scc2s
from scc2s.models import CallableModel
from scc2s.models._taught import Taught

if TYPE_CHECKING:
    from pathlib import Path

HOW: dict[str, Any] = {"constrain": False, "temperature": 0, "n_boot": 20}
GRID: dict[str, Any] = {"groupby": "type", "donor_key": "donor", **HOW}


def with_donors(n: int = 48, seed: int = 0) -> ad.AnnData:
    """Cells of types B and T in donors d0, d1, d2, in equal numbers."""
    adata = cells(n, seed)
    adata.obs["donor"] = [f"d{i // 2 % 3}" for i in range(n)]
    return adata


def table_of(adata: ad.AnnData, key: str = "experiments") -> pd.DataFrame:
    return adata.uns["c2s"][key]


def test_planted_effects_stand_in_their_rows_and_nothing_elsewhere() -> None:
    adata = with_donors()
    scc2s.tl.experiments(adata, ["IFN-beta", "TNF"], program=RESPONSE, model=knows_ifn(), **GRID)
    table = table_of(adata)
    assert list(zip(table["donor"], table["group"], table["perturbation"], strict=True)) == [
        (d, t, p) for d in ("d0", "d1", "d2") for t in ("B", "T") for p in ("IFN-beta", "TNF")
    ]
    assert (table["status"] == "done").all()
    assert (table["n_cells"] == 8).all()
    planted = table["perturbation"] == "IFN-beta"
    assert (table.loc[planted, "program_shift_low"] > 1).all()
    assert (table.loc[planted, "shift_size"] > 0.3).all()
    assert (table.loc[~planted, ["shift_size", "program_shift"]] == 0).all(axis=None)
    assert (table[["shift_size_floor", "program_shift_floor"]] == 0).all(axis=None)
    assert (table[["valid", "complete"]] == 1).all(axis=None)
    assert adata.uns["c2s"]["experiments_record"]["verdict"].startswith("the shift is larger than that of a scrambled ")
    assert "in 6 of 12 experiments" in adata.uns["c2s"]["experiments_record"]["verdict"]


def test_the_cells_are_read_once_however_many_conditions_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    from scc2s.tl._asking import question

    def never(*args: object, **kwargs: object) -> None:
        pytest.fail("all sentences were read again for some conditions")

    monkeypatch.setattr(question, "get_sentences", never)
    monkeypatch.setattr("scc2s.tl._predicting.grid_run._AT_ONCE", 1)  # conditions are asked for one by one
    adata = with_donors()
    scc2s.tl.experiments(adata, ["IFN-beta", "TNF"], program=RESPONSE, model=knows_ifn(), **GRID)
    assert (table_of(adata)["status"] == "done").all()


def test_writing_a_cell_anew_is_not_an_effect() -> None:
    always = by_rule(lambda genes, name: [*RESPONSE, *(g for g in genes if g not in RESPONSE)][: len(genes)])
    adata = with_donors()
    scc2s.tl.experiments(adata, ["IFN-beta"], program=RESPONSE, model=always, **GRID)
    assert (table_of(adata)[["shift_size", "program_shift", "program_shift_low"]] == 0).all(axis=None)
    assert "in 0 of 6 experiments" in adata.uns["c2s"]["experiments_record"]["verdict"]


def test_what_is_too_small_or_empty_is_a_row_with_the_reason() -> None:
    adata = with_donors()
    keep = (adata.obs["donor"] != "d0") | (adata.obs["type"] != "B")
    few = np.flatnonzero((adata.obs["donor"] == "d1") & (adata.obs["type"] == "T"))
    keep.iloc[few[3:]] = False
    adata = adata[keep.to_numpy()].copy()
    scc2s.tl.experiments(adata, ["IFN-beta"], model=knows_ifn(), **GRID)
    table = table_of(adata).set_index(["donor", "group"])
    assert table.loc[("d0", "B"), ["status", "reason", "n_available", "n_cells"]].tolist() == [
        "skipped", "no cell with a sentence", 0, 0,
    ]  # fmt: skip
    assert table.loc[("d1", "T"), ["status", "reason", "n_available", "n_cells"]].tolist() == [
        "skipped", "3 cells with a sentence, min_cells=5", 3, 0,
    ]  # fmt: skip
    assert table["shift_size"].isna().tolist() == [True, False, False, True, False, False]
    assert (table["status"] == "done").sum() == 4


def test_where_nothing_can_be_done_no_model_is_loaded(caplog: pytest.LogCaptureFixture) -> None:
    adata = with_donors()
    scc2s.tl.experiments(adata, ["IFN-beta"], min_cells=100, model="/there/is/no/such/model", **GRID)
    assert (table_of(adata)["status"] == "skipped").all()
    assert "shift_size" not in table_of(adata)
    assert "nothing is asked" in caplog.text
    assert adata.uns["c2s"]["experiments_record"]["verdict"].startswith("nothing was asked")


def test_doses_and_times_are_experiments_of_their_own_and_told_to_the_model() -> None:
    strong = by_rule(lambda genes, name: [*RESPONSE, *genes][: len(genes)] if "90 nM" in name else genes)
    adata = with_donors()
    scc2s.tl.experiments(
        adata, ["A", "B"], dose={"A": ["10 nM", "90 nM"], "B": "10 nM"}, time="6 h", program=RESPONSE, model=strong,
        **GRID,
    )  # fmt: skip
    table = table_of(adata)
    first = table[(table["donor"] == "d0") & (table["group"] == "B")]
    assert first["asked"].tolist() == ["A, 10 nM, 6 h", "A, 90 nM, 6 h", "B, 10 nM, 6 h"]
    assert first["condition"].tolist() == ["A, 10 nM", "A, 90 nM", "B, 10 nM"]
    assert first["dose"].tolist() == ["10 nM", "90 nM", "10 nM"]
    assert set(table["time"]) == {"6 h"}
    assert ((table["program_shift"] > 1) == (table["dose"] == "90 nM")).all()


def test_a_prompt_with_a_field_for_the_dose_gets_it_there() -> None:
    asked: list[str] = []

    def generate(prompts: list[str]) -> list[str]:
        asked.extend(prompts)
        return [prompt.split("|")[0] for prompt in prompts]

    adata = with_donors()
    scc2s.tl.experiments(
        adata, ["A"], dose=["1 nM", "2 nM"], prompt="{cell_sentence}|{perturbation}|{dose}", n_cells=5,
        model=CallableModel(generate=generate), **GRID,
    )  # fmt: skip
    ends = pd.Series([prompt.partition("|")[2] for prompt in asked])
    untold = f"{scc2s.prompts.NO_PERTURBATION}|"
    counts = ends.value_counts()
    assert counts[["A|1 nM", "A|2 nM", f"{untold}1 nM", f"{untold}2 nM"]].tolist() == [30] * 4
    assert len(counts) == 6  # two scrambled ones
    assert set(table_of(adata)["asked"]) == {"A"}


def test_a_cell_is_written_anew_once_whatever_the_number_of_perturbations() -> None:
    for controls, each in ((True, 2), (False, 1)):
        model = identity()
        adata = with_donors()
        scc2s.tl.experiments(adata, ["A1", "B2", "C3"], model=model, controls=controls, n_cells=5, **GRID)
        assert len(model.asked) == 30 * (1 + 3 * each)
        assert ("shift_size_floor" in table_of(adata)) == controls
    assert adata.uns["c2s"]["experiments_record"]["verdict"].startswith("no controls were asked about")


def moody() -> CallableModel:
    """Answers to the letters of a prompt, so that all rows differ."""
    return by_rule(
        lambda genes, name: [
            genes[i] for i in np.random.default_rng(zlib.crc32(f"{genes}{name}".encode())).permutation(len(genes))
        ],
        id="moody",
    )


def test_a_row_is_the_same_in_any_order_of_cells_and_whatever_else_is_asked() -> None:
    adata = with_donors(96)
    how = {**GRID, "n_cells": 6, "program": RESPONSE, "truth": truth_for(adata), "perturbation_key": "drug"}
    one = scc2s.tl.experiments(adata, ["IFN-beta"], model=moody(), copy=True, **how)
    turned = adata[np.random.default_rng(0).permutation(adata.n_obs)].copy()
    more = scc2s.tl.experiments(turned, ["TNF", "IFN-beta"], model=moody(), copy=True, **how)
    same = table_of(more).query("perturbation == 'IFN-beta'").reset_index(drop=True)
    pd.testing.assert_frame_equal(table_of(one).reset_index(drop=True), same)


def truth_for(adata: ad.AnnData) -> ad.AnnData:
    truth = stimulated(adata)
    truth.obs["drug"] = "IFN-beta"
    return truth


def test_numbers_with_real_cells_are_those_of_perturb(caplog: pytest.LogCaptureFixture) -> None:
    adata = with_donors(96)
    truth = truth_for(adata)
    scc2s.tl.experiments(
        adata, ["IFN-beta", "TNF"], truth=truth, perturbation_key="drug", program=RESPONSE, model=moody(), **GRID
    )
    table = table_of(adata).set_index(["donor", "group", "perturbation"])
    here, there = (
        some[((some.obs["donor"] == "d1") & (some.obs["type"] == "T")).to_numpy()].copy() for some in (adata, truth)
    )
    scc2s.tl.perturb(here, "IFN-beta", truth=there, groupby="type", program=RESPONSE, model=moody(), **HOW)
    report = here.uns["c2s"]["perturb"]["perturbed"]["controls"].set_index("predictor")
    row = table.loc[("d1", "T", "IFN-beta")]
    for name in ("delta_pearson", "delta_pearson_low", "delta_pearson_high", "true_program_shift", "n_true"):
        assert row[name] == pytest.approx(report.loc["prediction", name], rel=1e-6), name
    assert row["delta_pearson_ceiling"] == pytest.approx(report.loc["real cells, split half", "delta_pearson"])
    assert (table.xs("TNF", level=2)["n_true"] == 0).all()
    assert table.xs("TNF", level=2)["delta_pearson"].isna().all()
    assert "no real cells of 1 of 2 conditions: TNF" in caplog.text


def test_other_donors_are_a_floor_of_the_same_type() -> None:
    """All donors respond alike, so that other donors tell all that a model knows."""
    adata = with_donors(96)
    scc2s.tl.experiments(
        adata, ["IFN-beta"], truth=truth_for(adata), model=knows_ifn(), program=RESPONSE, **{**GRID, "n_boot": 100}
    )
    controls = adata.uns["c2s"]["experiments_controls"].set_index(["donor", "group", "predictor"])
    floor = controls.xs("mean shift of other donors", level=2)
    assert len(floor) == 6
    assert (floor["delta_pearson"] > 0.8).all()
    table = table_of(adata)
    assert set(table["best_floor"]) <= {"mean shift of other donors", "mean shift of other groups"}
    assert (table["delta_pearson_floor"] > 0.8).all()
    assert "not above the best floor" in adata.uns["c2s"]["experiments_record"]["verdict"]


def test_a_type_of_one_donor_has_no_other_donors() -> None:
    adata = with_donors(96)
    adata = adata[((adata.obs["type"] == "B") | (adata.obs["donor"] == "d0")).to_numpy()].copy()
    scc2s.tl.experiments(adata, ["IFN-beta"], truth=truth_for(adata), model=knows_ifn(), **GRID)
    controls = adata.uns["c2s"]["experiments_controls"]
    rows = controls[controls["predictor"] == "mean shift of other donors"]
    assert sorted(zip(rows["donor"], rows["group"], strict=True)) == [("d0", "B"), ("d1", "B"), ("d2", "B")]


def test_real_cells_of_the_same_data_are_not_asked_about() -> None:
    adata = with_donors()
    both = ad.concat([adata, truth_for(adata)], join="outer", uns_merge="first")
    both.obs["drug"] = both.obs["drug"].astype(object).where(both.obs["drug"].notna(), "none")
    model = knows_ifn()
    scc2s.tl.experiments(both, ["IFN-beta"], truth={"drug": "IFN-beta"}, model=model, **GRID)
    shown = {genes for genes, _ in model.asked}
    assert shown == set(adata.obs["c2s_sentence"])
    assert (table_of(both)["n_true"] == 8).all()
    assert (table_of(both)["delta_pearson"] > 0.8).all()


def test_doses_of_real_cells_are_told_apart_by_their_column() -> None:
    adata = with_donors()
    truth = truth_for(adata)
    how = {"dose": ["1 nM", "9 nM"], "truth": truth, "model": knows_ifn(), **GRID}
    with pytest.raises(ValueError, match="several values of dose, and truth does not say"):
        scc2s.tl.experiments(adata, ["IFN-beta"], **how)
    truth.obs["dose"] = "9 nM"
    scc2s.tl.experiments(adata, ["IFN-beta"], **how)
    table = table_of(adata)
    assert (table["n_true"] == np.where(table["dose"] == "9 nM", 8, 0)).all()


def test_where_no_condition_has_real_cells_there_is_a_table_without_reports() -> None:
    adata = with_donors()
    how = {"truth": truth_for(adata), "perturbation_key": "drug", "model": knows_ifn(), **GRID}
    scc2s.tl.experiments(adata, ["TNF", "IL6"], **how)
    assert (table_of(adata)["n_true"] == 0).all()
    assert table_of(adata)["delta_pearson_gain"].isna().all()
    assert "experiments_controls" not in adata.uns["c2s"]


def test_several_answers_about_a_cell_are_averaged() -> None:
    adata = with_donors()
    scc2s.tl.experiments(adata, ["IFN-beta"], n_samples=2, program=RESPONSE, model=knows_ifn(), **GRID)
    twice = table_of(adata)
    scc2s.tl.experiments(adata, ["IFN-beta"], program=RESPONSE, model=knows_ifn(), **GRID)
    pd.testing.assert_frame_equal(twice, table_of(adata), rtol=1e-5)


def test_names_that_the_model_was_not_taught_are_handled_as_in_perturb(caplog: pytest.LogCaptureFixture) -> None:
    model = knows_ifn(taught=Taught(perturbations={"IFN-beta": ["IFNB1"]}))
    adata = with_donors()
    scc2s.tl.experiments(adata, ["IFNB1", "nonsense"], model=model, **GRID)
    assert set(table_of(adata)["asked"]) == {"IFN-beta", "nonsense"}
    assert "was not taught 'nonsense'" in caplog.text
    with pytest.raises(ValueError, match="both put to the model as 'IFN-beta'"):
        scc2s.tl.experiments(adata, ["IFNB1", "IFN-beta"], model=model, **GRID)


def test_a_second_run_asks_nothing(tmp_path: Path) -> None:
    model = moody()
    adata = with_donors()
    how = {"model": model, "cache": tmp_path / "c.sqlite", "n_cells": 6, **GRID}
    scc2s.tl.experiments(adata, ["A1", "B2"], **how)
    first, n = table_of(adata), len(model.asked)
    scc2s.tl.experiments(adata, ["A1", "B2"], **how)
    assert len(model.asked) == n
    pd.testing.assert_frame_equal(first, table_of(adata))
    scc2s.tl.experiments(adata, ["A1", "B2", "C3"], **how)
    assert len(model.asked) == n + 2 * 36


@pytest.mark.parametrize("form", ["h5ad", pytest.param("zarr", marks=pytest.mark.slow)])
def test_the_result_survives_a_file(form: str, tmp_path: Path) -> None:
    adata = with_donors()
    adata = adata[((adata.obs["donor"] != "d0") | (adata.obs["type"] != "B")).to_numpy()].copy()
    scc2s.tl.experiments(adata, ["A1"], dose="1 nM", truth=truth_for(adata), model=identity(), **GRID)
    getattr(adata, f"write_{form}")(tmp_path / f"cells.{form}")
    again = getattr(ad, f"read_{form}")(tmp_path / f"cells.{form}")
    for key in ("experiments", "experiments_controls"):
        pd.testing.assert_frame_equal(
            pd.DataFrame(again.uns["c2s"][key]), table_of(adata, key), check_dtype=False, check_categorical=False
        )
    params = again.uns["c2s"]["experiments_record"]["params"]
    assert params["notice"].startswith("Answers of a language model")


def test_cells_without_a_donor_or_type_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    adata = with_donors()
    adata.obs.iloc[:4, adata.obs.columns.get_loc("type")] = None
    model = identity()
    scc2s.tl.experiments(adata, ["A1"], model=model, **GRID)
    assert "4 of 48 cells have no donor or type" in caplog.text
    assert table_of(adata)["n_available"].sum() == 44
    adata.obs["type"] = np.nan
    with pytest.raises(ValueError, match="no cell has a value in all of 'donor', 'type'"):
        scc2s.tl.experiments(adata, ["A1"], model=model, **GRID)


def test_without_columns_all_cells_are_one_and_a_result_can_have_another_name() -> None:
    adata = with_donors()
    out = scc2s.tl.experiments(adata, ["A1"], model=identity(), key_added="c2s_mine", copy=True, **HOW)
    assert "experiments" not in adata.uns.get("c2s", {})
    table = table_of(out, "mine")
    assert table[["donor", "group", "n_available", "n_cells"]].to_numpy().tolist() == [
        ["all donors", "all cells", 48, 48]
    ]
    mdata = MuData({"rna": adata})
    scc2s.tl.experiments(mdata, ["A1"], model=identity(), donor_key="donor", **HOW)
    assert table_of(mdata["rna"])["donor"].tolist() == ["d0", "d1", "d2"]


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        ({"perturbations": []}, ValueError, "no perturbations"),
        ({"perturbations": "TNF"}, ValueError, "pass a list"),
        ({"perturbations": ["TNF", "TNF"]}, ValueError, "named once"),
        ({"perturbations": ["type"]}, ValueError, "is a column"),
        ({"dose": ["1 nM", "1 nM"]}, ValueError, "each value once"),
        ({"dose": {"IL6": "1 nM"}}, ValueError, "which is not asked about"),
        ({"dose": []}, ValueError, "no value"),
        ({"min_cells": 1}, ValueError, "min_cells=1 is too small"),
        ({"n_cells": 2.5}, TypeError, "n_cells=2.5 is not a whole number"),
        ({"groupby": "kind"}, KeyError, "no column 'kind'"),
        ({"donor_key": "patient"}, KeyError, "no column 'patient'"),
        ({"n_boot": -1}, ValueError, "n_boot"),
        ({"program": ["NOT1", "NOT2", "NOT3"]}, ValueError, "NOT"),
        ({"control_name": " "}, ValueError, "control_name"),
        ({"prompt": "{cell_sentence}"}, ValueError, "no {perturbation}"),
        ({"sentence_key": "words"}, KeyError, "words"),
        ({"truth": {"type": "no such"}}, ValueError, "no cell has 'no such'"),
        ({"key_added": "a/b"}, ValueError, "cannot be written"),
    ],
)
def test_what_is_wrong_is_said_before_a_model_is_loaded(
    given: dict[str, Any], kind: type[Exception], said: str
) -> None:
    adata = with_donors()
    before = dict(adata.uns["c2s"])
    with pytest.raises(kind, match=said):
        scc2s.tl.experiments(adata, **{"perturbations": ["TNF"], "model": "/there/is/no/such/model", **GRID, **given})
    assert adata.uns["c2s"].keys() == before.keys()


def test_donors_and_types_that_make_one_label_are_refused() -> None:
    adata = with_donors()
    adata.obs["donor"] = np.where(adata.obs["donor"] == "d0", "a", "a, b")
    adata.obs["type"] = np.where(adata.obs["type"] == "B", "b, c", "c")
    with pytest.raises(ValueError, match="both called 'a, b, c'"):
        scc2s.tl.experiments(adata, ["TNF"], model=identity(), **GRID)


def test_real_donors_respond_where_a_model_knows_the_response(shared_data: Path) -> None:
    """IFN-beta in PBMC of patients: a model that knows three genes of the response is above the scrambled name."""
    kang = ad.read_h5ad(shared_data / "kang_ifnb_labelled.h5ad")
    scc2s.pp.sentences(kang, n_genes=60)
    scc2s.pp.rank_fit(kang)
    scc2s.tl.experiments(
        kang, ["IFN-beta"], groupby="cell_type", donor_key="donor", truth={"condition": "stim"}, n_cells=12,
        min_cells=12, model=knows_ifn(), **HOW,
    )  # fmt: skip
    table = table_of(kang)
    assert len(table) == kang.obs["donor"].nunique() * kang.obs["cell_type"].nunique()
    done = table[table["status"] == "done"]
    assert len(done) > 5
    assert (done["delta_pearson"] > 0.1).all()
    scrambled = kang.uns["c2s"]["experiments_controls"].query("predictor == 'scrambled name'")
    assert (scrambled["delta_pearson_gain"] > 0.1).all()
    skipped = table[table["status"] == "skipped"]
    assert (skipped["n_available"] < 12).all()
    assert (skipped["reason"] != "").all()
