from __future__ import annotations

import numpy as np
import pytest
from cell_writers import cells, stimulated

from scc2s.tl._predicting.truth import group_labels, truth_cells, without_truth


def test_truth_is_another_data_set_or_the_cells_with_a_value() -> None:
    adata = cells()
    other = stimulated(adata)
    assert truth_cells(adata, None, None) is None
    assert truth_cells(adata, other, None).rows.tolist() == list(range(12))
    assert truth_cells(adata, other, "type").condition.tolist() == other.obs["type"].tolist()
    one = truth_cells(adata, {"type": "T"}, None)
    assert one.condition is None
    assert one.rows.tolist() == list(range(1, 12, 2))
    assert without_truth(["x"] * 12, adata, one) == ["x", None] * 6
    assert without_truth(["x"] * 12, adata, truth_cells(adata, other, None)) == ["x"] * 12
    assert truth_cells(adata, {"type": ["B", "T"]}, None).condition.tolist() == adata.obs["type"].tolist()
    with pytest.raises(ValueError, match="no cell has 'NK'"):
        truth_cells(adata, {"type": "NK"}, None)


def test_groups_are_texts_and_a_missing_group_stays_missing() -> None:
    adata = cells()
    adata.obs["cluster"] = [1.0, np.nan] * 6
    assert group_labels(adata, "cluster").tolist() == ["1.0", None] * 6
    assert set(group_labels(adata, None)) == {"all cells"}
    with pytest.raises(KeyError, match="no column 'leiden'"):
        group_labels(adata, "leiden")
