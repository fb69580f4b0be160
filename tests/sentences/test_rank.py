from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sentence_cases import counts, names_of, plain_rank, rows_of

from scc2s.sentences import InvalidValuesError, rank
from scc2s.sentences._rank import Ranker

relaxed = settings(deadline=None, max_examples=40)


@given(counts(), st.one_of(st.none(), st.integers(1, 45)), st.integers(0, 5))
@relaxed
def test_agrees_with_the_rule_in_plain_python(X, n_genes, seed):
    names = names_of(X.shape[1])
    ranks = rank(X.astype(np.float32), n_genes, names=names, seed=seed)
    assert ranks.dtype == np.int32
    assert rows_of(ranks) == [plain_rank(row, names, n_genes, seed) for row in X]
    assert all((row[np.argmax(row < 0) :] < 0).all() for row in ranks if (row < 0).any())


@pytest.mark.parametrize("n_genes", [1, 37, 200, 1999, 2000, 5000, None])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_rows_agree_with_the_rule_in_plain_python(n_genes, dtype):
    rng = np.random.default_rng(0)
    X = sparse.random_array((5, 6000), density=1 / 3, rng=rng, dtype=np.float64, format="csr")
    X.data = np.ceil(np.exp(rng.exponential(0.8, X.nnz)) - 1).clip(1)
    X.data[X.indptr[1] : X.indptr[2]] = 1  # all tied
    X.data[X.indptr[2] : X.indptr[3]] = rng.uniform(0, 1e4, X.indptr[3] - X.indptr[2])  # none tied
    X.data[X.indptr[3] : X.indptr[4]] = 1 + rng.uniform(
        0, 1e-9, X.indptr[4] - X.indptr[3]
    )  # apart by less than float32 holds
    X = X.astype(dtype)
    names = names_of(X.shape[1])
    expected = [plain_rank(row, names, n_genes) for row in X.toarray()]
    assert rows_of(rank(X, n_genes, names=names)) == expected
    assert rows_of(rank(X.toarray(), n_genes, names=names)) == expected


@given(counts(), st.randoms(use_true_random=False))
@relaxed
def test_order_of_cells_and_genes_and_subsets_do_not_matter(X, random):
    names = np.array(names_of(X.shape[1]))
    cells, genes = list(range(X.shape[0])), list(range(X.shape[1]))
    random.shuffle(cells)
    random.shuffle(genes)
    cells = cells[: random.randint(0, len(cells))]
    whole = rank(X.astype(float), 20, names=names)
    part = rank(X.astype(float)[np.ix_(cells, genes)], 20, names=names[genes])
    assert [names[genes][row].tolist() for row in rows_of(part)] == [names[rows_of(whole)[i]].tolist() for i in cells]


@given(counts())
@relaxed
def test_counts_normalised_and_log_values_give_one_order(X):
    names = names_of(X.shape[1])
    scaled = (X / np.maximum(X.sum(axis=1, keepdims=True), 1) * 1e4).astype(np.float32)
    expected = rows_of(rank(X, names=names))
    for other in (X.astype(np.float32), scaled, np.log1p(scaled), np.log1p(scaled) / np.float32(np.log(10))):
        assert rows_of(rank(other, names=names)) == expected


@given(
    counts(),
    st.sampled_from(["csr", "csc", "coo", "lil", "dok"]),
    st.sampled_from([sparse.csr_matrix, sparse.csr_array]),
)
@relaxed
def test_formats_and_types_do_not_matter(X, fmt, container):
    names = names_of(X.shape[1])
    expected = rows_of(rank(X.astype(np.float64), 15, names=names))
    for dtype in (np.int16, np.uint16, np.int32, np.int64, np.float16, np.float32):
        assert rows_of(rank(X.astype(dtype), 15, names=names)) == expected
        if dtype != np.float16:  # scipy has none
            assert rows_of(rank(container(X.astype(dtype)).asformat(fmt), 15, names=names)) == expected
    assert rows_of(rank(np.asfortranarray(X, dtype=np.float32), 15, names=names)) == expected


@given(counts(), st.randoms(use_true_random=False))
@relaxed
def test_stored_zeros_unsorted_and_repeated_indices_do_not_matter(X, random):
    names = names_of(X.shape[1])
    coo = sparse.coo_array(X.astype(np.float64))
    entries = list(zip(*coo.coords, coo.data, strict=True))
    entries = [(r, c, v) for r, c, v in entries if v > 1] * 2 + [(r, c, 2 * v) for r, c, v in entries if v == 1]
    entries += [(r, c, 0.0) for r in range(X.shape[0]) for c in range(0, X.shape[1], 3)]
    random.shuffle(entries)
    entries.sort(key=lambda e: e[0])
    data = np.array([v for *_, v in entries], dtype=np.float64)
    indices = np.array([c for _, c, _ in entries], dtype=np.int32)
    indptr = np.searchsorted([r for r, *_ in entries], np.arange(X.shape[0] + 1)).astype(np.int32)
    messy = sparse.csr_matrix((data, indices, indptr), shape=X.shape)
    before = data.copy()
    assert rows_of(rank(messy, 15, names=names)) == rows_of(rank(2 * X, 15, names=names))
    np.testing.assert_array_equal(messy.data, before)


