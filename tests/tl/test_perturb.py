from __future__ import annotations

from typing import TYPE_CHECKING

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from cell_writers import RESPONSE, by_rule, cells, identity, knows_ifn, stimulated

import scc2s
from scc2s.models._progress import bar

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FREE = {"constrain": False}


def as_shown(adata: ad.AnnData) -> np.ndarray:
    return scc2s.pp.reconstruct(adata, copy=True).layers["c2s_reconstructed"].toarray()


def report_of(adata: ad.AnnData, key: str = "perturbed"):
    return adata.uns["c2s"]["perturb"][key]["controls"].set_index(["group", "predictor"])


def test_a_model_that_repeats_the_cell_predicts_no_change() -> None:
    adata = cells()
    scc2s.tl.perturb(adata, "IFN-beta", model=identity(), **FREE)
    assert (adata.layers["c2s_perturbed"].toarray() == as_shown(adata)).all()
    assert adata.obs["c2s_perturbed_sentence"].tolist() == adata.obs["c2s_sentence"].tolist()
    assert adata.layers["c2s_perturbed"].format == "csr"
    assert adata.layers["c2s_perturbed"].dtype == np.float32


def test_a_planted_effect_comes_out_against_all_controls() -> None:
    adata = cells()
    truth = stimulated(adata)
    scc2s.tl.perturb(adata, "IFN-beta", truth=truth, groupby="type", program=RESPONSE, model=knows_ifn(), **FREE)
    found = report_of(adata)
    for group in ("B", "T"):
        shift = found.loc[group]["program_shift"]
        assert shift["prediction"] == pytest.approx(found.loc[group]["true_program_shift"].iloc[0], rel=0.1)
        assert shift["prediction"] > 1
        for control in ("control", "unperturbed regeneration", "scrambled name"):
            assert abs(shift[control]) < 1e-6
        assert found.loc[(group, "prediction"), "delta_pearson"] > 0.8
    assert "mean shift of other groups" in found.index.get_level_values("predictor")
    assert set(adata.uns["c2s"]["perturb"]["perturbed"]["controls"]["condition"]) == {"IFN-beta"}


def before_and_after(n: int = 40) -> tuple[ad.AnnData, ad.AnnData]:
    adata = cells(n)
    return adata, stimulated(adata)


def verdict_of(adata: ad.AnnData) -> str:
    return adata.uns["c2s"]["perturb"]["perturbed"]["verdict"]


def test_a_model_that_ignores_the_name_is_not_above_the_scrambled_name(caplog: pytest.LogCaptureFixture) -> None:
    """It always writes the response, so that its correlation with the truth is high, whatever it is asked."""
    adata, truth = before_and_after()
    always = by_rule(lambda genes, name: [*RESPONSE, *(g for g in genes if g not in RESPONSE)][: len(genes)])
    scc2s.tl.perturb(adata, "IFN-beta", truth=truth, groupby="type", model=always, n_boot=100, **FREE)
    found = report_of(adata)
    assert (found.xs("prediction", level=1)["delta_pearson"] > 0.8).all()
    assert verdict_of(adata).startswith("the prediction is not above the scrambled name in 2 of 2 groups (B, T); not ")
    assert caplog.text.count("not above the scrambled name") == 1
    assert (found.xs("scrambled name", level=1)["delta_pearson_gain"] == 0).all()


def test_a_model_that_knows_is_above_the_scrambled_name_and_one_that_knows_half_only_there() -> None:
    adata, truth = before_and_after()
    how = {"truth": truth, "groupby": "type", "n_boot": 100, **FREE}
    scc2s.tl.perturb(adata, "IFN-beta", model=knows_ifn(), **how)
    assert "scrambled" not in verdict_of(adata)
    assert (report_of(adata).xs("scrambled name", level=1)["delta_pearson_gain_low"] > 0.3).all()
    shown = dict(zip(adata.obs["c2s_sentence"], adata.obs["type"], strict=True))

    def half(genes: list[str], name: str) -> list[str]:
        knows = name == "IFN-beta" and shown[" ".join(genes)] == "B"
        return [*RESPONSE, *(g for g in genes if g not in RESPONSE)][: len(genes)] if knows else genes

    scc2s.tl.perturb(adata, "IFN-beta", model=by_rule(half), **how)
    assert "not above the scrambled name in 1 of 2 groups (T)" in verdict_of(adata)


