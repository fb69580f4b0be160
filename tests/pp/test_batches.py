from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from mudata import MuData
from scipy import sparse

import scc2s

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore:Writing zarr v2 data")


@pytest.fixture
def adata() -> AnnData:
    rng = np.random.default_rng(0)
    X = rng.poisson(0.7, (150, 40)).astype(np.float32)
    obs = pd.DataFrame(
        {"cell_type": pd.Categorical(rng.choice(["B cell", "T cell"], 150)), "depth": X.sum(1)},
        index=[f"c{i}" for i in range(150)],
    )
    out = AnnData(sparse.csr_matrix(X), obs=obs, var=pd.DataFrame(index=[f"GENE{i}" for i in range(40)]))
    out.layers["counts"] = out.X.copy()
    out.X = out.X.log1p()
    return out


def together(batches: Any) -> tuple[np.ndarray, pd.DataFrame]:
    some = list(batches)
    return np.vstack([batch.X.toarray() for batch in some]), pd.concat([batch.obs for batch in some])


def written(adata: AnnData, folder: Path, kind: str) -> Any:
    if kind == "memory":
        return adata
    if kind == "zarr":
        adata.write_zarr(folder / "a.zarr")
        return folder / "a.zarr"
    adata.write_h5ad(folder / "a.h5ad")
    return ad.read_h5ad(folder / "a.h5ad", backed="r") if kind == "backed" else str(folder / "a.h5ad")


@pytest.mark.parametrize("kind", ["memory", "backed", "h5ad", "zarr"])
@pytest.mark.parametrize(
    "form", [sparse.csr_matrix, sparse.csc_matrix, lambda X: X.toarray()], ids=["csr", "csc", "dense"]
)
def test_cells_come_in_order_wherever_they_are_kept(adata: AnnData, tmp_path: Path, kind: str, form: Any) -> None:
    expected = adata.layers["counts"].toarray()
    adata.layers["counts"] = form(adata.layers["counts"])
    batches = scc2s.pp.batches(
        written(adata, tmp_path, kind), layer="counts", obs=["cell_type"], batch_size=64, organism="human"
    )
    found, obs = together(batches)
    assert (found == expected).all()
    assert obs.index.tolist() == adata.obs_names.tolist()
    assert obs["cell_type"].astype(str).tolist() == adata.obs["cell_type"].astype(str).tolist()
    assert set(obs["organism"]) == {"Homo sapiens"}
    assert set(obs) == {"cell_type", "organism"}
    for row in (0, 63, 64, 149, 150):
        rest = list(batches.starting_at(row))
        assert sum(len(batch.obs) for batch in rest) == 150 - row
        if rest:
            assert (together(rest)[0] == expected[row:]).all()
    assert {batch.study for batch in batches} == {"a" if kind in ("h5ad", "zarr") else None}


@pytest.mark.parametrize("kind", ["memory", "backed", "h5ad", "zarr"])
def test_raw_is_taken_where_it_is_there_as_elsewhere(adata: AnnData, tmp_path: Path, kind: str) -> None:
    adata.raw = adata.copy()
    adata = adata[:, 5:25].copy()
    source = written(adata, tmp_path, kind)
    whole = scc2s.pp.batches(source, obs=[], organism="human")
    assert whole.names == [f"GENE{i}" for i in range(40)]
    assert np.array_equal(together(whole)[0], adata.raw.X.toarray())
    part = scc2s.pp.batches(source, obs=[], use_raw=False, organism="human")
    assert part.names == adata.var_names.tolist()
    assert np.array_equal(together(part)[0], adata.X.toarray())


def test_genes_are_named_left_out_and_merged_as_in_sentences(adata: AnnData) -> None:
    adata.var["symbol"] = ["", "Twice", "Twice", *[f"Gene{i}" for i in range(3, 40)]]
    adata.var["feature_types"] = ["Gene Expression"] * 39 + ["Antibody Capture"]
    given = {"layer": "counts", "gene_symbols": "symbol", "upper": True, "organism": "human"}
    with pytest.raises(ValueError, match="on_duplicate='max'"):
        scc2s.pp.batches(adata, **given)
    batches = scc2s.pp.batches(adata, **given, on_duplicate="sum")
    X = adata.layers["counts"].toarray()
    names = ["TWICE", *[f"GENE{i}" for i in range(3, 39)]]
    assert batches.names == names
    assert (together(batches)[0] == np.column_stack([X[:, 1] + X[:, 2], X[:, 3:39]])).all()


