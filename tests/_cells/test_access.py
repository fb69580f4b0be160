from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from mudata import MuData
from scipy import sparse
from sentence_cases import adata_of

from scc2s._cells.access import expression, get_adata, get_sentences, refuse_unwritable, sentence_slots

X = np.array([[1.0, 0, 3], [0, 2, 0]], dtype=np.float32)


def whole(expressed):
    parts = [block for _, block in expressed.blocks()]
    return np.vstack([p if isinstance(p, np.ndarray) else p.toarray() for p in parts])


def test_modality_of_a_mudata():
    rna, protein = adata_of(X), adata_of(X[:, :2])
    both = MuData({"rna": rna, "prot": protein})
    assert get_adata(rna) is rna
    assert get_adata(both) is both.mod["rna"]
    assert get_adata(both, "prot") is both.mod["prot"]
    with pytest.raises(KeyError, match="no modality 'atac'; pass mod= one of 'rna', 'prot'"):
        get_adata(both, "atac")
    with pytest.raises(TypeError, match="not str; read a file with scanpy.read_h5ad"):
        get_adata("pbmc.h5ad")


def test_raw_comes_first_then_X_unless_a_layer_is_named():
    adata = adata_of(X, layers={"l": X * 3})
    assert expression(adata).source == "X"
    adata.raw = adata_of(X * 2)
    for arguments, source, factor in [
        ({}, "raw.X", 2),
        ({"use_raw": True}, "raw.X", 2),
        ({"use_raw": False}, "X", 1),
        ({"layer": "l"}, "layers['l']", 3),
        ({"layer": "l", "use_raw": False}, "layers['l']", 3),
    ]:
        expressed = expression(adata, **arguments)
        assert expressed.source == source
        np.testing.assert_array_equal(whole(expressed), X * factor)


def test_a_matrix_that_is_not_there_is_named():
    adata = adata_of(X)
    with pytest.raises(KeyError, match=r"no layer 'l'; pass layer= one of \[None\]"):
        expression(adata, layer="l")
    with pytest.raises(KeyError, match=r"raw is not set; pass use_raw=False"):
        expression(adata, use_raw=True)
    with pytest.raises(ValueError, match="exclude each other"):
        expression(adata_of(X, layers={"l": X}), layer="l", use_raw=True)
    with pytest.raises(KeyError, match=r"X is not set; pass layer= one of \['l'\]"):
        expression(ad.AnnData(layers={"l": X}))


def test_views_give_their_own_rows_and_genes():
    adata = adata_of(X, layers={"l": X * 3})
    adata.raw = adata.copy()
    view = adata[[1, 0], ["G2", "G0"]]
    np.testing.assert_array_equal(whole(expression(view, use_raw=False)), X[[1, 0]][:, [2, 0]])
    np.testing.assert_array_equal(whole(expression(view, layer="l")), 3 * X[[1, 0]][:, [2, 0]])
    np.testing.assert_array_equal(whole(expression(view)), X[[1, 0]])
    assert expression(view, use_raw=False).names == ["G2", "G0"]
    assert view.is_view


def test_symbols_from_a_column_and_genes_without_one():
    adata = adata_of(X)
    adata.var["symbol"] = pd.Categorical(["CD3D", None, "LYZ"])
    expressed = expression(adata, gene_symbols="symbol")
    assert [n for n, a in zip(expressed.names, expressed.allowed, strict=True) if a] == ["CD3D", "LYZ"]
    with pytest.raises(KeyError, match="var has no column 'symbols'; pass one of 'symbol'"):
        expression(adata, gene_symbols="symbols")
    adata.raw = adata_of(X)
    with pytest.raises(KeyError, match=r"column of adata.var, but not of adata.raw.var; pass use_raw=False"):
        expression(adata, gene_symbols="symbol")


def test_duplicates_are_refused_or_merged():
    adata = adata_of(sparse.csr_matrix(np.array([[1.0, 5, 3, 0], [0, 2, 0, 7]])))
    adata.var_names = ["A", "B", "A", "C"]
    with pytest.raises(ValueError, match=r"more than one gene: A; pass on_duplicate='max'"):
        expression(adata)
    for how, expected in {"max": [[3, 5, 0], [0, 2, 7]], "sum": [[4, 5, 0], [0, 2, 7]]}.items():
        for matrix in (adata.X, adata.X.toarray(), adata.X.tocsc()):
            adata.X = matrix
            expressed = expression(adata, on_duplicate=how)
            assert expressed.names == ["A", "B", "C"]
            np.testing.assert_array_equal(whole(expressed), expected)
    with pytest.raises(ValueError, match="pass 'error', 'max' or 'sum'"):
        expression(adata, on_duplicate="mean")


def test_merging_counts_repeated_entries_once_each():
    repeated = sparse.csr_matrix(([1.0, 2, 4], [0, 0, 2], [0, 3]), shape=(1, 3))
    adata = adata_of(repeated)
    adata.var_names = ["A", "B", "A"]
    np.testing.assert_array_equal(whole(expression(adata, on_duplicate="max")), [[4, 0]])
    np.testing.assert_array_equal(whole(expression(adata, on_duplicate="sum")), [[7, 0]])
    assert repeated.nnz == 3


def test_merging_of_no_cells_and_empty_cells():
    for rows in (0, 2):
        adata = adata_of(np.zeros((rows, 3)))
        adata.var_names = ["A", "B", "A"]
        parts = [b.toarray() for _, b in expression(adata, on_duplicate="max").blocks()]
        assert sum(len(p) for p in parts) == rows
        assert not any(p.any() for p in parts)


