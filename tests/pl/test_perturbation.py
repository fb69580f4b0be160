from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import scc2s


def reported(**columns: object) -> ad.AnnData:
    table = pd.DataFrame(
        {
            "group": ["B", "B", "T", "T"],
            "predictor": ["prediction", "control"] * 2,
            "condition": "IFN-beta",
            "program_shift": [2.0, 0.0, 1.0, 0.0],
            "true_program_shift": [2.5, 2.5, 1.5, 1.5],
            "delta_pearson": [0.9, np.nan, 0.7, np.nan],
        }
    ).assign(**columns)
    adata = ad.AnnData(np.ones((2, 2), dtype="float32"))
    adata.uns["c2s"] = {"perturb": {"perturbed": {"controls": table}}}
    return adata


def test_a_point_for_each_group_and_predictor_and_the_truth_as_a_line() -> None:
    ax = scc2s.pl.perturbation(reported(), show=False)
    points = {line.get_label(): list(line.get_ydata()) for line in ax.lines}
    assert points["prediction"] == [2.0, 1.0]
    assert points["control"] == [0.0, 0.0]
    truth = next(c for c in ax.collections if c.get_label() == "truth")
    assert [segment[0, 1] for segment in truth.get_segments()] == [2.5, 1.5]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["B", "T"]
    assert ax.get_title() == "IFN-beta"


def test_intervals_are_drawn_and_predictors_without_values_are_not() -> None:
    adata = reported(delta_pearson_low=0.5, delta_pearson_high=[0.95, np.nan, 0.9, np.nan])
    ax = scc2s.pl.perturbation(adata, "delta_pearson", show=False)
    assert "control" not in [line.get_label() for line in ax.lines]
    ends = ax.collections[0].get_segments()
    assert [list(segment[:, 1]) for segment in ends] == [[0.5, 0.95], [0.5, 0.9]]


def test_several_conditions_are_kept_apart() -> None:
    adata = reported(condition=["IFN-beta", "IFN-beta", "TNF", "TNF"], group="B")
    ax = scc2s.pl.perturbation(adata, show=False)
    assert [text.get_text() for text in ax.get_xticklabels()] == ["B\nIFN-beta", "B\nTNF"]


def test_the_usual_metric_is_one_that_the_report_has() -> None:
    ax = scc2s.pl.perturbation(reported(program_shift=np.nan), show=False)
    assert ax.get_ylabel() == "correlation of mean shifts, all genes"


def test_what_is_missing_is_named_with_the_call_that_makes_it() -> None:
    with pytest.raises(KeyError, match=r"sc\.tl\.c2s_perturb\(adata"):
        scc2s.pl.perturbation(reported(), key="other", show=False)
    with pytest.raises(KeyError, match="pass metric= one of"):
        scc2s.pl.perturbation(reported(), "kendall", show=False)


def colors(ax) -> dict[str, str]:
    return {line.get_label(): line.get_color() for line in ax.lines if not line.get_label().startswith("_")}


def test_a_predictor_has_one_color_in_every_panel_and_every_report() -> None:
    names = ["prediction", "control", "mine", "unperturbed regeneration", "scrambled name", "real cells, split half"]
    table = pd.DataFrame({"group": "B", "predictor": names, "condition": "IFN", "program_shift": 1.0})
    table["delta_pearson"] = [0.5, np.nan, 0.4, 0.3, 0.2, 0.9]
    adata = reported()
    adata.uns["c2s"]["perturb"]["perturbed"]["controls"] = table
    first, second = (colors(scc2s.pl.perturbation(adata, m, show=False)) for m in ("program_shift", "delta_pearson"))
    assert set(first) - set(second) == {"control"}
    assert second == {name: first[name] for name in second}
    assert len(set(first.values())) == len(names)
    adata.uns["c2s"]["perturb"]["perturbed"]["controls"] = table.iloc[[2, 0, 4]]
    assert colors(scc2s.pl.perturbation(adata, "program_shift", show=False)).items() <= first.items()


def test_the_legend_says_what_the_lines_are() -> None:
    adata = reported(program_shift_low=0.5, program_shift_high=2.0, interval_over="donors")
    legend = scc2s.pl.perturbation(adata, show=False).get_legend()
    assert legend.get_title().get_text() == "lines: 95 % interval over donors"
    assert scc2s.pl.perturbation(reported(), show=False).get_legend().get_title().get_text() == ""
