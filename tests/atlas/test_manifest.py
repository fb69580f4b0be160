from __future__ import annotations

import numpy as np
import pytest

from scc2s.atlas._collected import merged
from scc2s.atlas._manifest import refuse_other, told

BEFORE = {
    "step": "embed",
    "token": "a",
    "params": {"model": "x", "n_genes": 40},
    "records": {"embed": {"model": {"weights": "1f", "dtype": "float32"}}},
}


def test_what_differs_is_named_with_both_values():
    now = {
        **BEFORE,
        "token": "b",
        "params": {"model": "x", "n_genes": 30, "prompt": "{cell_sentence}"},
        "records": {"embed": {"model": {"weights": "2e", "dtype": "float32"}}},
    }
    with pytest.raises(ValueError, match="restart=True") as caught:
        refuse_other(BEFORE, now, "out.zarr")
    text = str(caught.value)
    assert "params.n_genes was 40, and is 30" in text
    assert "params.prompt was not there, and is '{cell_sentence}'" in text
    assert "records.embed.model.weights was '1f', and is '2e'" in text
    assert "token" not in text


def test_arrays_and_lists_of_the_same_are_the_same():
    record = {"params": {"labels": np.array(["a", "b"], dtype=object), "x": np.float32(1)}, "controls": "not compared"}
    found = told(record)
    refuse_other({"step": "s", "r": found}, {"step": "s", "r": {"params": {"labels": ["a", "b"], "x": 1.0}}}, "out")


def test_shares_are_weighed_by_the_cells_that_were_asked_about():
    parts = [{"share_valid": 1.0, "n_asked": 3}, {"share_valid": 0.0, "n_asked": 1}, {"share_valid": np.nan, "n": 5}]
    assert merged(parts)["share_valid"] == 0.75