def test_a_duplicate_that_is_left_out_is_no_duplicate():
    adata = adata_of(X)
    adata.var_names = ["A", "B", "A"]
    expressed = expression(adata, var_mask=np.array([True, True, False]))
    assert expressed.allowed.tolist() == [True, True, False]


def test_case_collisions_matter_only_in_capitals():
    adata = adata_of(X)
    adata.var_names = ["Sod1", "SOD1", "Lyz"]
    assert expression(adata).names == ["Sod1", "SOD1", "Lyz"]
    with pytest.raises(ValueError, match="after upper-casing: SOD1"):
        expression(adata, upper=True)
    assert expression(adata, upper=True, on_duplicate="max").names == ["SOD1", "LYZ"]


def test_genes_can_be_left_out():
    adata = adata_of(X)
    adata.var["keep"] = [True, False, True]
    assert expression(adata).allowed is None
    assert expression(adata, exclude=["G0", "nothing"]).allowed.tolist() == [False, True, True]
    assert expression(adata, exclude="G0").allowed.tolist() == [False, True, True]
    assert expression(adata, exclude=iter(["g1"])).allowed is None
    assert expression(adata, var_mask="keep").allowed.tolist() == [True, False, True]
    assert expression(adata, var_mask="keep", exclude=["G0"]).allowed.tolist() == [False, False, True]
    assert expression(adata, var_mask=adata.var["keep"]).allowed.tolist() == [True, False, True]
    with pytest.raises(KeyError, match="var has no column 'highly_variable'"):
        expression(adata, var_mask="highly_variable")
    with pytest.raises(ValueError, match=r"dtype int64 and shape \(2,\); pass one boolean for each of the 3 genes"):
        expression(adata, var_mask=np.array([0, 1]))


def test_a_mask_of_var_applies_to_the_genes_of_raw_by_name():
    adata = adata_of(X)
    adata.raw = adata.copy()
    adata = adata[:, ["G2", "G1"]].copy()
    adata.var["highly_variable"] = [True, False]
    assert expression(adata, var_mask="highly_variable").allowed.tolist() == [False, False, True]


def test_excluded_by_the_symbol_they_stand_as():
    adata = adata_of(X)
    adata.var["symbol"] = ["mt-Nd1", "Cd3d", "Lyz"]
    assert expression(adata, gene_symbols="symbol", upper=True, exclude=["MT-ND1"]).allowed.tolist() == [
        False,
        True,
        True,
    ]


@pytest.mark.parametrize(
    "ids",
    [
        ["ENSG00000167286", "ENSG00000121410.11", "CD3D"],
        ["ENSMUSG00000064370", "ENSMUSG00000064368", "mt-Nd6"],
        ["WBGene00000001", "WBGene00000002", "aap-1"],
        ["914", "915", "CD3D"],
    ],
)
def test_database_ids_are_refused_on_a_share_of_names_with_the_column_to_pass(ids):
    adata = adata_of(X)
    adata.var_names = ids[::-1]  # the first is a symbol
    with pytest.raises(ValueError, match=r"67% of the gene names are database ids.*pass gene_symbols= the column"):
        expression(adata)
    adata.var["length"] = [1000, 2000, 3000]
    adata.var["gene_ids"] = ids
    adata.var["feature_name"] = ["CD3D", "LYZ", "NKG7"]
    with pytest.raises(ValueError, match=r"pass gene_symbols='feature_name'"):
        expression(adata)
    assert expression(adata, gene_symbols="feature_name").names == ["CD3D", "LYZ", "NKG7"]


def test_a_few_ids_among_symbols_are_let_through(caplog):
    adata = adata_of(np.ones((1, 10)))
    adata.var_names = ["ENSG00000290825", *adata.var_names[1:]]
    assert len(expression(adata).names) == 10
    assert "10 % of the gene names are database ids (such as ENSG00000290825)" in caplog.text


@pytest.mark.parametrize("dtype", ["object", "category", "string"])
def test_sentences_are_read_from_any_text_column(dtype):
    adata = adata_of(X)
    adata.obs["c2s_sentence"] = pd.Series(["A B", ""], index=adata.obs_names, dtype=dtype)
    assert get_sentences(adata) == ["A B", ""]
    adata.obs["c2s_sentence"] = pd.Series(["A B", None], index=adata.obs_names, dtype=dtype)
    assert get_sentences(adata) == ["A B", ""]


def test_sentences_are_written_out_from_ranks():
    adata = adata_of(X)
    adata.obsm["top5_ranks"] = np.array([[1, 0], [-1, -1]], dtype=np.int32)
    adata.uns["c2s"] = {sentence_slots("top5_sentence").record: {"genes": np.array(["A", "B"], dtype=object)}}
    assert get_sentences(adata, "top5_sentence") == ["B A", ""]


def test_missing_sentences_say_what_to_call():
    with pytest.raises(KeyError, match=r"call sc.pp.c2s_sentences\(adata\) first"):
        get_sentences(adata_of(X))
    with pytest.raises(KeyError, match=r"c2s_sentences\(adata, key_added='top5_sentence'\)"):
        get_sentences(adata_of(X), "top5_sentence")


def test_views_of_files_are_refused_before_the_work(tmp_path):
    adata_of(X).write_h5ad(tmp_path / "a.h5ad")
    backed = ad.read_h5ad(tmp_path / "a.h5ad", backed="r")
    refuse_unwritable(backed)
    refuse_unwritable(adata_of(X)[:1])
    with pytest.raises(ValueError, match=r"adata\[...\].to_memory\(\)"):
        refuse_unwritable(backed[:1])


def test_a_table_is_not_taken_for_cells():
    with pytest.raises(TypeError, match="expected an AnnData or a MuData, not DataFrame"):
        get_adata(pd.DataFrame({"CD3D": [1]}))
