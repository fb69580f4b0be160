from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

import scc2s

if TYPE_CHECKING:
    from pathlib import Path

X = np.random.default_rng(0).normal(8, 2, (6, 4)).astype(np.float32)


def write(path: Path, matrix: np.ndarray = X, samples: list[bytes] | None = None) -> Path:
    with h5py.File(path, "w") as file:
        file.attrs["version"] = "GCTX1.0"
        file.create_dataset("0/DATA/0/matrix", data=matrix, chunks=(2, 4))
        file["0/META/ROW/id"] = np.array([b"5720", b"466", b"6009", b"2309"])
        file["0/META/ROW/pr_gene_symbol"] = np.array([b"PSME1", b"ATF1", b"RHEB", b"FOXO3"])
        file["0/META/COL/id"] = np.array(samples or [f"s{i}".encode() for i in range(6)])
        file["0/META/COL/pert_dose"] = np.array([1.0, -666.0, 3, 4, 5, 6])
        file["0/META/COL/cell_id"] = np.array([b"MCF7", b"-666", *[b"PC3"] * 4])
    return path


def test_all_of_it(tmp_path: Path) -> None:
    adata = scc2s.io.read_gctx(write(tmp_path / "a.gctx"))
    np.testing.assert_array_equal(adata.X, X)
    assert adata.var["pr_gene_symbol"].tolist() == ["PSME1", "ATF1", "RHEB", "FOXO3"]
    assert adata.obs["cell_id"].isna().tolist() == [False, True, False, False, False, False]
    assert np.isnan(adata.obs["pert_dose"].iloc[1])
    scc2s.pp.sentences(adata, gene_symbols="pr_gene_symbol")
    order = np.argsort(-X[0])
    assert adata.obs["c2s_sentence"].iloc[0].split() == adata.var["pr_gene_symbol"].iloc[order].tolist()
    adata.write_h5ad(tmp_path / "a.h5ad")


@pytest.mark.parametrize("samples", [["s4", "s1", "s2"], ["s2", "s3"], None, []])
@pytest.mark.parametrize("genes", [["2309", "5720"], None])
def test_a_part_of_it_in_the_order_asked_for(tmp_path: Path, samples: Any, genes: Any) -> None:
    adata = scc2s.io.read_gctx(write(tmp_path / "a.gctx"), samples=samples, genes=genes)
    rows = list(range(6)) if samples is None else [int(name[1]) for name in samples]
    columns = list(range(4)) if genes is None else [3, 0]
    np.testing.assert_array_equal(adata.X, X[np.ix_(rows, columns)])
    assert adata.obs_names.tolist() == [f"s{i}" for i in rows]


def test_metadata_alone(tmp_path: Path) -> None:
    adata = scc2s.io.read_gctx(write(tmp_path / "a.gctx"), values=False)
    assert adata.X is None
    assert adata.shape == (6, 4)


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gctx")
    with pytest.raises(KeyError, match="the file has no 's9'; pass samples="):
        scc2s.io.read_gctx(path, samples=["s1", "s9"])
    with pytest.raises(TypeError, match="genes='5720' is a single text"):
        scc2s.io.read_gctx(path, genes="5720")
    with pytest.raises(ValueError, match="an id twice"):
        scc2s.io.read_gctx(path, genes=["5720", "5720"])
    with pytest.raises(ValueError, match="the matrix of .* is 5 x 4"):
        scc2s.io.read_gctx(write(tmp_path / "b.gctx", X[:5]))
    with pytest.raises(ValueError, match="sample 's1' comes twice"):
        scc2s.io.read_gctx(write(tmp_path / "c.gctx", samples=[b"s1"] * 6))
    (tmp_path / "d.gctx").write_text("text")
    with pytest.raises(ValueError, match="not an HDF5 file"):
        scc2s.io.read_gctx(tmp_path / "d.gctx")
    with h5py.File(tmp_path / "e.gctx", "w") as file:
        file["X"] = X
    with pytest.raises(ValueError, match="holds no 0/DATA/0/matrix"):
        scc2s.io.read_gctx(tmp_path / "e.gctx")
    with pytest.raises(FileNotFoundError):
        scc2s.io.read_gctx(tmp_path / "none.gctx")
