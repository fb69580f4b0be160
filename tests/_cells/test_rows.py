from __future__ import annotations

import anndata as ad
import dask.array as da
import h5py
import numpy as np
import pytest
import zarr
from scipy import sparse
from sentence_cases import adata_of

from scc2s._cells.rows import row_blocks

X = sparse.random_array((50, 23), density=0.3, rng=np.random.default_rng(0), dtype=np.float32, format="csr")
X = sparse.csr_matrix(X)


def put_together(blocks, n_rows=50):
    out, expected_start = [], 0
    for start, block in blocks:
        assert start == expected_start
        assert isinstance(block, np.ndarray) or block.format == "csr"
        expected_start += block.shape[0]
        out.append(block if isinstance(block, np.ndarray) else block.toarray())
    assert expected_start == n_rows
    return np.vstack(out) if out else np.empty((0, 23))


@pytest.mark.parametrize("size", [1, 7, 50, 1000])
@pytest.mark.parametrize("fmt", ["csr", "csc", "coo", "dense", "fortran"])
def test_in_memory(fmt, size):
    matrix = {"dense": X.toarray(), "fortran": np.asfortranarray(X.toarray())}.get(fmt)
    matrix = X.asformat(fmt) if matrix is None else matrix
    blocks = list(row_blocks(matrix, size))
    assert max(b.shape[0] for _, b in blocks) <= size
    np.testing.assert_array_equal(put_together(blocks), X.toarray())


def test_csr_and_dense_are_not_copied():
    assert all(np.shares_memory(b.data, X.data) for _, b in row_blocks(X, 7))
    dense = X.toarray()
    assert all(np.shares_memory(b, dense) for _, b in row_blocks(dense, 7))


@pytest.mark.parametrize("fmt", ["csr", "csc", "dense"])
def test_on_disk(tmp_path, fmt):
    matrix = X.toarray() if fmt == "dense" else X.asformat(fmt)
    adata_of(matrix).write_h5ad(tmp_path / "a.h5ad")
    backed = ad.read_h5ad(tmp_path / "a.h5ad", backed="r")
    np.testing.assert_array_equal(put_together(row_blocks(backed.X, 7)), X.toarray())


def test_column_compressed_on_disk_is_never_read_whole(tmp_path, monkeypatch):
    monkeypatch.setattr("scc2s._cells.rows._ON_DISK", 10)
    adata_of(X.tocsc()).write_h5ad(tmp_path / "a.h5ad")
    backed = ad.read_h5ad(tmp_path / "a.h5ad", backed="r")
    blocks = list(row_blocks(backed.X))
    assert len(blocks) == 5
    np.testing.assert_array_equal(put_together(blocks), X.toarray())


def test_plain_hdf5_and_zarr_arrays(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("x", data=X.toarray(), chunks=(10, 5))
        np.testing.assert_array_equal(put_together(row_blocks(data, 7)), X.toarray())
    array = zarr.create_array(tmp_path / "a.zarr", data=X.toarray(), chunks=(10, 5))
    np.testing.assert_array_equal(put_together(row_blocks(array, 7)), X.toarray())


@pytest.mark.parametrize("chunks", [(50, 23), (7, 23), (7, 5)])
def test_dask_of_dense_and_sparse_chunks(chunks):
    dense = da.from_array(X.toarray(), chunks=chunks)
    np.testing.assert_array_equal(put_together(row_blocks(dense, 4)), X.toarray())
    if chunks[1] == 23:
        np.testing.assert_array_equal(put_together(row_blocks(dense.map_blocks(sparse.csr_matrix), 4)), X.toarray())


def test_no_rows():
    for matrix in (X[:0], X[:0].toarray(), X[:0].tocsc(), da.from_array(X[:0].toarray())):
        assert sum(b.shape[0] for _, b in row_blocks(matrix)) == 0


def test_other_types_are_refused():
    with pytest.raises(TypeError, match="cannot read a matrix of type list"):
        list(row_blocks([[1.0]]))
