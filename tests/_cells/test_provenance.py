from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pytest

from scc2s._cells.provenance import plain, record, versions


class Version(str):
    """As torch gives its version."""


PARAMS = {
    "none": None,
    "text": "a/b",
    "flag": True,
    "numbers": (1, 1000),
    "labels": ["CD8+/CD45RA+", "B"],
    "no_labels": [],
    "table": {"a/b": "c"},
    "empty_table": {},
    "path": Path("x"),
    "float": np.float32(0.5),
    "subclass_of_str": Version("2.13"),
}


@pytest.fixture
def adata() -> ad.AnnData:
    return ad.AnnData(np.ones((2, 2), dtype="float32"))


def test_record_survives_h5ad(adata: ad.AnnData, tmp_path: Path) -> None:
    record(adata, "embed", PARAMS, model={"id": "org/model", "revision": None})
    adata.write_h5ad(tmp_path / "a.h5ad")
    entry = ad.read_h5ad(tmp_path / "a.h5ad").uns["c2s"]["embed"]
    assert entry["model"]["id"] == "org/model"
    assert entry["params"]["numbers"].tolist() == [1, 1000]
    assert entry["params"]["labels"].tolist() == ["CD8+/CD45RA+", "B"]
    assert list(entry["params"]["no_labels"]) == []
    assert entry["params"]["table"] == {"a|b": "c"}
    assert entry["versions"] == versions()


def test_record_survives_zarr(adata: ad.AnnData, tmp_path: Path) -> None:
    pytest.importorskip("zarr")
    record(adata, "embed", PARAMS)
    adata.write_zarr(tmp_path / "a.zarr")
    assert ad.read_zarr(tmp_path / "a.zarr").uns["c2s"]["embed"]["params"]["text"] == "a/b"


def test_records_stand_side_by_side_and_a_new_one_replaces_the_old(adata: ad.AnnData) -> None:
    record(adata, "embed", {"layer": 1})
    record(adata, "annotate", {})
    record(adata, "embed", {"layer": 2})
    assert sorted(adata.uns["c2s"]) == ["annotate", "embed"]
    assert adata.uns["c2s"]["embed"]["params"]["layer"] == 2


def test_record_of_a_copy_does_not_reach_the_original(adata: ad.AnnData) -> None:
    record(adata, "embed", {})
    other = adata.copy()
    record(other, "annotate", {})
    assert "annotate" not in adata.uns["c2s"]


def test_versions_name_what_results_depend_on_without_importing_it() -> None:
    assert {"scc2s", "anndata", "scanpy", "numpy", "torch", "transformers"} <= set(versions())


def test_plain_keeps_what_files_hold() -> None:
    assert plain(1.5) == 1.5
    assert plain(True) is True
