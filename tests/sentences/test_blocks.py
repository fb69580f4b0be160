from __future__ import annotations

import time

import anndata as ad
import h5py
import numpy as np
import pytest
from scipy import sparse
from sentence_cases import adata_of, names_of

import scc2s
from scc2s._cells.rows import row_blocks
from scc2s.sentences import RankFit, rank
from scc2s.sentences._blocks import refuse_damaged, row_parts


def clean(fmt: str = "csr", container: str = "matrix") -> sparse.csr_matrix:
    X = sparse.random_array((60, 40), density=0.3, rng=np.random.default_rng(0), dtype=np.float32)
    X = X.asformat(fmt)
    return X if container == "array" else getattr(sparse, f"{fmt}_matrix")(X)


def set_at(name: str, at: int, value: int):
    def damage(X: sparse.csr_matrix) -> None:
        array = getattr(X, name).copy()
        array[at] = value
        setattr(X, name, array)

    return damage


def cut(name: str, by: int):
    def damage(X: sparse.csr_matrix) -> None:
        setattr(X, name, getattr(X, name)[:-by].copy())

    return damage


def pointers_too_many(X: sparse.csr_matrix) -> None:
    X.indptr = np.append(X.indptr, X.indptr[-1])


def pointers_as_numbers(X: sparse.csr_matrix) -> None:
    X.indptr = X.indptr.astype(np.float64)


def indices_as_numbers(X: sparse.csr_matrix) -> None:
    X.indices = X.indices.astype(np.float32)


DAMAGES = {
    "index just outside": set_at("indices", 100, 60),
    "index far outside": set_at("indices", 100, 2**31 - 1),
    "index in the last place": set_at("indices", -1, 1_000_000),
    "negative index": set_at("indices", 100, -1),
    "very negative index": set_at("indices", 0, -(2**31)),
    "falling pointer": set_at("indptr", 10, 0),
    "pointer that leaps": set_at("indptr", 10, 10_000_000),
    "negative pointer": set_at("indptr", 1, -5),
    "pointers do not begin at 0": set_at("indptr", 0, 3),
    "last pointer beyond the values": set_at("indptr", -1, 10_000_000),
    "pointers too few": cut("indptr", 5),
    "pointers too many": pointers_too_many,
    "pointers are not integers": pointers_as_numbers,
    "indices are not integers": indices_as_numbers,
    "values too few": cut("data", 100),
    "indices too few": cut("indices", 100),
    "values and indices too few": lambda X: (cut("data", 9)(X), cut("indices", 9)(X)),
}


def damaged(name: str, fmt: str = "csr", container: str = "matrix", index: type = np.int32) -> sparse.csr_matrix:
    X = clean(fmt, container)
    X.indices, X.indptr = X.indices.astype(index), X.indptr.astype(index)
    DAMAGES[name](X)
    return X


@pytest.mark.parametrize("fmt", ["csr", "csc"])
@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_matrix_is_refused_before_compiled_code_reads_it(name, fmt):
    for container in ("matrix", "array"):
        for index in (np.int32, np.int64):
            X = damaged(name, fmt, container, index)
            for use in (
                lambda X=X: rank(X, 10, names=names_of(40)),
                lambda X=X: rank(X, names=names_of(40)),
                lambda X=X: RankFit.fit(X),
                lambda X=X: list(row_parts(X, 7)),
                lambda X=X: list(row_blocks(X)),
                lambda X=X: scc2s.programs.score(X, [0, 1, 2]),
            ):
                with pytest.raises(ValueError, match=r"the sparse matrix is damaged: .*; read the file again"):
                    use()


@pytest.mark.parametrize("name", ["index far outside", "falling pointer", "negative index", "indices too few"])
def test_public_functions_refuse_it_and_change_nothing(name):
    adata = adata_of(clean())
    adata.X.sort_indices()
    DAMAGES[name](adata.X)
    for call in (scc2s.pp.sentences, scc2s.pp.rank_fit, scc2s.pp.check):
        with pytest.raises(ValueError, match="the sparse matrix is damaged"):
            call(adata)
    assert list(adata.obs) == []
    assert "c2s" not in adata.uns


@pytest.mark.parametrize("fmt", ["csr", "csc"])
@pytest.mark.parametrize("name", ["index far outside", "negative index", "falling pointer", "values too few"])
def test_so_is_one_on_disk(tmp_path, name, fmt):
    adata_of(clean(fmt)).write_h5ad(tmp_path / "cells.h5ad")
    X = damaged(name, fmt)
    with h5py.File(tmp_path / "cells.h5ad", "r+") as file:
        for part in ("data", "indices", "indptr"):
            attributes = dict(file["X"][part].attrs)
            del file["X"][part]
            file["X"][part] = getattr(X, part)
            file["X"][part].attrs.update(attributes)
    adata = ad.read_h5ad(tmp_path / "cells.h5ad", backed="r")
    with pytest.raises(ValueError, match="the sparse matrix is damaged"):
        scc2s.pp.sentences(adata)


def test_so_is_a_chunk_of_dask():
    da = pytest.importorskip("dask.array")
    X = da.concatenate([da.from_array(clean(), chunks=(60, 40)), da.from_array(damaged("negative index"), (60, 40))])
    with pytest.raises(ValueError, match="the sparse matrix is damaged"):
        list(row_blocks(X))


def test_so_are_single_entries_outside():
    X = sparse.coo_matrix(clean())
    X.row = X.row.copy()
    X.row[3] = 60
    with pytest.raises(ValueError, match="an index is 60, where 0 to 59 are allowed"):
        rank(X, names=names_of(40))


@pytest.mark.parametrize("fmt", ["csr", "csc", "coo", "bsr", "lil", "dia", "dok"])
@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (5, 0), (5, 5)])
def test_empty_and_unusual_matrices_are_fine(fmt, shape):
    X = sparse.coo_matrix(shape, dtype=np.float32).asformat(fmt)
    refuse_damaged(X)
    assert sum(part.shape[0] for _, part in row_parts(X)) == shape[0]


def test_room_after_the_last_value_is_fine():
    X = clean()
    before = rank(X, names=names_of(40))
    X.data, X.indices = np.append(X.data, np.float32(np.nan)), np.append(X.indices, np.int32(10_000))
    np.testing.assert_array_equal(rank(X, names=names_of(40)), before)


def test_repeated_indices_are_summed_as_scipy_does():
    X = sparse.csr_matrix((np.float32([1, 2, 2]), [0, 1, 0], [0, 3]), shape=(1, 2))
    assert rank(X, names=["A", "B"]).tolist() == [[0, 1]]
    assert X.nnz == 3


@pytest.mark.slow
def test_looking_costs_little_beside_ranking():
    X = sparse.random_array((4000, 20_000), density=0.1, rng=np.random.default_rng(0), dtype=np.float32, format="csr")

    def seconds(function):
        times = []
        for _ in range(5):
            start = time.process_time()
            function()
            times.append(time.process_time() - start)
        return min(times)

    assert seconds(lambda: refuse_damaged(X)) < 0.1 * seconds(lambda: rank(X, 200, names=names_of(20_000), n_jobs=1))