def test_a_model_above_every_floor_is_said_to_be(caplog: pytest.LogCaptureFixture) -> None:
    adata = cells(40)
    scc2s.tl.perturb(adata, "IFN-beta", truth=stimulated(adata), model=knows_ifn(), n_boot=100, **FREE)
    assert verdict_of(adata) == "the prediction is above all floors in 1 of 1 groups"
    assert "not above" not in caplog.text
    scc2s.tl.perturb(adata, "IFN-beta", model=knows_ifn(), **FREE)
    assert verdict_of(adata).startswith("no real cells to compare with")


def test_empty_answers_count_as_unchanged_cells_and_correlate_with_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Cells without expression differ from their control in every gene, as much as any truth does."""
    adata = cells(40)
    truth = stimulated(adata)
    silent = by_rule(lambda genes, name: [])
    scc2s.tl.perturb(adata, "IFN-beta", truth=truth, model=silent, program=RESPONSE, n_boot=100, **FREE)
    found = report_of(adata).loc[("all cells", "prediction")]
    assert np.isnan(found["delta_pearson"])
    assert found["program_shift"] == found["delta_pearson_gain"] == 0
    assert "40 of 40 answers of the prediction hold no gene" in caplog.text
    assert "not above the scrambled name in 1 of 1 groups" in verdict_of(adata)


def test_cells_written_anew_correlate_with_nothing() -> None:
    """Each answer is another control cell, as of a model that knows what a cell is and nothing of the perturbation."""
    found = []
    for seed in range(6):
        adata = cells(60, seed)
        others = cells(60, seed + 50).obs["c2s_sentence"].tolist()
        turned = dict(zip(adata.obs["c2s_sentence"], others, strict=True))
        anew = by_rule(lambda genes, name, turned=turned: turned[" ".join(genes)].split())
        scc2s.tl.perturb(adata, "IFN-beta", truth=stimulated(adata), model=anew, n_boot=0, **FREE)
        found.append(report_of(adata).loc[("all cells", "prediction"), "delta_pearson"])
    assert abs(np.mean(found)) < 0.1


def test_donors_that_are_not_asked_about_serve_the_mean_shift_of_other_donors() -> None:
    control = cells(24)
    both = ad.concat([control, stimulated(control)])
    both.uns["c2s"] = control.uns["c2s"]
    both.obs["condition"] = ["ctrl"] * 24 + ["stim"] * 24
    both.obs["donor"] = np.tile(np.repeat(["p", "q"], 12), 2)
    asked = [name if donor == "p" else None for name, donor in zip(["IFN-beta"] * 48, both.obs["donor"], strict=True)]
    how = {"truth": {"condition": "stim"}, "model": knows_ifn(), "n_boot": 0, **FREE}
    scc2s.tl.perturb(both, asked, donor_key="donor", **how)
    rows = report_of(both).loc["all cells"]
    assert rows.loc["mean shift of other donors", "delta_pearson"] > 0.8
    assert rows.loc["prediction", ["n_pred", "n_true"]].tolist() == [12, 12]
    scc2s.tl.perturb(both, asked, **how)
    assert "mean shift of other donors" not in report_of(both).loc["all cells"].index


def test_intervals_draw_donors_where_a_column_is_given() -> None:
    adata = cells()
    truth = stimulated(adata)
    arguments = {"truth": truth, "model": knows_ifn(), "program": RESPONSE, "n_boot": 20, **FREE}
    with pytest.raises(KeyError, match="pass donor_key= one of"):
        scc2s.tl.perturb(adata, "IFN-beta", donor_key="donor", **arguments)
    adata.obs["donor"] = np.resize(["p", "q", "r"], adata.n_obs)
    truth.obs["donor"] = np.resize(["p", "q", "r"], truth.n_obs)
    scc2s.tl.perturb(adata, "IFN-beta", donor_key="donor", **arguments)
    found = report_of(adata).loc[("all cells", "prediction")]
    assert found["interval_over"] == "donors"
    assert found["program_shift_low"] <= found["program_shift"] <= found["program_shift_high"]
    truth.obs["donor"] = "p"
    adata.obs["donor"] = [None] + ["p"] * (adata.n_obs - 1)
    with pytest.raises(ValueError, match="missing for 1 cells; fill it"):
        scc2s.tl.perturb(adata, "IFN-beta", donor_key="donor", **arguments)


def test_without_truth_the_report_still_has_its_controls() -> None:
    adata = cells()
    scc2s.tl.perturb(adata, "IFN-beta", model=knows_ifn(), program=RESPONSE, **FREE)
    shift = report_of(adata)["program_shift"].loc["all cells"]
    assert shift["prediction"] > 1
    assert abs(shift["scrambled name"]) < 1e-6


def test_control_questions_name_no_perturbation_and_a_scrambled_one() -> None:
    adata = cells()
    model = identity()
    scc2s.tl.perturb(adata, "IFN-beta", model=model, n_control_cells=5, **FREE)
    names = [name for _, name in model.asked]
    assert names.count("IFN-beta") == 12
    assert names.count(scc2s.prompts.NO_PERTURBATION) == 5
    other = set(names) - {"IFN-beta", scc2s.prompts.NO_PERTURBATION}
    assert len(other) == 1
    assert sorted(other.pop()) == sorted("IFN-beta")


def test_no_control_question_is_asked_where_none_is_wanted() -> None:
    adata, model = cells(), identity()
    scc2s.tl.perturb(adata, "IFN-beta", model=model, controls=False, **FREE)
    assert len(model.asked) == adata.n_obs
    assert "controls" not in adata.uns["c2s"]["perturb"]["perturbed"]


def test_cells_without_a_name_are_left_out() -> None:
    adata = cells()
    adata.obs["drug"] = ["IFN-beta", None, np.nan] * 4
    scc2s.tl.perturb(adata, perturbation_key="drug", model=knows_ifn(), **FREE)
    out = adata.obs["drug"].isna().to_numpy()
    assert adata.layers["c2s_perturbed"][out].nnz == 0
    assert (adata.obs["c2s_perturbed_sentence"][out] == "").all()
    assert adata.obs["c2s_perturbed_valid"][out].isna().all()
    assert adata.obs["c2s_perturbed_perturbation"].isna().tolist() == out.tolist()
    assert adata.obs["c2s_perturbed_complete"].tolist() == (~out).tolist()
    assert (adata.layers["c2s_perturbed"][~out].toarray()[:, :3] > 0).all()


def test_each_cell_gets_its_own_perturbation_and_the_report_keeps_them_apart() -> None:
    adata = cells()
    truth = stimulated(adata)
    adata.obs["drug"] = ["IFN-beta"] * 6 + ["TNF"] * 6
    truth.obs["drug"] = adata.obs["drug"].to_numpy()
    scc2s.tl.perturb(
        adata, perturbation_key="drug", truth=truth, program=RESPONSE, model=knows_ifn(), n_control_cells=6, **FREE
    )
    table = adata.uns["c2s"]["perturb"]["perturbed"]["controls"]
    shift = table[table["predictor"] == "prediction"].set_index("condition")["program_shift"]
    assert shift["IFN-beta"] > 1
    assert abs(shift["TNF"]) < 1e-6
    del truth.obs["drug"]
    with pytest.raises(ValueError, match="pass perturbation_key="):
        scc2s.tl.perturb(adata, perturbation_key="drug", truth=truth, model=knows_ifn(), **FREE)


def test_a_combination_is_asked_as_an_ordered_set() -> None:
    adata, model = cells(), knows_ifn()
    scc2s.tl.perturb(adata, ("TNF", "IFN-beta"), model=model, controls=False, **FREE)
    assert {name for _, name in model.asked} == {"IFN-beta + TNF"}


def test_dose_and_time_follow_the_name() -> None:
    adata, model = cells(), knows_ifn()
    scc2s.tl.perturb(
        adata, "TNF", dose="10 ng/ml", time=[f"{i} h" for i in range(12)], model=model, controls=False, **FREE
    )
    assert model.asked[3][1] == "TNF, 10 ng/ml, 3 h"


def test_truth_may_be_cells_of_the_same_data_which_are_not_asked_about() -> None:
    control = cells()
    both = ad.concat([control, stimulated(control)])
    both.uns["c2s"] = control.uns["c2s"]
    both.obs["condition"] = ["ctrl"] * 12 + ["stim"] * 12
    model = knows_ifn()
    scc2s.tl.perturb(both, "IFN-beta", truth={"condition": "stim"}, model=model, **FREE)
    assert both.layers["c2s_perturbed"][12:].nnz == 0
    assert report_of(both).loc[("all cells", "prediction"), "n_true"] == 12
    with pytest.raises(KeyError, match="no column 'state'"):
        scc2s.tl.perturb(both, "IFN-beta", truth={"state": "stim"}, model=model, **FREE)


def test_both_sides_of_the_report_have_the_same_length() -> None:
    """Ten genes are written of cells that show twenty: genes after the tenth are not taken for a loss."""
    adata = cells()
    scc2s.tl.perturb(adata, "IFN-beta", n_genes=10, program=["G0", "G15", "G30"], model=identity(), **FREE)
    assert abs(report_of(adata).loc[("all cells", "prediction"), "program_shift"]) < 1e-6
    assert (adata.obs["c2s_perturbed_n_words"] == 10).all()


def test_a_model_that_ends_early_is_flagged_and_reported(caplog: pytest.LogCaptureFixture) -> None:
    adata = cells()
    scc2s.tl.perturb(adata, "x", model=by_rule(lambda genes, name: genes[:5]), controls=False, **FREE)
    assert not adata.obs["c2s_perturbed_complete"].any()
    assert (adata.obs["c2s_perturbed_n_words"] == 5).all()
    assert "12 of 12 cells ended before" in caplog.text


def test_words_that_are_no_gene_and_repeats_are_counted() -> None:
    adata = cells()
    rule = by_rule(lambda genes, name: ["nonsense", genes[0], genes[0], *genes[1:17]])
    scc2s.tl.perturb(adata, "x", model=rule, controls=False, **FREE)
    assert adata.obs["c2s_perturbed_valid"].iloc[0] == pytest.approx(18 / 19)
    assert adata.obs["c2s_perturbed_unique"].iloc[0] == pytest.approx(17 / 18)
    assert adata.obs["c2s_perturbed_n_genes"].iloc[0] == 17


def test_an_echoed_prompt_is_not_taken_for_genes() -> None:
    adata = cells()
    echo = scc2s.models.CallableModel(generate=lambda prompts: [f"{p} ISG15 MX1" for p in prompts])
    scc2s.tl.perturb(adata, "x", model=echo, controls=False, **FREE)
    assert set(adata.obs["c2s_perturbed_sentence"]) == {"ISG15 MX1"}


def test_cells_without_a_sentence_are_left_out() -> None:
    adata = cells()
    adata.obs["c2s_sentence"] = ["", *adata.obs["c2s_sentence"][1:]]
    scc2s.tl.perturb(adata, "IFN-beta", model=knows_ifn(), **FREE)
    assert adata.layers["c2s_perturbed"][:1].nnz == 0
    assert np.isnan(adata.obs["c2s_perturbed_valid"].iloc[0])


def test_a_group_of_one_cell_is_reported() -> None:
    adata = cells()
    adata.obs["type"] = ["B"] + ["T"] * 11
    scc2s.tl.perturb(adata, "IFN-beta", truth=stimulated(adata), groupby="type", model=knows_ifn(), **FREE)
    assert report_of(adata).loc[("B", "prediction"), "n_pred"] == 1


@pytest.mark.parametrize("kind", ["one token a gene", "gpt_neox", "gemma2"])
def test_constrained_answers_are_whole_valid_and_without_repeats(
    kind: str, blood: ad.AnnData, tiny: Callable[..., object], pieces: Callable[[str], object]
) -> None:
    scc2s.pp.rank_fit(blood)
    model = tiny(context=512) if kind == "one token a gene" else pieces(kind)
    scc2s.tl.perturb(blood, "IFN-beta", n_genes=12, model=model, n_control_cells=4, random_state=3)
    for name in ("valid", "unique"):
        assert (blood.obs[f"c2s_perturbed_{name}"] == 1).all()
    assert (blood.obs["c2s_perturbed_n_genes"] == 12).all()
    assert blood.obs["c2s_perturbed_complete"].all()


def test_the_same_cell_gets_the_same_answer_in_any_subset_and_draws_differ(blood: ad.AnnData) -> None:
    scc2s.pp.rank_fit(blood)
    asked = {"perturbation": "IFN-beta", "n_genes": 10, "controls": False}
    whole = scc2s.tl.perturb(blood, **asked, copy=True)
    part = blood[[7, 3]].copy()
    scc2s.tl.perturb(part, **asked)
    assert part.obs["c2s_perturbed_sentence"].tolist() == whole.obs["c2s_perturbed_sentence"].iloc[[7, 3]].tolist()
    mean = scc2s.tl.perturb(blood[:4].copy(), **asked, n_samples=3, copy=True)
    assert mean.obs["c2s_perturbed_sentence"].tolist() == whole.obs["c2s_perturbed_sentence"].iloc[:4].tolist()
    assert (mean.layers["c2s_perturbed"] != whole.layers["c2s_perturbed"][:4]).nnz > 0


@pytest.mark.slow
def test_results_survive_h5ad_and_zarr(tmp_path: Path) -> None:
    adata = cells()
    adata.obs["drug"] = ["IFN-beta", None, "TNF"] * 4
    scc2s.tl.perturb(adata, perturbation_key="drug", groupby="type", model=knows_ifn(), key_added="c2s_ifn", **FREE)
    adata.write_h5ad(tmp_path / "a.h5ad")
    adata.write_zarr(tmp_path / "a.zarr")
    for back in (ad.read_h5ad(tmp_path / "a.h5ad"), ad.read_zarr(tmp_path / "a.zarr")):
        assert (back.layers["c2s_ifn"] != adata.layers["c2s_ifn"]).nnz == 0
        assert back.obs["c2s_ifn_sentence"].astype(str).tolist() == adata.obs["c2s_ifn_sentence"].tolist()
        table = back.uns["c2s"]["perturb"]["ifn"]["controls"]
        assert table["predictor"].tolist() == adata.uns["c2s"]["perturb"]["ifn"]["controls"]["predictor"].tolist()
        scc2s.tl.perturb(back, "TNF", model=identity(), controls=False, **FREE)
        assert set(back.uns["c2s"]["perturb"]) == {"ifn", "perturbed"}


def test_copy_view_and_mudata() -> None:
    adata = cells()
    out = scc2s.tl.perturb(adata, "IFN-beta", model=identity(), controls=False, copy=True, **FREE)
    assert "c2s_perturbed" not in adata.layers
    view = adata[:4]
    scc2s.tl.perturb(view, "IFN-beta", model=identity(), controls=False, **FREE)
    assert (view.layers["c2s_perturbed"] != out.layers["c2s_perturbed"][:4]).nnz == 0
    assert "c2s_perturbed" not in adata.layers
    mdata = md.MuData({"rna": adata})
    scc2s.tl.perturb(mdata, "IFN-beta", model=identity(), controls=False, **FREE)
    assert "c2s_perturbed" in mdata["rna"].layers


def test_a_failed_call_leaves_the_data_as_it_was() -> None:
    adata = cells()
    columns, uns = list(adata.obs), adata.uns["c2s"]

    def generate(prompts: list[str]) -> list[str]:
        if scc2s.prompts.NO_PERTURBATION in prompts[0]:
            msg = "the service is down"
            raise ConnectionError(msg)
        return ["G1"] * len(prompts)

    with pytest.raises(ConnectionError):
        scc2s.tl.perturb(adata, "IFN-beta", model=scc2s.models.CallableModel(generate=generate), **FREE)
    assert list(adata.obs) == columns
    assert not adata.layers
    assert adata.uns["c2s"] is uns


def test_what_is_missing_is_named_with_the_call_that_mends_it() -> None:
    adata = cells()
    with pytest.raises(KeyError, match="no column 'drug'"):
        scc2s.tl.perturb(adata, perturbation_key="drug", model=identity(), **FREE)
    with pytest.raises(ValueError, match="has no {perturbation}"):
        scc2s.tl.perturb(adata, "IFN", prompt="{cell_sentence}", model=identity(), **FREE)
    with pytest.raises(ValueError, match="constrain=False"):
        scc2s.tl.perturb(adata, "IFN", model=identity())
    with pytest.raises(ValueError, match="not trained on the task 'perturb'.*prompt="):
        scc2s.tl.perturb(adata, "IFN", model=identity(tasks=["cell_type"]), **FREE)
    with pytest.raises(ValueError, match="3 are needed"):
        scc2s.tl.perturb(adata, "IFN", model=identity(), program=["XIST"], **FREE)
    with pytest.raises(ValueError, match="key_added='a/b'"):
        scc2s.tl.perturb(adata, "IFN", model=identity(), key_added="a/b", **FREE)
    with pytest.raises(TypeError, match="truth is of type str"):
        scc2s.tl.perturb(adata, "IFN", model=identity(), truth="stim", **FREE)
    del adata.uns["c2s"]["rank_fit"]
    with pytest.raises(KeyError, match="sc.pp.c2s_rank_fit"):
        scc2s.tl.perturb(adata, "IFN", model=identity(), **FREE)


def test_no_global_random_state_is_touched(blood: ad.AnnData) -> None:
    scc2s.pp.rank_fit(blood)
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    sc.tl.c2s_perturb(blood[:3].copy(), "IFN-beta", n_genes=5)
    assert (np.random.get_state()[1] == state).all()  # noqa: NPY002


def shuffled(adata: ad.AnnData, seed: int) -> ad.AnnData:
    return adata[np.random.default_rng(seed).permutation(adata.n_obs)].copy()


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_the_cells_changes_neither_report_nor_answers(seed: int) -> None:
    adata, n = cells(60), 60
    truth = stimulated(adata)
    for data in (adata, truth):
        data.obs["drug"] = np.resize(["IFN-beta", "TNF"], n)
        data.obs["donor"] = np.resize(["p", "q", "r", "s"], n)
    arguments = {
        "perturbation_key": "drug",
        "groupby": "type",
        "program": RESPONSE,
        "n_control_cells": 7,
        "n_boot": 20,
        "donor_key": "donor",
        "n_samples": 2,
        **FREE,
    }
    whole = scc2s.tl.perturb(adata, truth=truth, model=knows_ifn(), copy=True, **arguments)
    other = shuffled(adata, seed)
    scc2s.tl.perturb(other, truth=shuffled(truth, seed + 10), model=knows_ifn(), **arguments)
    pd.testing.assert_frame_equal(*(a.uns["c2s"]["perturb"]["perturbed"]["controls"] for a in (whole, other)))
    assert other.obs["c2s_perturbed_sentence"].equals(whole.obs["c2s_perturbed_sentence"].loc[other.obs_names])


def test_doses_of_one_drug_are_conditions_of_their_own_and_are_recorded(tmp_path: Path) -> None:
    adata = cells()
    doses = np.resize(["10 nM", "1000 nM"], 12)
    model = by_rule(lambda genes, name: [*RESPONSE, *genes][: len(genes)] if "1000 nM" in name else genes)
    truth = stimulated(adata)
    truth.obs["dose"] = doses
    truth.X[np.flatnonzero(doses == "10 nM")] = adata.X[np.flatnonzero(doses == "10 nM")]
    scc2s.pp.sentences(truth, n_genes=20)
    scc2s.tl.perturb(adata, "TNF", dose=doses.tolist(), time="6 h", truth=truth, model=model, program=RESPONSE, **FREE)
    table = adata.uns["c2s"]["perturb"]["perturbed"]["controls"]
    assert set(table["condition"]) == {"TNF, 10 nM", "TNF, 1000 nM"}
    found = table[table["predictor"] == "prediction"].set_index("condition")
    assert found["n_pred"].tolist() == found["n_true"].tolist() == [6, 6]
    assert abs(found.loc["TNF, 10 nM", ["program_shift", "true_program_shift"]]).max() < 0.2
    assert found.loc["TNF, 1000 nM", ["program_shift", "true_program_shift"]].min() > 1
    assert adata.obs["c2s_perturbed_dose"].tolist() == doses.tolist()
    assert set(adata.obs["c2s_perturbed_time"]) == {"6 h"}
    adata.write_h5ad(tmp_path / "a.h5ad")
    params = ad.read_h5ad(tmp_path / "a.h5ad").uns["c2s"]["perturb"]["perturbed"]["params"]
    assert list(params["dose"]) == ["10 nM", "1000 nM"]
    assert params["time"] == "6 h"


def test_a_combination_has_doses_too_and_a_dose_without_a_unit_is_said(caplog: pytest.LogCaptureFixture) -> None:
    adata, model = cells(), identity()
    names = [("TNF", "IFN-beta"), "TNF"] * 6
    adata.obs["amount"] = np.resize([10.0, 10.0, 1000.0, 1000.0], 12)
    scc2s.tl.perturb(adata, names, dose=adata.obs["amount"], model=model, **FREE)
    table = adata.uns["c2s"]["perturb"]["perturbed"]["controls"]
    assert set(table["condition"]) == {"IFN-beta + TNF, 10", "IFN-beta + TNF, 1000", "TNF, 10", "TNF, 1000"}
    assert {"TNF, 10", "TNF, 1000"} < {name for _, name in model.asked}
    assert "without a unit: 10; pass e.g. '10 nM'" in caplog.text
    caplog.clear()
    scc2s.tl.perturb(adata, "TNF", dose="10 nM", model=model, **FREE)
    assert "without a unit" not in caplog.text


NOWHERE = "/there/is/no/such/model"


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"perturbation": "drug"}, ValueError, "pass perturbation_key='drug'"),
        ({"dose": "drug"}, ValueError, r"pass dose=adata.obs\['drug'\]"),
        ({"dose": [("10 nM", "5 nM")] * 12}, ValueError, "'10 nM \\+ 5 nM'"),
        ({"sentence_key": "mine_sentence"}, KeyError, "c2s_sentences"),
        ({"sentence_key": None}, TypeError, "sentence_key="),
        ({"groupby": "leiden"}, KeyError, "groupby= one of"),
        ({"donor_key": "who"}, KeyError, "donor_key= one of"),
        ({"program": ["XIST"]}, ValueError, "3 are needed"),
        ({"program": 5}, TypeError, "a list of genes"),
        ({"n_genes": 900}, ValueError, "at most 40"),
        ({"n_control_cells": 2.5}, TypeError, "n_control_cells= a number from 1"),
        ({"n_boot": -1}, ValueError, "n_boot= a number from 0"),
        ({"prompt": "{cell_sentence}"}, ValueError, "has no {perturbation}"),
        ({"prompt": 5}, TypeError, "a template as text"),
        ({"organism": 5}, TypeError, "organism='Homo sapiens'"),
        ({"fit": {"slope": 1}}, TypeError, "RankFit"),
        ({"cache": 5}, TypeError, "path of a file"),
        ({"control_name": None}, ValueError, "control_name="),
        ({"key_added": "a/b"}, ValueError, "without '/'"),
        ({"key_added": 5}, ValueError, "a text"),
        ({"truth": {"drug": "none"}}, ValueError, "no cell has 'none'"),
    ],
)
def test_what_is_wrong_with_the_data_is_said_before_a_model_is_loaded(
    change: dict, error: type[Exception], said: str
) -> None:
    adata = cells()
    adata.obs["drug"] = "IFN-beta"
    before = adata.copy()
    with pytest.raises(error, match=said):
        scc2s.tl.perturb(adata, **({"perturbation": "IFN-beta", "model": NOWHERE} | change))
    assert list(adata.obs) == list(before.obs)
    assert set(adata.uns["c2s"]) == set(before.uns["c2s"])
    with pytest.raises(FileNotFoundError):  # all else was right
        scc2s.tl.perturb(adata, "IFN-beta", model=NOWHERE)


def test_data_without_cells_or_genes_are_refused_before_a_model_is_loaded() -> None:
    adata = cells()
    with pytest.raises(ValueError, match="adata has no cells"):
        scc2s.tl.perturb(adata[:0].copy(), "x", model=NOWHERE)
    with pytest.raises(ValueError, match="adata has no genes"):
        scc2s.tl.perturb(adata[:, :0].copy(), "x", model=NOWHERE)


def test_a_score_named_like_a_drug_is_a_drug() -> None:
    adata = cells()
    adata.obs["TNF"] = np.arange(12.0)
    scc2s.tl.perturb(adata, "TNF", model=identity(), controls=False, **FREE)
    assert set(adata.obs["c2s_perturbed_perturbation"]) == {"TNF"}


def test_names_of_other_results_are_not_taken_and_an_earlier_prediction_is_replaced_whole() -> None:
    adata = cells()
    adata.obs["time"] = ["0 h", "6 h"] * 6
    asked = {"model": identity(), "controls": False, **FREE}
    scc2s.tl.perturb(adata, "TNF", dose="10 nM", key_added="after", **asked)
    with pytest.raises(ValueError, match="pass key_added= another name"):
        scc2s.tl.fate(
            adata,
            time_key="time",
            target_time="6 h",
            key_added="after",
            prompt="{cell_sentence} {target_time}",
            **asked,
        )
    scc2s.tl.perturb(adata, "TNF", key_added="after", **asked)
    assert "c2s_after_dose" not in adata.obs


def test_all_questions_are_asked_in_one_run_and_answered_as_in_runs_of_their_own(
    blood: ad.AnnData, tiny: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    scc2s.pp.rank_fit(blood)
    model, runs = tiny(context=512), []
    generate = model.generate
    monkeypatch.setattr(model, "generate", lambda prompts, **how: runs.append(len(prompts)) or generate(prompts, **how))
    asked = {"model": model, "n_genes": 10}
    both = scc2s.tl.perturb(blood, "IFN-beta", n_control_cells=9, copy=True, **asked)
    assert runs == [24 + 2 * 9]
    alone = scc2s.tl.perturb(blood, "IFN-beta", controls=False, copy=True, **asked)
    again = scc2s.tl.perturb(blood, scc2s.prompts.NO_PERTURBATION, controls=False, copy=True, **asked)
    assert both.obs["c2s_perturbed_sentence"].equals(alone.obs["c2s_perturbed_sentence"])
    scc2s.tl.perturb(again, "IFN-beta", n_control_cells=24, key_added="report", **asked)
    scc2s.tl.perturb(again, scc2s.prompts.NO_PERTURBATION, n_control_cells=24, key_added="nothing", **asked)
    report, nothing = (
        again.uns["c2s"]["perturb"][key]["controls"].set_index("predictor") for key in ("report", "nothing")
    )
    scores = [name for name in report.select_dtypes("number") if not name.startswith("true")]
    pd.testing.assert_series_equal(
        report.loc["unperturbed regeneration", scores], nothing.loc["prediction", scores], check_names=False
    )


def test_the_bar_has_the_name_of_what_was_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TQDM_DISABLE", "0")  # drawn into logs as well
    monkeypatch.delenv("READTHEDOCS", raising=False)
    sc.settings.verbosity = 1
    model, names = identity(id="identity"), []
    generate = model.generate

    def telling(prompts: list[str], **how: object) -> list[str]:
        with bar(len(prompts), "generate", show=True) as running:
            names.append(running.desc)
        return generate(prompts, **how)

    monkeypatch.setattr(model, "generate", telling)
    scc2s.tl.perturb(cells(), "x", model=model, **FREE)
    assert names == ["perturb"]
