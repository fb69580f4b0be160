"""What a client asks: the public tools answer, and their results stand in the cells."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest

B = {"column": "type", "values": ["B"]}


def test_an_answer_comes_in_parts_with_its_evidence(served, cells):
    events = served.events("ask", {"question": "Which cells are these?", "cells": B})
    names = [name for name, _ in events]
    assert names[:2] == ["queued", "started"]
    assert names[-1] == "done"
    texts = [data for name, data in events if name == "text"]
    assert texts[0] == {"answer": 1, "text": "A B cell: CD79A is higher."}
    assert texts[-1]["answer"] == 2, "the control, asked without genes"
    found = events[-1][1]
    answer = found["result"]["answer"]
    assert answer["text"] == "A B cell: CD79A is higher."
    assert answer["null_text"] == "No genes are shown."
    claims = {one["name"]: one["holds"] for one in found["result"]["claims"]}
    assert claims["CD79A"] == "yes"
    assert {"MS4A1", "CD79A"} <= {one["gene"] for one in found["result"]["genes"]}
    assert found["key"] == "ask_1"
    assert cells.uns["c2s"]["ask_1"]["table"]["text"].tolist() == [answer["text"]]


def test_one_json_is_the_same_as_the_last_event(served):
    body = {"question": "Which?", "cells": B}
    whole = served.post("ask", body)
    assert whole.status == 200
    assert "queue;dur=" in whole.headers["server-timing"]
    last = served.events("ask", body)[-1][1]
    same = whole.json["result"]["answer"]
    assert same["text"] == last["result"]["answer"]["text"]
    assert (whole.json["key"], last["key"]) == ("ask_1", "ask_2")


def test_the_value_of_a_column_is_not_told_to_the_model(served):
    prompt = served.post("ask", {"question": "Which?", "cells": B}).json["result"]["answer"]["prompt"]
    assert "these cells" in prompt[0]["content"]
    assert "Cells of B" not in prompt[0]["content"]


def test_chosen_cells_are_a_column_that_equal_choices_share(served, cells):
    rows = np.flatnonzero(cells.obs["type"] == "B").tolist()
    for some in ({"rows": rows}, {"names": cells.obs_names[rows].tolist()}, B):
        assert served.post("ask", {"question": "Which?", "cells": some}).status == 200
    columns = [name for name in cells.obs if name.startswith("selection")]
    assert columns == ["selection_1"]
    assert cells.obs["selection_1"].notna().tolist() == (cells.obs["type"] == "B").tolist()
    told = served.get("/api/column?name=selection_1").json
    assert told["counts"] == [48]


def test_a_question_that_fails_leaves_the_cells_as_they_were(served, cells):
    before = list(cells.obs)
    found = served.post("ask", {"question": "Which?", "cells": B, "key_added": "embed"})
    assert found.status == 422
    assert "belongs to another tool; pass key_added=" in found.error
    assert list(cells.obs) == before


def test_all_cells_can_be_asked_about(served):
    found = served.post("ask", {"kind": "state"}).json
    assert found["result"]["answer"]["context"] == "all cells"


def test_two_groups_are_compared(served):
    other = {"column": "type", "values": ["T"], "label": "group B"}
    found = served.post("compare", {"a": {**B, "label": "group A"}, "b": other}).json
    assert found["result"]["claims"][0]["group"] == "group A"
    rest = served.post("compare", {"a": B}).json
    assert "the other cells" in rest["result"]["answer"]["question"]
    both = served.post("compare", {"a": B, "b": {"rows": [95]}})
    assert both.status == 422
    assert "1 cells are in both groups; pass a= and b=" in both.error


def test_cells_are_captioned(served, cells):
    found = served.post("caption", {"cells": B}).json
    assert [one["group"] for one in found["result"]["captions"]] == ["these cells"]
    by_type = served.post("caption", {"groupby": "type"}).json
    assert [one["group"] for one in by_type["result"]["captions"]] == ["B", "T"]
    assert by_type["key"] in cells.uns["c2s"]


def test_cells_are_embedded_into_the_file_or_into_the_answer(served, cells):
    some = served.post("embed", {"cells": {"rows": [3, 1]}}).json
    assert some["result"]["rows"] == [1, 3]
    assert np.shape(some["result"]["embedding"]) == (2, 2)
    assert "X_c2s" not in cells.obsm
    every = served.post("embed", {}).json
    assert every["result"] == {"obsm": "X_c2s", "dims": 2}
    body = served.get("/api/coordinates.bin?basis=X_c2s&dims=all").body
    np.testing.assert_allclose(np.frombuffer(body, "<f4").reshape(-1, 2)[[1, 3]], some["result"]["embedding"])


def test_cells_are_labelled_with_the_verdict_of_the_controls(served, cells):
    some = served.post("annotate", {"cells": {"rows": [95]}}).json
    assert some["result"]["cells"][0]["c2s_cell_type"] == "B cell"
    assert "c2s_cell_type" not in cells.obs
    every = served.post("annotate", {}).json["result"]
    assert sum(every["counts"].values()) == 96
    assert every["verdict"]
    assert cells.obs["c2s_cell_type"].notna().all()


def test_perturbed_cells_have_a_layer_controls_and_a_verdict(served, cells):
    found = served.post("perturb", {"perturbation": "IFN-beta", "cells": B, "most_cells": 5, "n_genes": 4, "n_boot": 0})
    assert found.status == 200, found.error
    result = found.json["result"]
    assert len(result["rows"]) == 5
    assert result["n_chosen"] == 48
    assert result["verdict"]
    assert {row["predictor"] for row in result["controls"]} >= {"prediction", "control"}
    layer = cells.layers[result["layer"]]
    assert sorted(set(layer.nonzero()[0])) == result["rows"]
    told = {one["gene"] for one in result["changes"]["up"] + result["changes"]["down"]}
    assert told <= set(cells.var_names)
    values = np.frombuffer(served.get(f"/api/gene.bin?name=CD79A&layer={result['layer']}").body, "<f4")
    assert (values > 0).sum() == 5


def test_which_cells_are_drawn_does_not_depend_on_how_they_are_named(served, cells):
    names = cells.obs_names[::-1].tolist()
    body = {"perturbation": "TNF", "most_cells": 3, "n_genes": 4, "controls": False}
    one = served.post("perturb", {**body, "cells": {"names": names}}).json["result"]["rows"]
    assert one == served.post("perturb", body).json["result"]["rows"]


def test_new_cells_are_returned_and_not_added(served, cells):
    found = served.post("generate", {"n": 2, "n_genes": 4}).json["result"]
    assert [one["c2s_sentence"] for one in found["cells"]] == ["CD79A MS4A1 ACTB B2M"] * 2
    assert cells.n_obs == 96


def test_cells_are_found_for_a_text_and_like_others(served, cells):
    text = served.post("search", {"text": "a B cell", "groupby": "type"}).json["result"]
    assert text["table"][0]["group"] == "B"
    assert text["floor"]
    like = served.post("search", {"cells": {"rows": [0, 1]}, "use_rep": "X_umap"}).json["result"]
    told = served.get(f"/api/column?name={like['column']}").json
    assert told["kind"] == "number"
    none = served.post("search", {"cells": {"rows": [0]}})
    assert (none.status, "X_c2s" in none.error) == (422, True)


def test_the_file_that_is_downloaded_has_the_results(served, tmp_path):
    served.post("ask", {"question": "Which?", "cells": B})
    assert served.get("/api/data").json["changed"]
    found = served.get("/api/download")
    assert 'filename="small-scc2s.h5ad"' in found.headers["content-disposition"]
    (tmp_path / "back.h5ad").write_bytes(found.body)
    back = ad.read_h5ad(tmp_path / "back.h5ad")
    assert back.uns["c2s"]["ask_1"]["table"]["text"].iloc[0] == "A B cell: CD79A is higher."
    assert back.obs["selection_1"].notna().sum() == 48


def test_cells_that_cannot_be_written_are_named(served, cells):
    cells.obs["day"] = pd.Timestamp("2026-01-01")
    found = served.get("/api/download")
    assert found.status == 422
    assert "'day'" in found.error
    assert "drop or convert it" in found.error


@pytest.mark.parametrize(
    ("verb", "body", "said"),
    [
        ("ask", {"question": "?", "model": "/etc/passwd"}, "model: Extra inputs are not permitted"),
        ("ask", {"question": "?", "cells": {"rows": []}}, "no cell is chosen"),
        ("ask", {"question": "?", "cells": {"rows": [96]}}, "there is no cell 96; pass rows= numbers from 0 to 95"),
        ("ask", {"question": "?", "cells": {"names": ["x"]}}, "there is no cell named 'x'"),
        ("ask", {"question": "?", "cells": {"rows": [1], "names": ["x"]}}, "pass either rows, names, or column"),
        ("ask", {"question": "?", "cells": {"column": "type"}}, "column and values go together"),
        ("ask", {"question": "?", "cells": {"column": "type", "values": ["Z"]}}, "has no value 'Z'; pass values="),
        ("ask", {}, "pass either a question or kind="),
        ("ask", {"question": "?", "n_cells": 1000}, "n_cells: Input should be less than or equal to 50"),
        ("caption", {}, "pass either cells or groupby"),
        ("search", {}, "pass either text or cells"),
        ("perturb", {}, "perturbation: Field required"),
        ("perturb", {"perturbation": "A", "key_added": "a/b"}, "cannot be written to a file"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_mends_it(served, verb, body, said):
    found = served.post(verb, body)
    assert found.status == 422
    assert said in found.error


def test_a_request_that_is_no_json_is_refused(served):
    found = served.call("POST", "/api/ask", b"{nothing", content_type="application/json")
    assert found.status == 422
    assert "JSON" in found.error
