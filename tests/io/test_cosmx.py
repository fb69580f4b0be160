from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

import scc2s
from scc2s.io import _cosmx

if TYPE_CHECKING:
    from pathlib import Path


def tables(n: int = 30) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(0)
    counts = pd.DataFrame(rng.poisson(1.0, (n, 5)), columns=["CD3D", "MS4A1", "LYZ", "NegPrb3", "SystemControl1"])
    counts.insert(0, "cell_ID", [0, *range(1, n // 2), 0, *range(1, n - n // 2)])
    counts.insert(0, "fov", np.repeat([1, 2], [n // 2, n - n // 2]))
    meta = counts.loc[counts["cell_ID"] > 0, ["fov", "cell_ID"]].iloc[::-1].reset_index(drop=True)
    meta["Area"] = rng.integers(100, 900, len(meta))
    meta["CenterX_global_px"], meta["CenterY_global_px"] = rng.random(len(meta)) * 1e4, rng.random(len(meta)) * 1e4
    return counts, meta


def write(folder: Path, counts: pd.DataFrame, meta: pd.DataFrame, end: str = ".csv") -> Path:
    folder.mkdir(exist_ok=True)
    counts.to_csv(folder / f"Run_exprMat_file{end}", index=False)
    meta.to_csv(folder / f"Run_metadata_file{end}", index=False)
    return folder


@pytest.mark.parametrize("end", [".csv", ".csv.gz"])
@pytest.mark.parametrize("chunk", [7, 20_000])
def test_cells_have_their_counts_and_places(
    tmp_path: Path, end: str, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_cosmx, "_CHUNK", chunk)
    counts, meta = tables()
    adata = scc2s.io.read_cosmx(write(tmp_path / "run", counts, meta, end), pixel_size=0.12)
    assert adata.shape == (28, 5)
    assert adata.obs_names.tolist() == [f"{f}_{c}" for f, c in zip(meta["fov"], meta["cell_ID"], strict=True)]
    expected = counts.set_index(["fov", "cell_ID"]).loc[list(zip(meta["fov"], meta["cell_ID"], strict=True))]
    np.testing.assert_array_equal(adata.X.toarray(), expected.to_numpy())
    np.testing.assert_allclose(adata.obsm["spatial"][:, 0], meta["CenterX_global_px"] * 0.12)
    assert adata.uns["spatial_unit"] == "um"
    assert adata.obs["Area"].tolist() == meta["Area"].tolist()
    scc2s.pp.sentences(adata)
    words = set(" ".join(adata.obs["c2s_sentence"]).split())
    assert words == {"CD3D", "MS4A1", "LYZ"}
    adata.write_h5ad(tmp_path / "a.h5ad")


def test_pixels_stay_pixels_where_their_size_is_not_given(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    counts, meta = tables()
    adata = scc2s.io.read_cosmx(write(tmp_path / "run", counts, meta))
    assert adata.uns["spatial_unit"] == "px"
    np.testing.assert_allclose(adata.obsm["spatial"][:, 1], meta["CenterY_global_px"])
    assert "is in pixels" in caplog.text


def test_millimetres_of_the_file_are_taken(tmp_path: Path) -> None:
    counts, meta = tables()
    meta["x_slide_mm"], meta["y_slide_mm"] = 1.5, 2.0
    adata = scc2s.io.read_cosmx(write(tmp_path / "run", counts, meta))
    assert adata.uns["spatial_unit"] == "um"
    assert adata.obsm["spatial"][0].tolist() == [1500, 2000]


def test_cells_of_one_file_only_are_counted_and_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    counts, meta = tables()
    adata = scc2s.io.read_cosmx(write(tmp_path / "run", counts.iloc[:-2], meta.iloc[:-1]))
    assert adata.n_obs == 25
    assert "2 cells have metadata and no counts, 1 counts and no metadata" in caplog.text


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    counts, meta = tables()
    with pytest.raises(FileNotFoundError, match=r"holds 0 files .* pass expression="):
        scc2s.io.read_cosmx(tmp_path)
    with pytest.raises(ValueError, match="pass the folder"):
        scc2s.io.read_cosmx(expression=tmp_path / "a.csv")
    with pytest.raises(FileNotFoundError, match="there is no file"):
        scc2s.io.read_cosmx(expression=tmp_path / "a.csv", metadata=tmp_path / "b.csv")
    with pytest.raises(ValueError, match="no column 'cell_ID'"):
        scc2s.io.read_cosmx(write(tmp_path / "a", counts.drop(columns="cell_ID"), meta))
    with pytest.raises(ValueError, match="comes twice"):
        scc2s.io.read_cosmx(write(tmp_path / "b", counts, pd.concat([meta, meta])))
    with pytest.raises(ValueError, match="no cell of"):
        scc2s.io.read_cosmx(write(tmp_path / "c", counts, meta.assign(fov=meta["fov"] + 9)))
    with pytest.raises(ValueError, match="not numbers"):
        scc2s.io.read_cosmx(write(tmp_path / "d", counts.assign(CD3D="x"), meta))
    with pytest.raises(ValueError, match="pixel_size"):
        scc2s.io.read_cosmx(write(tmp_path / "e", counts, meta), pixel_size=0)
