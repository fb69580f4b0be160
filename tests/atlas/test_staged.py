from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest

zarr = pytest.importorskip("zarr")

from scc2s.atlas import _staged  # noqa: E402
from scc2s.atlas._collected import Collected  # noqa: E402


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("by", ["zarr", "zarrs"])
def test_a_chunk_of_zeros_is_a_file_by_whatever_zarr_reads(tmp_path, by, zarr_format):
    """zarrs leaves such chunks out, and a file that is missing is taken for one that was lost."""
    pytest.importorskip(by)
    found = Collected({"obsm:ranks": np.zeros((4, 2), np.int32)})
    layout = _staged.layout_of(found.values)
    _staged.create(tmp_path / "arrays", layout, 6, 4, zarr_format)
    chosen = zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"}) if by == "zarrs" else nullcontext()
    with chosen:
        before = zarr.config.get("codec_pipeline.path")
        (tmp_path / "parts").mkdir()
        sums, _ = _staged.write(tmp_path, layout, 0, 0, found)
        assert zarr.config.get("codec_pipeline.path") == before
    assert len(sums) == 1
    assert _staged.checksum(tmp_path / next(iter(sums))) == next(iter(sums.values())) != -1
