from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from scc2s.report._records import Record, entry, place, records, table

TABLE = pd.DataFrame({"a": [1]})


@pytest.mark.parametrize(
    ("key", "value", "tool"),
    [
        ("annotate", {"params": {}}, "annotate"),
        ("annotate_mine", {"params": {}}, "annotate"),
        ("sentences_top50", {"params": {}}, "sentences"),
        ("embed_X_other", {"params": {}}, "embed"),
        ("my_fit", {"params": {}, "r2_all_ranks": 1.0}, "rank_fit"),
        ("mine", {"params": {"versus": "x"}, "claims": TABLE}, "ask"),
        ("mine", {"params": {"samples": ["x"]}, "claims": TABLE}, "abstract"),
        ("mine", {"params": {}, "claims": TABLE, "system": "x"}, "chat"),
        ("mine", {"params": {}, "claims": TABLE, "interactions": TABLE}, "hypothesize"),
        ("mine", {"params": {"a": "x"}, "claims": TABLE}, "compare"),
        ("mine", {"params": {}, "table": TABLE, "cells": TABLE}, "contexts"),
        ("mine", {"params": {}, "table": TABLE, "report": TABLE}, "same_neighborhood"),
        ("mine", {"params": {}, "table": TABLE.assign(overlap=1), "report": TABLE}, "generate_neighbor"),
        ("mine", {"params": {}, "random_weights_correlation": 1.0}, "importance"),
        ("mine", {"params": {}}, "other"),
    ],
)
def test_a_record_is_known_by_its_name_or_by_what_it_holds(key: str, value: dict[str, object], tool: str) -> None:
    adata = ad.AnnData(np.ones((1, 1)), uns={"c2s": {key: value}})
    assert [(one.tool, one.path) for one in records(adata)] == [(tool, (key,))]


def test_records_beside_a_table_are_known_by_their_parameters() -> None:
    held = {
        "drugs": TABLE,
        "drugs_record": {"params": {"smallest_effect": 1.0}},
        "grid_record": {"params": {"min_cells": 2, "control_name": "x"}},
        "race_answers": TABLE,
        "race_record": {"params": {}},
        "heads_record": {"params": {}},
    }
    adata = ad.AnnData(np.ones((1, 1)), uns={"c2s": held})
    assert [one.tool for one in records(adata)] == ["screen", "experiments", "attention", "benchmark"]


def test_results_under_one_name_are_records_of_their_own() -> None:
    held = {"perturb": {"b": {"params": {}}, "a": {"params": {}}}, "by_contexts": {"x": {"params": {}}}}
    adata = ad.AnnData(np.ones((1, 1)), uns={"c2s": held})
    assert [one.path for one in records(adata, "perturb")] == [("perturb", "a"), ("perturb", "b")]
    assert [one.tool for one in records(adata)] == ["contexts_result", "perturb", "perturb"]


def test_sources_give_what_they_name() -> None:
    adata = ad.AnnData(np.ones((1, 1)), uns={"c2s": {"it's": {"params": {"n": 3, "m": "None"}}, "t": TABLE}})
    one = records(adata)[0]
    assert eval(one.source, {"adata": adata}) == one.value
    value, source = one.param("n")
    assert value == eval(source, {"adata": adata}) == 3
    assert one.param("m")[0] is None
    assert table(adata, "t") is adata.uns["c2s"]["t"]
    assert table(adata, "it's") is entry(adata, "nothing", "here") is None
    assert place("a") == "adata.uns['c2s']['a']"


@pytest.mark.parametrize("held", ["text", 3, None, [1], {}])
def test_what_is_no_record_is_none(held: object) -> None:
    adata = ad.AnnData(np.ones((1, 1)))
    adata.uns["c2s"] = held
    assert records(adata) == []


def test_a_record_without_parameters_has_none() -> None:
    assert Record("x", ("x",), {}).params == {}
