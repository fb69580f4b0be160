from __future__ import annotations

import gzip
import json
import os
from typing import TYPE_CHECKING

import anndata as ad
import h5py
import mudata
import numpy as np
import pytest
from cell_files import write_10x_folder, write_10x_h5

from scc2s.cli._kinds import kind_of

if TYPE_CHECKING:
    from pathlib import Path

CELLS = ad.AnnData(np.eye(3, dtype="float32"))


def h5ad(folder: Path, name: str = "a.h5ad") -> Path:
    CELLS.write_h5ad(folder / name)
    return folder / name


@pytest.mark.filterwarnings("ignore")
class TestRead:
    def test_kind_is_told_by_what_is_in_a_file_not_by_its_name(self, tmp_path: Path) -> None:
        assert kind_of(h5ad(tmp_path, "a.h5")) == "h5ad"
        mudata.MuData({"rna": CELLS.copy()}).write_h5mu(tmp_path / "m.h5ad.h5mu")
        (tmp_path / "m.h5ad.h5mu").rename(tmp_path / "m.h5ad")
        assert kind_of(tmp_path / "m.h5ad") == "h5mu"
        write_10x_h5(tmp_path / "x.h5ad")
        assert kind_of(tmp_path / "x.h5ad") == "10x h5"

    def test_folders(self, tmp_path: Path) -> None:
        CELLS.write_zarr(tmp_path / "a")
        assert kind_of(tmp_path / "a") == "zarr"
        mudata.MuData({"rna": CELLS.copy()}).write_zarr(tmp_path / "m.zarr")
        assert kind_of(tmp_path / "m.zarr") == "zarr of a MuData"
        write_10x_folder(tmp_path / "x")
        assert kind_of(tmp_path / "x") == "10x folder"

    def test_zarr_of_version_3(self, tmp_path: Path) -> None:
        (tmp_path / "zarr.json").write_text(json.dumps({"attributes": {"encoding-type": "anndata"}}))
        assert kind_of(tmp_path) == "zarr"

    def test_10x_of_the_first_version_and_h5ad_without_attributes(self, tmp_path: Path) -> None:
        with h5py.File(tmp_path / "old.h5", "w") as file:
            for name in ("barcodes", "indptr", "data"):
                file[f"GRCh38/{name}"] = [1]
        assert kind_of(tmp_path / "old.h5") == "10x h5"
        with h5py.File(tmp_path / "old.h5ad", "w") as file:
            for name in ("X", "obs", "var"):
                file[name] = [1]
        assert kind_of(tmp_path / "old.h5ad") == "h5ad"


def damaged(folder: Path) -> dict[str, tuple[Path, str]]:
    """Things that are not cells, each with a word of what is to be said about it."""
    whole = h5ad(folder).read_bytes()
    found = {
        "empty": (b"", "empty file"),
        "cut.h5ad": (whole[: len(whole) // 2], "not complete"),
        "a.h5ad.gz": (gzip.compress(whole), "gunzip"),
        "a.zarr.zip": (b"PK\x03\x04rest", "unzip"),
        "pointer.h5ad": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "git lfs pull"),
        "page.h5ad": (b"\n<!DOCTYPE html><html>", "web page"),
        "a.csv": (b"cell,CD3D\na,1\n", "scanpy.read_csv"),
        "a.mtx": (b"%%MatrixMarket matrix coordinate", "folder"),
        "a.rds": (b"X\nrest", "an R object"),
        "a.RData": (b"RDX3\nrest", "an R object"),
        "a.pkl": (b"\x80\x04rest", "pickle"),
        "a.h5ad.part": (b"\0" * 100, "not HDF5"),
    }
    for name, (content, _) in found.items():
        (folder / name).write_bytes(content)
    out = {name: (folder / name, word) for name, (_, word) in found.items()}
    for name, groups, word in (
        ("a.loom", {"matrix": [[1]], "row_attrs/x": [1]}, "loompy"),
        ("molecule_info.h5", {"barcode_idx": [1]}, "filtered_feature_bc_matrix.h5"),
        ("a.h5seurat", {"assays/RNA": [1], "meta.data/x": [1]}, "Seurat"),
        ("weights.h5", {"dense/kernel": [1]}, "neither h5ad"),
    ):
        with h5py.File(folder / name, "w") as file:
            for key, value in groups.items():
                file[key] = value
        out[name] = (folder / name, word)
    (folder / "nothing").mkdir()
    (folder / "full").mkdir()
    (folder / "full" / "a.txt").write_text("x")
    (folder / "spatial.zarr").mkdir()
    (folder / "spatial.zarr" / ".zgroup").write_text('{"zarr_format": 2}')
    (folder / "broken.zarr").mkdir()
    (folder / "broken.zarr" / ".zattrs").write_text("{")
    for name, word in (
        ("nothing", "empty folder"),
        ("full", "no Zarr store"),
        ("spatial.zarr", "not one of an AnnData"),
        ("broken.zarr", "damaged"),
        ("absent.h5ad", "there is no file"),
    ):
        out[name] = (folder / name, word)
    return out


def test_everything_else_is_named_with_a_mend(tmp_path: Path) -> None:
    for name, (path, word) in damaged(tmp_path).items():
        with pytest.raises((ValueError, FileNotFoundError), match="; ") as error:
            kind_of(path)
        assert word in str(error.value), name
        assert str(path) in str(error.value), name


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root reads everything")
def test_file_that_must_not_be_read(tmp_path: Path) -> None:
    path = h5ad(tmp_path)
    path.chmod(0)
    with pytest.raises(PermissionError, match="chmod"):
        kind_of(path)


def test_a_link_that_leads_nowhere_and_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "link.h5ad").symlink_to(tmp_path / "gone.h5ad")
    with pytest.raises(FileNotFoundError, match="link.h5ad"):
        kind_of(tmp_path / "link.h5ad")
    os.mkfifo(tmp_path / "pipe.h5ad")
    with pytest.raises(ValueError, match="neither a file nor a folder"):
        kind_of(tmp_path / "pipe.h5ad")


@pytest.mark.parametrize("name", ["pbmc3k.h5ad", "malt_citeseq.h5mu", "pbmc_citeseq.h5mu", "worm_embryo.h5ad"])
def test_real_files_are_recognised(shared_data: Path, name: str) -> None:
    assert kind_of(shared_data / name) == name.partition(".")[2]
