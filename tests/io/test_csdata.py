from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import anndata as ad
import datasets
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from peer_folders import LINE, in_random_order, like_cell2sentence, like_helical, write_folder

import scc2s

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def blood() -> ad.AnnData:
    adata = sc.datasets.pbmc68k_reduced()[:30]
    return ad.AnnData(adata.raw.X, obs=adata.obs[["bulk_labels"]], var=pd.DataFrame(index=adata.raw.var_names))


def values_in_order(adata: ad.AnnData, texts: list[str]) -> list[list[float]]:
    """Expression of the words of each sentence, in their order."""
    at = {name: i for i, name in enumerate(adata.var_names)}
    X = adata.X.toarray()
    return [X[i, [at[word] for word in text.split()]].tolist() for i, text in enumerate(texts)]


class TestFolderOfCell2sentence:
    def test_sentences_are_taken_word_for_word_with_names_and_columns(self, blood: ad.AnnData, tmp_path: Path) -> None:
        path = like_cell2sentence(blood, tmp_path / "cs", ("bulk_labels",))
        adata = scc2s.io.from_csdata(path)
        assert adata.obs["c2s_sentence"].tolist() == in_random_order(blood, upper=True)
        assert adata.obs_names.tolist() == blood.obs_names.tolist()
        assert adata.obs["bulk_labels"].tolist() == blood.obs["bulk_labels"].tolist()
        assert adata.obs["c2s_n_genes"].tolist() == np.diff(blood.X.indptr).tolist()
        assert adata.X is None
        assert set(adata.var_names) <= {name.upper() for name in blood.var_names}

    def test_in_the_cells_themselves_they_are_matched_by_name(self, blood: ad.AnnData, tmp_path: Path) -> None:
        path = like_cell2sentence(blood, tmp_path / "cs", ("bulk_labels",))
        some = blood[[7, 3, 21]].copy()
        adata = scc2s.io.from_csdata(path, adata=some)
        texts = in_random_order(blood, upper=True)
        assert adata.obs["c2s_sentence"].tolist() == [texts[7], texts[3], texts[21]]
        assert "27 sentences" in str(adata.uns["c2s"]["read"]["params"]["mends"])
        assert "c2s_sentence" not in some.obs

    def test_they_differ_from_ours_only_in_the_order_of_genes_of_one_value(
        self, blood: ad.AnnData, tmp_path: Path
    ) -> None:
        adata = scc2s.io.from_csdata(like_helical(blood, tmp_path / "hel"), adata=blood, key_added="theirs_sentence")
        scc2s.pp.sentences(adata, n_genes=None)
        ours, theirs = adata.obs["c2s_sentence"].tolist(), adata.obs["theirs_sentence"].tolist()
        assert ours != theirs
        assert [sorted(text.split()) for text in ours] == [sorted(text.split()) for text in theirs]
        assert values_in_order(adata, ours) == values_in_order(adata, theirs)

    def test_capitals_of_mouse_genes_find_their_genes_again(self, tmp_path: Path) -> None:
        mouse = ad.AnnData(np.array([[3.0, 2.0, 1.0]]), var=pd.DataFrame(index=["Cd3d", "Lyz2", "Ms4a1"]))
        adata = scc2s.io.from_csdata(like_cell2sentence(mouse, tmp_path / "cs"), adata=mouse)
        assert adata.obs["c2s_sentence"].tolist() == ["CD3D LYZ2 MS4A1"]
        scc2s.pp.reconstruct(adata, fit=scc2s.sentences.RankFit(-1.0, 3.0))
        assert (np.diff(adata.layers["c2s_reconstructed"].toarray()[0]) < 0).all()

    def test_n_genes_keeps_the_first(self, blood: ad.AnnData, tmp_path: Path) -> None:
        path = like_cell2sentence(blood, tmp_path / "cs")
        whole, cut = scc2s.io.from_csdata(path), scc2s.io.from_csdata(path, n_genes=5)
        assert [text.split()[:5] for text in whole.obs["c2s_sentence"]] == [t.split() for t in cut.obs["c2s_sentence"]]
        assert set(cut.obs["c2s_n_genes"]) == {5}

    def test_several_files_and_splits_are_read_in_order(self, tmp_path: Path) -> None:
        texts = [f"GENE{i} LYZ" for i in range(7)]
        write_folder(tmp_path / "d" / "train", {"cell_sentence": texts[:5], "cell_name": list("abcde")}, parts=2)
        write_folder(tmp_path / "d" / "test", {"cell_sentence": texts[5:], "cell_name": ["f", "g"], "age": [1, None]})
        (tmp_path / "d" / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
        adata = scc2s.io.from_csdata(tmp_path / "d")
        assert adata.obs["c2s_sentence"].tolist() == texts
        assert adata.obs["split"].tolist() == ["train"] * 5 + ["test"] * 2
        assert adata.obs["age"].tolist()[5] == 1

    def test_a_delimiter_of_another_kind_and_empty_cells(self, tmp_path: Path) -> None:
        path = write_folder(tmp_path / "d", {"cell_sentence": ["CD3D, LTB", "", None]})
        adata = scc2s.io.from_csdata(path, delimiter=", ")
        assert adata.obs["c2s_sentence"].tolist() == ["CD3D LTB", "", ""]
        assert adata.obs["c2s_n_genes"].tolist() == [2, 0, 0]
        assert adata.obs_names.tolist() == ["cell0", "cell1", "cell2"]


class TestFolderOfHelical:
    def test_organism_and_line_are_kept_and_empty_columns_are_not(self, blood: ad.AnnData, tmp_path: Path) -> None:
        adata = scc2s.io.from_csdata(like_helical(blood, tmp_path / "hel", "human"), adata=blood)
        assert adata.uns["organism"] == "Homo sapiens"
        read = adata.uns["c2s"]["read"]["params"]
        assert {name: read[name] for name in LINE} == LINE
        assert read["from"] == "helical"
        assert "perturbations" not in adata.obs

    def test_an_unknown_organism_is_none(self, blood: ad.AnnData, tmp_path: Path) -> None:
        assert "organism" not in scc2s.io.from_csdata(like_helical(blood, tmp_path / "hel")).uns

    def test_rows_of_other_cells_are_refused(self, blood: ad.AnnData, tmp_path: Path) -> None:
        path = like_helical(blood, tmp_path / "hel")
        with pytest.raises(ValueError, match="do not express the gene"):
            scc2s.io.from_csdata(path, adata=blood[::-1].copy())
        with pytest.raises(ValueError, match="30 rows without names and adata 29 cells"):
            scc2s.io.from_csdata(path, adata=blood[:29].copy())


class TestDatasetObject:
    def test_a_choice_of_rows_counts(self) -> None:
        whole = datasets.Dataset.from_dict({"cell_name": list("abc"), "cell_sentence": ["A1", "B1", "C1"]})
        adata = scc2s.io.from_csdata(whole.select([2, 0]), vocabulary={"C1": 1, "A1": 4, "X9": 0})
        assert adata.obs["c2s_sentence"].to_dict() == {"c": "C1", "a": "A1"}
        assert adata.var["n_cells"].to_dict() == {"C1": 1, "A1": 4, "X9": 0}

    def test_splits(self) -> None:
        part = datasets.Dataset.from_dict({"cell_name": ["a"], "cell_sentence": ["A1"]})
        adata = scc2s.io.from_csdata(datasets.DatasetDict({"train": part, "test": part}))
        assert adata.obs["split"].tolist() == ["train", "test"]
        assert adata.obs_names.is_unique

    def test_our_reader_reads_what_datasets_writes(self, tmp_path: Path) -> None:
        data = datasets.Dataset.from_dict({"cell_sentence": [f"G{i}" for i in range(10)], "kind": list("abcdefghij")})
        data.shuffle(seed=0).save_to_disk(tmp_path / "d", num_shards=3)
        adata = scc2s.io.from_csdata(tmp_path / "d")
        assert adata.obs["c2s_sentence"].tolist() == data.shuffle(seed=0)["cell_sentence"][:]


class TestAfterwards:
    @pytest.mark.parametrize("kind", ["h5ad", "zarr"])
    def test_files_hold_it(self, blood: ad.AnnData, tmp_path: Path, kind: str) -> None:
        adata = scc2s.io.from_csdata(like_cell2sentence(blood, tmp_path / "cs", ("bulk_labels",)))
        path = tmp_path / f"a.{kind}"
        getattr(adata, f"write_{kind}")(path)
        again = getattr(ad, f"read_{kind}")(path)
        assert again.obs["c2s_sentence"].tolist() == adata.obs["c2s_sentence"].tolist()
        assert again.uns["c2s"]["read"]["params"]["from"] == "cell2sentence"

    def test_tools_that_need_only_sentences_run_without_expression(self, blood: ad.AnnData, tmp_path: Path) -> None:
        adata = scc2s.io.from_csdata(like_cell2sentence(blood, tmp_path / "cs"), n_genes=20)
        letters = scc2s.models.CallableModel(embed=lambda prompts: np.array([[len(p), p.count("A")] for p in prompts]))
        scc2s.tl.embed(adata, model=letters, prompt="{cell_sentence}")
        assert adata.obsm["X_c2s"].shape == (30, 2)
        scc2s.pp.sentences(from_expression := blood.copy(), n_genes=3)
        assert "c2s_sentence" in from_expression.obs
        with pytest.raises(KeyError, match=r"adata\.X is not set"):
            scc2s.pp.sentences(adata)


class TestRefused:
    def test_what_is_no_dataset(self, tmp_path: Path) -> None:
        with pytest.raises(TypeError, match="source is of type int"):
            scc2s.io.from_csdata(3)
        with pytest.raises(FileNotFoundError, match="there is no folder"):
            scc2s.io.from_csdata(tmp_path / "none")
        with pytest.raises(ValueError, match=r"no state\.json"):
            scc2s.io.from_csdata(tmp_path)
        with pytest.raises(TypeError, match="adata is of type str"):
            scc2s.io.from_csdata(tmp_path, adata="cells.h5ad")  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("state", "error", "match"),
        [
            ({"_data_files": [{"filename": "../../etc/passwd"}]}, ValueError, "names no files of rows in its folder"),
            ({"_data_files": []}, ValueError, "names no files"),
            ({"_data_files": [{"filename": "gone.arrow"}]}, FileNotFoundError, "copy the whole folder again"),
            ({"_data_files": [{"filename": "bad.arrow"}]}, ValueError, "cannot be read"),
            ({"_indices_data_files": [{"filename": "i.arrow"}]}, ValueError, "load_from_disk"),
        ],
    )
    def test_damaged_folders(self, tmp_path: Path, state: dict[str, Any], error: type[Exception], match: str) -> None:
        (tmp_path / "state.json").write_text(json.dumps(state))
        (tmp_path / "bad.arrow").write_bytes(b"no arrow at all")
        with pytest.raises(error, match=match):
            scc2s.io.from_csdata(tmp_path)

    def test_a_split_outside_of_the_folder(self, tmp_path: Path) -> None:
        (tmp_path / "dataset_dict.json").write_text('{"splits": ["../x"]}')
        with pytest.raises(ValueError, match="no folder in it"):
            scc2s.io.from_csdata(tmp_path)

    def test_prompts_instead_of_sentences(self, tmp_path: Path) -> None:
        path = write_folder(tmp_path / "d", {"model_input": ["The cell"], "response": ["T cell"]})
        with pytest.raises(KeyError, match="'model_input', 'response'"):
            scc2s.io.from_csdata(path)

    def test_texts_that_are_none(self, tmp_path: Path) -> None:
        with pytest.raises(TypeError, match="holds a int"):
            scc2s.io.from_csdata(write_folder(tmp_path / "d", {"cell_sentence": [0]}))

    def test_other_data(self, blood: ad.AnnData, tmp_path: Path) -> None:
        path = like_cell2sentence(blood, tmp_path / "cs")
        other = blood.copy()
        other.var_names = [f"ENSG{i:011d}" for i in range(other.n_vars)]
        with pytest.raises(ValueError, match="only 0 are names of genes"):
            scc2s.io.from_csdata(path, adata=other)
        other = blood.copy()
        other.obs_names = [f"{name}-1" for name in other.obs_names]
        with pytest.raises(KeyError, match="30 of 30 cells of adata have no sentence"):
            scc2s.io.from_csdata(path, adata=other)
        other.obs_names = ["same"] * 30
        with pytest.raises(ValueError, match="come twice in adata"):
            scc2s.io.from_csdata(path, adata=other)

    def test_a_vocabulary_of_other_data(self, tmp_path: Path) -> None:
        path = write_folder(tmp_path / "d", {"cell_sentence": ["CD3D LTB"]})
        with pytest.raises(ValueError, match="1 words are not in the vocabulary"):
            scc2s.io.from_csdata(path, vocabulary=["CD3D"])
        with pytest.raises(ValueError, match="names a gene twice"):
            scc2s.io.from_csdata(path, vocabulary=["CD3D", "CD3D", "LTB"])


@pytest.mark.slow
def test_what_cell2sentence_itself_makes(blood: ad.AnnData, tmp_path: Path) -> None:
    cell2sentence = pytest.importorskip("cell2sentence")
    theirs, vocabulary = cell2sentence.CSData.adata_to_arrow(blood, label_col_names=["bulk_labels"])
    csdata = cell2sentence.CSData.csdata_from_arrow(theirs, vocabulary, save_dir=str(tmp_path), save_name="cs")
    adata = scc2s.io.from_csdata(csdata)
    assert adata.obs["c2s_sentence"].tolist() == list(csdata.get_sentence_strings())
    assert adata.var_names.tolist() == list(vocabulary)
    assert adata.var["n_cells"].tolist() == list(vocabulary.values())
    assert scc2s.io.from_csdata(theirs).obs.equals(adata.obs)
    shutil.rmtree(csdata.data_path)
    with pytest.raises(FileNotFoundError):
        scc2s.io.from_csdata(csdata)
