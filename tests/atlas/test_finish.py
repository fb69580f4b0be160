from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from scc2s.atlas import _finish, _staged
from scc2s.atlas._collected import Collected

pytest.importorskip("zarr")


@pytest.mark.parametrize("blocks", [1, 2, 64])
def test_codes_of_blocks_become_codes_of_all_whatever_is_written_together(tmp_path, monkeypatch, blocks):
    import zarr
    from anndata.io import read_elem

    monkeypatch.setattr(_finish, "_BLOCKS", blocks)
    labels = np.array(["b", "a", "c", None, "c", "d", "a", "a", None, "b", "d"], dtype=object)
    parts = [pd.Categorical(labels[start : start + 2]) for start in range(0, len(labels), 2)]
    layout = _staged.layout_of({"obs:label": parts[0]})
    _staged.create(tmp_path / "arrays", layout, len(labels), 2, 3)
    done = []
    for number, part in enumerate(parts):
        found = Collected({"obs:label": part}, {})
        _, named = _staged.write(tmp_path, layout, number, 2 * number, found)
        done.append({"rows": [2 * number, 2 * number + len(part)], "categories": named})
    with _finish.quiet():
        path = _finish._as_category(tmp_path / "arrays", "obs:label", layout["obs:label"], done, ["c"], 3)
    read = read_elem(zarr.open_group(path, mode="r"))
    assert [label if isinstance(label, str) else None for label in read] == list(labels)
    assert list(read.categories) == ["c", "a", "b", "d"]
