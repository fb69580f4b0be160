from __future__ import annotations

import re
from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from cell_writers import RESPONSE, cells, identity, stimulated

import scc2s
from scc2s.models import CallableModel

if TYPE_CHECKING:
    from pathlib import Path

ASK = "At {time}: {cell_sentence}\nAt {target_time}:"


def clock() -> CallableModel:
    """Puts the genes of the response on top where the time asked for is not the time the cell is at."""

    def one(prompt: str) -> str:
        now, genes, then = re.match(r"At (.*): (.*)\nAt (.*):", prompt).groups()
        words = genes.split()
        if now == then:
            return genes
        return " ".join([*RESPONSE, *(w for w in words if w not in RESPONSE)][: len(words)])

    return CallableModel(generate=lambda prompts: [one(p) for p in prompts])


@pytest.fixture
def course() -> ad.AnnData:
    control = cells()
    out = ad.concat([control, stimulated(control)])
    out.uns["c2s"] = control.uns["c2s"]
    out.obs["time"] = ["0 h"] * 12 + ["6 h"] * 12
    return out


def test_cells_at_the_target_time_are_the_truth_and_are_not_asked_about(course: ad.AnnData, tmp_path: Path) -> None:
    scc2s.tl.fate(
        course,
        time_key="time",
        target_time="6 h",
        groupby="type",
        program=RESPONSE,
        prompt=ASK,
        model=clock(),
        constrain=False,
    )
    assert course.layers["c2s_fate"][12:].nnz == 0
    assert (course.layers["c2s_fate"][:12, :3].toarray() > 0).all()
    table = course.uns["c2s"]["fate"]["fate"]["controls"].set_index(["group", "predictor"])
    for group in ("B", "T"):
        assert table.loc[(group, "prediction"), "delta_pearson"] > 0.8
        assert abs(table.loc[(group, "regeneration at its own time"), "program_shift"]) < 1e-6
    course.write_h5ad(tmp_path / "a.h5ad")
    assert "fate" in ad.read_h5ad(tmp_path / "a.h5ad").uns["c2s"]["fate"]


def test_a_model_that_declares_no_such_task_is_refused_unless_it_is_told_how(course: ad.AnnData) -> None:
    for model in (None, identity(), identity(tasks=["perturb"])):
        with pytest.raises(ValueError, match="not trained on the task 'fate'.*prompt="):
            scc2s.tl.fate(course, time_key="time", target_time="6 h", model=model)


def test_what_is_missing_is_named(course: ad.AnnData) -> None:
    with pytest.raises(KeyError, match="no column 'day'"):
        scc2s.tl.fate(course, time_key="day", target_time="6 h", prompt=ASK, model=clock(), constrain=False)
    with pytest.raises(ValueError, match="has no {target_time}"):
        scc2s.tl.fate(course, time_key="time", target_time="6 h", prompt="{cell_sentence}", model=clock())


def test_the_prompt_asks_in_the_words_that_time_pairs_of_real_cells_train(shared_data: Path) -> None:
    """Control and stimulated cells as time points; a model that knows its training table by heart knows the answers."""
    kang = sc.read_h5ad(shared_data / "kang_ifnb_labelled.h5ad")[::40].copy()
    kang.obs["time"] = kang.obs["condition"].map({"ctrl": "0 h", "stim": "6 h"}).astype(str)
    kang.obs["target_time"] = kang.obs["time"]  # a pair is described by its later cell
    task = scc2s.prompts.custom("{cell_sentence}\nAt {target_time}:", response=" {perturbed_sentence}")
    pairs = scc2s.pp.pairs(kang, key="time", order=["0 h", "6 h"], match="cell_type")
    table = scc2s.pp.samples(kang, task, pairs=pairs)
    by_heart = dict(zip(table["prompt"], table["completion"], strict=True))
    model = CallableModel(generate=lambda prompts: [by_heart.get(p, "") for p in prompts])
    scc2s.pp.sentences(kang)
    scc2s.pp.rank_fit(kang)
    scc2s.tl.fate(kang, time_key="time", target_time="6 h", prompt=task, model=model, controls=False, constrain=False)
    partners = kang.obs_names[pairs["control_row"].unique()]
    assert (kang.obs.loc[partners, "c2s_fate_n_genes"] > 0).all()


def test_the_order_of_the_cells_does_not_change_the_report(course: ad.AnnData) -> None:
    arguments = {"time_key": "time", "target_time": "6 h", "groupby": "type", "n_control_cells": 4, "program": RESPONSE}
    arguments |= {"prompt": ASK, "constrain": False}
    other = course[np.random.default_rng(0).permutation(course.n_obs)].copy()
    for adata in (course, other):
        scc2s.tl.fate(adata, model=clock(), **arguments)
    pd.testing.assert_frame_equal(*(a.uns["c2s"]["fate"]["fate"]["controls"] for a in (course, other)))


@pytest.mark.parametrize(("times", "target"), [([0.0, 6.0], 6), ([0, 6], 6.0), (["0", "6"], 6), ([0.0, 6.0], "6")])
def test_a_time_is_one_however_its_number_is_written(course: ad.AnnData, times: list, target: object) -> None:
    course.obs["time"] = [times[0]] * 12 + [times[1]] * 12
    scc2s.tl.fate(course, time_key="time", target_time=target, prompt=ASK, model=clock(), constrain=False)
    table = course.uns["c2s"]["fate"]["fate"]["controls"].set_index("predictor")
    assert table.loc["prediction", ["n_pred", "n_true"]].tolist() == [12, 12]
    assert (course.obs["c2s_fate_sentence"] == "").tolist() == [False] * 12 + [True] * 12


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"time_key": "day"}, KeyError, "time_key= one of"),
        ({"target_time": None}, ValueError, "target_time="),
        ({"target_time": ["6 h"]}, ValueError, "target_time="),
        ({"groupby": "leiden"}, KeyError, "groupby= one of"),
        ({"prompt": "{cell_sentence}"}, ValueError, "has no {target_time}"),
        ({"n_genes": 900}, ValueError, "at most 40"),
        ({"key_added": "a/b"}, ValueError, "without '/'"),
        ({"organism": ["Homo sapiens"]}, TypeError, "organism="),
    ],
)
def test_what_is_wrong_with_the_data_is_said_before_a_model_is_loaded(
    course: ad.AnnData, change: dict, error: type[Exception], said: str
) -> None:
    given = {"time_key": "time", "target_time": "6 h", "prompt": ASK, "model": "/there/is/no/such/model"}
    with pytest.raises(error, match=said):
        scc2s.tl.fate(course, **(given | change))
    with pytest.raises(ValueError, match="adata has no cells"):
        scc2s.tl.fate(course[:0].copy(), **given)
    with pytest.raises(FileNotFoundError):
        scc2s.tl.fate(course, **given)


def test_cells_that_all_are_at_the_time_asked_for_are_refused(course: ad.AnnData) -> None:
    course.obs["time"] = "6 h"
    with pytest.raises(ValueError, match="no cell is at another time"):
        scc2s.tl.fate(course, time_key="time", target_time="6 h", prompt=ASK, model=clock(), constrain=False)
