"""Samples of captions: random cells of the right cluster, in the words that tl.caption asks in."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from talking_cells import GENES, saying, talking_cells

import scc2s
from scc2s import prompts
from scc2s.models import CallableModel
from scc2s.train import Augment, build_captions


@pytest.fixture(scope="module")
def adata():
    return talking_cells()


@pytest.fixture
def captions():
    return pd.DataFrame(
        {
            "cluster": ["T"] * 3 + ["B"],
            "caption": ["One.", "Two.", "Three.", "Four."],
            "split": ["train"] * 3 + ["test"],
        }
    )


def samples(adata, captions, **kwargs):
    return scc2s.pp.caption_samples(adata, captions, **{"groupby": "type"} | kwargs)


def test_each_caption_stands_with_two_cells_of_its_cluster(adata, captions):
    table = samples(adata, captions)
    assert list(table) == ["prompt", "completion", "task", "cells", "study", "cluster", "split"]
    assert table["completion"].tolist() == [f" {text}" for text in captions["caption"] for _ in range(2)]
    assert table["cells"].is_unique
    assert (adata.obs.loc[table["cells"], "type"].to_numpy() == table["cluster"].to_numpy()).all()
    assert table["split"].tolist() == ["train"] * 6 + ["test"] * 2
    for row in table.itertuples():
        assert f"Genes: {adata.obs.loc[row.cells, 'c2s_sentence']}\n" in row.prompt
    assert (table["task"] == "caption").all()


def test_a_prompt_is_that_of_tl_caption(adata, captions):
    asked = []

    def generate(some):
        asked.extend(some)
        return ["A cell." for _ in some]

    writer = CallableModel(generate=generate, id="writer")
    copy = adata.copy()
    scc2s.tl.caption(copy, groupby="type", n_cells=48, controls=False, model=writer)
    assert set(samples(adata, captions)["prompt"]) <= set(asked)


def test_all_cells_stand_in_one_prompt_where_the_task_shows_several(adata, captions):
    table = samples(adata, captions, task="sample_caption", n_cells=3, n_genes=4)
    assert len(table) == 4
    assert table["completion"].tolist() == [f" {text}" for text in captions["caption"]]
    for row in table.itertuples():
        cells = row.cells.split(", ")
        assert len(cells) == 3
        for number, cell in enumerate(cells, 1):
            assert f"Cell {number}: {' '.join(adata.obs.loc[cell, 'c2s_sentence'].split()[:4])}\n" in row.prompt
    assert "3 Homo sapiens cells" in table["prompt"][0]
    own = prompts.custom("{multi_cell_sentences} of {condition}:", response=" {caption}")
    with pytest.raises(ValueError, match="cells of one cluster differ in 'condition' .'ctrl', 'stim'"):
        samples(adata, captions, task=own, n_cells=20)
    assert "of stim:" in samples(adata[adata.obs["condition"] == "stim"].copy(), captions, task=own)["prompt"][0]


def test_the_draw_depends_on_names_and_seed_not_on_order(adata, captions):
    a = samples(adata, captions)
    order = np.random.default_rng(1).permutation(adata.n_obs)
    pd.testing.assert_frame_equal(samples(adata[order].copy(), captions), a)
    assert samples(adata, captions, random_state=1)["cells"].tolist() != a["cells"].tolist()


def test_small_clusters_show_all_their_cells_and_cells_without_genes_none(adata, captions):
    some = adata[np.r_[0:3, 50:60]].copy()
    some.X[0] = 0
    table = samples(some, captions, n_cells=5)
    assert table.groupby("completion")["cells"].nunique().to_dict() == {
        " Four.": 5,
        " One.": 2,
        " Three.": 2,
        " Two.": 2,
    }
    assert some.obs_names[0] not in set(table["cells"])
    sparse_cells = some.copy()
    sparse_cells.X = sparse.csr_matrix(some.X)
    pd.testing.assert_frame_equal(samples(sparse_cells, captions, n_cells=5), table)


def test_studies_and_augmentation(adata, captions):
    of_studies = captions.assign(study=["d1", "d2", "d1", "d2"])
    with pytest.raises(ValueError, match="studies, e.g. 'd1'; pass study_key="):
        samples(adata, of_studies)
    table = samples(adata, of_studies, study_key="donor", augment=Augment(drop_genes=(0.5, 0.6)))
    assert (adata.obs.loc[table["cells"], "donor"].to_numpy() == table["study"].to_numpy()).all()
    plain = samples(adata, of_studies, study_key="donor")
    assert table["prompt"].str.len().sum() < plain["prompt"].str.len().sum()
    assert table["completion"].tolist() == plain["completion"].tolist()


def test_own_tasks_are_taken_where_they_write_a_caption(adata, captions):
    own = prompts.custom("{cell_sentence} ({condition})\nSay:", response=" {caption}")
    table = samples(adata, captions, task=own)
    assert table["prompt"].str.contains(r"\((?:stim|ctrl)\)").all()
    with pytest.raises(ValueError, match="'cell_type' does not write a caption alone"):
        samples(adata, captions, task="cell_type")
    with pytest.raises(TypeError, match="task is of type int"):
        samples(adata, captions, task=3)


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (lambda table: table.to_dict(), TypeError, "texts is dict"),
        (lambda table: table.drop(columns="caption"), KeyError, "no column 'caption'"),
        (lambda table: table.head(0), ValueError, "no captions"),
        (lambda table: table.assign(caption=["a", None, " ", "b"]), ValueError, "2 captions are blank.*row 1"),
        (lambda table: table.assign(cluster="NK"), ValueError, "no cluster 'NK'"),
    ],
)  # fmt: skip
def test_captions_that_do_not_fit_are_refused(adata, captions, change, error, said):
    with pytest.raises(error, match=said):
        samples(adata, change(captions))


def test_cells_that_cannot_be_drawn_are_refused(adata, captions):
    twice = adata.copy()
    twice.obs_names = ["a"] * twice.n_obs
    with pytest.raises(ValueError, match="'a' is the name of several"):
        samples(twice, captions)
    empty = adata.copy()
    empty.X[(empty.obs["type"] == "T").to_numpy()] = 0
    with pytest.raises(ValueError, match="no cell of cluster 'T' expresses a gene"):
        samples(empty, captions)
    with pytest.raises(ValueError, match="n_cells=0"):
        samples(adata, captions, n_cells=0)


def test_from_cells_to_a_trained_model(adata, tmp_path):
    from tiny_gene_model import write_tiny_model

    facts = scc2s.pp.cluster_facts(adata, groupby="type", organism="human")
    says = saying(lambda messages: f"{'T' if 'Cell type: T' in messages[1]['content'] else 'B'} are these.")
    with_genes = saying(
        lambda messages: "CD3D is high." if "Cell type: T" in messages[1]["content"] else "CD79A is high.", id="other"
    )
    assert len(build_captions(facts, says, n_captions=1).kept) == 2
    built = build_captions(facts, with_genes, n_captions=1, gene_names=adata.var_names, val=0, test=0)
    table = samples(adata, built.kept, n_genes=5)
    folder = write_tiny_model(tmp_path / "tiny", GENES, labels=["CD3D is high.", "CD79A is high."])
    assert trained(folder, table, tmp_path / "out")["train_loss"] > 0


def trained(folder, table, out):
    """Metrics of a short run."""
    return scc2s.train.sft(folder, table, out, batch_size=2, disable_tqdm=True, save_strategy="no").metrics