@pytest.mark.parametrize("n_jobs", [1, 2, 7, None])
def test_threads_runs_and_callers_do_not_matter(n_jobs):
    rng = np.random.default_rng(1)
    X = sparse.csr_matrix(rng.negative_binomial(0.3, 0.3, (5000, 60)).astype(np.float32))
    names = names_of(60)
    expected = rank(X, 20, names=names, n_jobs=1)
    for _ in range(3):
        np.testing.assert_array_equal(rank(X, 20, names=names, n_jobs=n_jobs), expected)
    with ThreadPoolExecutor(4) as pool:  # as dask calls it
        for ranks in pool.map(lambda _: rank(X, 20, names=names, n_jobs=n_jobs), range(8)):
            np.testing.assert_array_equal(ranks, expected)


def test_index_and_pointer_types_do_not_matter():
    X = sparse.csr_matrix(np.array([[0, 2, 5.0], [1, 0, 0]]))
    for index in (np.int32, np.int64):
        for pointer in (np.int32, np.int64):
            X.indices, X.indptr = X.indices.astype(index), X.indptr.astype(pointer)
            assert rank(X, names=list("ABC")).tolist() == [[2, 1], [0, -1]]


def test_ties_favour_no_gene():
    """In a cell where all genes are tied each gene is as likely as another to be in the first tenth."""
    rng = np.random.default_rng(0)
    X = (rng.random((3000, 100)) < 0.5).astype(np.float32)
    first = rank(X, 5, names=[f"{chr(65 + i // 4)}{i}" for i in range(100)])
    share = np.bincount(first.ravel(), minlength=100) / first.size
    assert 0.006 < share.min() <= share.max() < 0.014  # 0.01 +- 5 standard deviations


def test_another_seed_gives_another_order_of_ties_only():
    X = np.array([[1.0] * 30 + [2.0] * 30])
    a, b = (rank(X, names=names_of(60), seed=s)[0].tolist() for s in (0, 1))
    assert a != b
    assert set(a[:30]) == set(b[:30]) == set(range(30, 60))


def test_name_and_column_order_of_ties():
    X = np.array([[1.0, 1.0, 3.0, 1.0]])
    names = ["d", "A", "c", "b"]
    assert rank(X, names=names, tie_break="var_order").tolist() == [[2, 0, 1, 3]]
    assert rank(X, names=names, tie_break="name").tolist() == [[2, 1, 3, 0]]
    many = np.ones((1, 3000), dtype=np.float32)
    reversed_names = names_of(3000)[::-1]
    assert rank(many, 50, names=reversed_names, tie_break="var_order").tolist() == [list(range(50))]
    expected = sorted(range(3000), key=lambda i: reversed_names[i])[:50]
    assert rank(many, 50, names=reversed_names, tie_break="name").tolist() == [expected]


@given(counts(max_genes=15), st.data())
@relaxed
def test_genes_left_out_count_as_if_they_were_not_there(X, data):
    allowed = np.array(data.draw(st.lists(st.booleans(), min_size=X.shape[1], max_size=X.shape[1])))
    names = np.array(names_of(X.shape[1]))
    with_mask = rank(X, 10, names=names, allowed=allowed)
    without = rank(X[:, allowed], 10, names=names[allowed]) if allowed.any() else np.empty((len(X), 0), int)
    assert [names[r].tolist() for r in rows_of(with_mask)] == [names[allowed][r].tolist() for r in rows_of(without)]


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix, sparse.csc_matrix])
@pytest.mark.parametrize(
    ("bad", "message"),
    [(-1.0, "negative values"), (np.nan, "NaN or infinite"), (np.inf, "NaN or infinite"), (-np.inf, "NaN or infinite")],
)
def test_values_without_a_rank_are_refused(container, bad, message):
    X = np.ones((3, 4))
    X[1, 2] = bad
    with pytest.raises(InvalidValuesError, match=rf"{message}.* in 1 of 3 cells \(first: row 1\)"):
        rank(container(X), names=list("ABCD"))


def test_bad_values_of_genes_left_out_still_tell_of_scaled_data():
    with pytest.raises(InvalidValuesError, match="negative"):
        rank(np.array([[1.0, -1.0, 2.0]]), names=list("ABC"), allowed=np.array([True, False, True]))


