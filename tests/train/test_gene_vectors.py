"""Start values of gene embeddings: the decomposition of dense, standardised cells, without making them dense."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from scipy import sparse

from scc2s import train


def dense(studies: list[tuple[np.ndarray, list[str]]], genes: list[str], n: int) -> np.ndarray:
    blocks = []
    for X, names in studies:
        block = np.zeros((len(X), len(genes)))
        for j, name in enumerate(names):
            if name in genes:
                x = X[:, j]
                block[:, genes.index(name)] = np.clip((x - x.mean()) / max(x.std(), 0.2), -3, 6)
        blocks.append(block)
    _, size, vt = np.linalg.svd(np.concatenate(blocks), full_matrices=False)
    found = (vt[:n] * np.sqrt(size[:n])[:, None]).T
    return found / np.sqrt((found**2).mean())


def studies() -> list[tuple[np.ndarray, list[str]]]:
    rng = np.random.default_rng(0)
    kind = rng.random(60)[:, None]
    first = np.log1p(rng.poisson(3 * kind * np.array([2, 2, 0, 0, 1, 1]) + 0.4)) * 0.9
    second = rng.gamma(1.0, size=(40, 4)) * (rng.random((40, 4)) < 0.5)
    return [(first, ["A", "B", "C", "D", "E", "F"]), (second, ["C", "X", "A", "G"])]


def test_it_is_the_decomposition_of_the_dense_cells() -> None:
    genes = ["A", "B", "C", "D", "E", "G"]
    want = dense(studies(), genes, 4)
    for kind in (np.asarray, sparse.csr_matrix):
        found = train.gene_vectors([(kind(X), names) for X, names in studies()], genes, n=4)
        assert found.index.tolist() == genes
        sign = np.sign((want * found.to_numpy()).sum(axis=0))
        np.testing.assert_allclose(found * sign, want, atol=1e-5)
        assert (found**2).to_numpy().mean() == pytest.approx(1, abs=1e-5)
        assert (found.max() >= -found.min()).all()


def test_counts_are_brought_to_logarithms_and_data_stay_as_they_are() -> None:
    counts = np.random.default_rng(1).poisson(2, size=(30, 5)).astype(np.float32)
    names = list("ABCDE")
    logs = np.log1p(counts / counts.sum(axis=1, keepdims=True) * 1e4)
    given = sparse.csr_matrix(counts)
    pd.testing.assert_frame_equal(
        train.gene_vectors([(given, names)], names, n=3), train.gene_vectors([(logs, names)], names, n=3), atol=1e-4
    )
    assert (given.toarray() == counts).all()


def test_there_are_no_more_numbers_than_cells_and_genes_tell() -> None:
    first = studies()[:1]
    assert train.gene_vectors(first, ["A", "B", "C"], n=64).shape == (3, 2)


@pytest.mark.parametrize(
    ("given", "genes", "said"),
    [
        ([], ["A", "B"], "there are no cells"),
        ([(np.ones((0, 2)), ["A", "B"])], ["A", "B"], "there are no cells"),
        ([(np.eye(3), ["A", "B", "C"])], ["x", "y"], "none of the 2 genes"),
        ([(-np.eye(3), ["A", "B", "C"])], ["A", "B"], "negative or not finite"),
        ([(np.full((3, 2), np.nan), ["A", "B"])], ["A", "B"], "negative or not finite"),
        ([(np.eye(3), ["A", "B", "C"])], ["A"], "have no vectors"),
    ],
)
def test_what_has_no_vectors_is_refused(given: list, genes: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        train.gene_vectors(given, genes)


def test_markers_of_one_cell_type_are_near_each_other() -> None:
    raw = sc.datasets.pbmc68k_reduced().raw
    genes = ["CD79A", "CD79B", "MS4A1", "LYZ", "S100A8", "S100A9", "NKG7", "GNLY", "PRF1", "CST3"]
    found = train.gene_vectors([(raw.X, raw.var_names)], genes, n=6)
    unit = found.to_numpy() / np.linalg.norm(found, axis=1, keepdims=True)
    near = unit @ unit.T
    np.fill_diagonal(near, -1)
    nearest = {gene: genes[i] for gene, i in zip(genes, near.argmax(axis=1), strict=True)}
    assert nearest["CD79A"] in ("CD79B", "MS4A1")
    assert nearest["S100A8"] in ("S100A9", "LYZ")
    assert nearest["NKG7"] in ("GNLY", "PRF1")


def test_a_new_model_begins_with_them() -> None:
    tokenizer = train.gene_tokenizer(["A", "B", "C"], ["x"], n_pieces=280)
    found = train.gene_vectors(studies()[:1], ["A", "C"], n=1)
    model = train.new_model(tokenizer, n_layers=1, width=32, vectors=found)
    plain = train.new_model(tokenizer, n_layers=1, width=32)
    ids = tokenizer.convert_tokens_to_ids(["ĠA", "ĠC"])
    weight, other = (m.get_input_embeddings().weight.detach().numpy() for m in (model, plain))
    np.testing.assert_allclose(weight[ids, 0], 0.03 * found[0], rtol=1e-6)
    weight[ids, 0] = other[ids, 0] = 0
    np.testing.assert_array_equal(weight, other)
    with pytest.raises(ValueError, match="1 genes with vectors have no token, e.g. 'F'"):
        train.new_model(tokenizer, vectors=train.gene_vectors(studies()[:1], ["A", "F"], n=1))
    with pytest.raises(ValueError, match=r"gene_vectors\(n=2\)"):
        train.new_model(tokenizer, width=2, n_heads=1, vectors=pd.DataFrame(np.ones((1, 3)), index=["A"]))
    with pytest.raises(ValueError, match="dropout=1 is no share"):
        train.new_model(tokenizer, dropout=1)