def test_an_order_of_chance_is_one_of_the_same_cells_and_can_begin_anywhere(adata: AnnData) -> None:
    plain = together(scc2s.pp.batches(adata, batch_size=32))
    mixed = scc2s.pp.batches(adata, batch_size=32, shuffle=True, random_state=1)
    X, obs = together(mixed)
    assert obs.index.tolist() != plain[1].index.tolist()
    at = plain[1].index.get_indexer(obs.index)
    assert sorted(at) == list(range(150))
    assert (plain[0][at] == X).all()
    assert together(mixed.starting_at(45))[1].index.tolist() == obs.index.tolist()[45:]
    assert (
        together(scc2s.pp.batches(adata, batch_size=32, shuffle=True, random_state=2))[1].index.tolist()
        != obs.index.tolist()
    )


def test_the_organism_is_what_the_data_says(adata: AnnData, tmp_path: Path) -> None:
    adata.uns["organism"] = "mouse"
    for kind in ("memory", "h5ad"):
        assert {*together(scc2s.pp.batches(written(adata, tmp_path, kind)))[1]["organism"]} == {"Mus musculus"}
    adata.obs["organism"] = ["NCBITaxon:9606"] * 75 + ["mouse"] * 75
    found = together(scc2s.pp.batches(written(adata, tmp_path, "zarr"), batch_size=50))[1]["organism"]
    assert found.tolist() == ["Homo sapiens"] * 75 + ["Mus musculus"] * 75


def test_nothing_is_written(adata: AnnData) -> None:
    before = adata.copy()
    for batch in scc2s.pp.batches(adata, organism="human"):
        batch.obs["mine"] = 1
    assert adata.obs.equals(before.obs)
    assert (adata.X != before.X).nnz == 0


def test_a_modality(adata: AnnData) -> None:
    assert scc2s.pp.batches(MuData({"rna": adata, "adt": adata[:, :3].copy()}), organism="human").n_obs == 150


def test_what_cannot_be_read_is_named(adata: AnnData, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no"):
        scc2s.pp.batches(tmp_path / "none.h5ad")
    (tmp_path / "text.h5ad").write_text("no")
    with pytest.raises(ValueError, match="cannot be read.*write_h5ad"):
        scc2s.pp.batches(tmp_path / "text.h5ad")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="not a Zarr store"):
        scc2s.pp.batches(tmp_path / "empty")
    MuData({"rna": adata}).write_h5mu(tmp_path / "a.h5mu")
    with pytest.raises(ValueError, match="is a MuData"):
        scc2s.pp.batches(tmp_path / "a.h5mu")
    path = written(adata, tmp_path, "h5ad")
    for source in (adata, path):
        with pytest.raises(KeyError, match="no column 'tissue'"):
            scc2s.pp.batches(source, obs=["tissue"])
        with pytest.raises(KeyError, match="there is no layer 'x'"):
            scc2s.pp.batches(source, layer="x")
        with pytest.raises(KeyError, match=r"adata.raw is not set"):
            scc2s.pp.batches(source, use_raw=True)
    with pytest.raises(ValueError, match="no cells"):
        scc2s.pp.batches(adata[:0])
    with pytest.raises(ValueError, match="leave shuffle= out"):
        adata.layers["counts"] = adata.layers["counts"].tocsc()
        scc2s.pp.batches(adata, layer="counts", shuffle=True)


def test_of_a_file_only_what_is_asked_for_is_in_memory(adata: AnnData, tmp_path: Path) -> None:
    adata.obsm["X_large"] = np.zeros((150, 3))
    adata.obs["other"] = "x"
    path = written(adata, tmp_path, "h5ad")
    from scc2s._cells.stored import open_stored

    opened = open_stored(path, layer="counts", columns=["cell_type"])
    assert list(opened.obs) == ["cell_type"]
    assert not opened.obsm
    assert not sparse.issparse(opened.X)
    assert not sparse.issparse(opened.layers["counts"])