def test_shapes_at_the_edge():
    assert rank(np.empty((0, 3)), 5, names=list("ABC")).shape == (0, 1)
    assert rank(np.zeros((2, 3)), names=list("ABC")).tolist() == [[-1], [-1]]
    assert rank(np.empty((2, 0)), names=[]).tolist() == [[-1], [-1]]
    assert rank(np.ones((1, 1)), 200, names=["A"]).tolist() == [[0]]


def test_wrong_arguments_say_what_to_pass():
    X = np.ones((1, 2))
    with pytest.raises(ValueError, match="pass one name a column"):
        rank(X, names=["A"])
    with pytest.raises(ValueError, match="pass 1 or more, or None"):
        rank(X, 0, names=["A", "B"])
    with pytest.raises(ValueError, match="pass 'hash', 'name' or 'var_order'"):
        rank(X, names=["A", "B"], tie_break="random")
    with pytest.raises(ValueError, match="pass one boolean a gene"):
        rank(X, names=["A", "B"], allowed=np.ones(3, bool))
    with pytest.raises(TypeError, match="dtype complex128"):
        rank(X.astype(complex), names=["A", "B"])


def test_global_random_state_is_untouched():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    rank(np.ones((5, 9)), names=names_of(9))
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_unsorted_indices_of_whole_matrices_are_ranked_as_they_stand(monkeypatch):
    """Products and transposes of sparse matrices are unsorted throughout, so they must not take the row-by-row path."""
    X = sparse.random_array((2000, 300), density=0.2, rng=np.random.default_rng(0), dtype=np.float32, format="csr")
    order = np.concatenate([np.arange(a, b)[::-1] for a, b in zip(X.indptr, X.indptr[1:], strict=False)])
    backwards = sparse.csr_array((X.data[order], X.indices[order], X.indptr), shape=X.shape)
    expected = rank(X, 20, names=names_of(300))
    monkeypatch.setattr(sparse.csr_matrix, "sum_duplicates", None)
    np.testing.assert_array_equal(rank(backwards, 20, names=names_of(300)), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
def test_minus_zero_is_zero(dtype, container):
    X = container(np.array([[1.0, 2.0, 3.0]], dtype=dtype))
    values = X if isinstance(X, np.ndarray) else X.data
    values.reshape(-1)[1] = -0.0
    assert rank(X, names=list("ABC")).tolist() == [[2, 0]]


@pytest.mark.parametrize("tie_break", ["hash", "name", "var_order"])
@pytest.mark.parametrize("n_genes", [1, 2, 199, 200, 201, 255])
def test_many_ties_at_the_end_of_the_sentence(tie_break, n_genes):
    """More tied genes than are looked at closely, some of the tie keys far from evenly spread."""
    rng = np.random.default_rng(0)
    X = np.ones((30, 4000), dtype=np.float32)
    X[:, 1000:] = rng.random((30, 3000)) < rng.random((30, 1))
    X[:, 3990:] = 2
    names = names_of(4000)
    found = rank(X, n_genes, names=names, tie_break=tie_break)
    order = {"name": np.argsort(np.argsort(np.array(names))), "var_order": np.arange(4000)}
    for row, values in zip(found.tolist(), X, strict=True):
        if tie_break == "hash":
            assert row == plain_rank(values, names, n_genes)
        else:
            expressed = np.flatnonzero(values)
            assert row == sorted(expressed, key=lambda g: (-values[g], order[tie_break][g]))[:n_genes]


def test_genes_whose_tie_keys_are_equal_too_are_ranked_once_each():
    X = np.ones((2, 900), dtype=np.float32)
    X[:, 890:] = 2
    found = rank(X, 40, names=["A"] * 900)
    assert all(len(set(row)) == 40 and set(range(890, 900)) <= set(row) for row in found.tolist())


def test_work_after_the_ranking_gets_every_row_once():
    X = np.random.default_rng(0).poisson(1.0, (5000, 30)).astype(np.float32)
    names = names_of(30)
    for matrix in (X, sparse.csr_matrix(X), sparse.csc_matrix(X)):
        seen = {}

        def keep(first, rows, seen=seen):
            seen[first] = rows.copy()

        ranks = Ranker(names, n_jobs=3)(matrix, 5, then=keep)
        np.testing.assert_array_equal(np.vstack([seen[first] for first in sorted(seen)]), ranks)


def test_values_of_one_gene_whose_sum_is_too_large_are_refused():
    X = sparse.csr_matrix((np.float32([3e38, 1, 3e38]), [0, 1, 0], [0, 3]), shape=(1, 2))
    with pytest.raises(InvalidValuesError, match="NaN or infinite values in 1 of 1 cells"), np.errstate(over="ignore"):
        rank(X, names=["A", "B"])


@pytest.mark.parametrize("n_genes", [2.5, "5", True, np.nan])
def test_a_length_that_is_not_a_whole_number_is_refused(n_genes):
    with pytest.raises(TypeError, match="pass a whole number"):
        rank(np.ones((2, 3)), n_genes, names=["A", "B", "C"])
