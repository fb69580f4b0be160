from __future__ import annotations

import json
from typing import TYPE_CHECKING

import anndata as ad
import matplotlib as mpl
import numpy as np
import pytest
import scanpy as sc
from tiny_gene_model import write_tiny_model

import scc2s
from scc2s import _demo
from scc2s._demo import _baselines
from scc2s.train import split

if TYPE_CHECKING:
    from pathlib import Path

mpl.use("Agg")


def test_sentence_features_know_ranks_and_nothing_else() -> None:
    X = _baselines.sentence_features(["B A", "", "A C"], n_genes=3).toarray()
    np.testing.assert_allclose(X, np.log([[4, 2, 1], [1, 1, 1], [1, 4, 2]]))


def test_scores_hold_accuracy_in_its_interval_and_count_every_type_alike() -> None:
    true = np.array(["a"] * 8 + ["b"] * 2, dtype=object)
    found = _baselines.scores(["a"] * 10, true)
    assert found["accuracy"] == 0.8
    assert (found["low"], found["high"]) == pytest.approx((0.4902, 0.9433), abs=1e-4)  # Wilson, 8 of 10
    assert found["macro_f1"] == pytest.approx((2 * 8 / (2 * 8 + 2)) / 2)


def test_a_label_outside_the_types_is_an_error_not_a_type_of_its_own() -> None:
    found = _baselines.scores(["a", "unmapped"], np.array(["a", "b"], dtype=object))
    assert (found["accuracy"], found["macro_f1"]) == (0.5, 0.5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    genes = list(sc.datasets.pbmc68k_reduced().raw.var_names)
    write_tiny_model(folder / "model", genes, context=300)
    with scc2s.settings.override(model=str(folder / "model")):
        _demo.run(folder / "one")
        _demo.run(folder / "two")
    return folder


def summary_of(folder: Path, run: str) -> dict:
    return json.loads((folder / run / "summary.json").read_text())


@pytest.mark.slow
class TestWhole:
    """The demo from end to end with a random model: everything but the quality of the answers."""

    def test_every_file_that_is_named_is_there(self, folder: Path) -> None:
        assert sorted(p.name for p in (folder / "one").iterdir()) == sorted(summary_of(folder, "one")["files"])
        for figure in (folder / "one").glob("*.png"):
            assert figure.read_bytes().startswith(b"\x89PNG")

    def test_result_file_holds_what_a_user_would_go_on_with(self, folder: Path) -> None:
        adata = ad.read_h5ad(folder / "one" / "pbmc68k.h5ad")
        assert {"c2s_sentence", "c2s_cell_type", "c2s_cell_type_prob", "c2s_cell_type_louvain", "split"} <= set(
            adata.obs
        )
        assert {"X_c2s", "X_umap", "c2s_cell_type_probs"} <= set(adata.obsm)
        assert "c2s_reconstructed" in adata.layers
        assert {"sentences", "rank_fit", "embed", "annotate"} <= set(adata.uns["c2s"])

    def test_two_runs_measure_the_same(self, folder: Path) -> None:
        one, two = summary_of(folder, "one"), summary_of(folder, "two")
        assert one["held_out"] == two["held_out"]
        assert one["fit"] == two["fit"]
        first, second = (ad.read_h5ad(folder / run / "pbmc68k.h5ad") for run in ("one", "two"))
        np.testing.assert_array_equal(first.obsm["X_umap"], second.obsm["X_umap"])

    def test_measured_cells_are_the_test_split_and_baselines_are_sane(self, folder: Path) -> None:
        summary = summary_of(folder, "one")
        part = split(sc.datasets.pbmc68k_reduced().obs_names)
        assert summary["n_test"] == (part == "test").sum()
        assert summary["n_train"] == (part == "train").sum()
        held_out = summary["held_out"]
        assert (
            held_out["logistic regression, all genes"]["accuracy"] > held_out["most frequent label"]["accuracy"] + 0.3
        )

    def test_page_and_tables_give_every_number(self, folder: Path) -> None:
        summary, page = summary_of(folder, "one"), (folder / "one" / "summary.md").read_text()
        for name, score in summary["held_out"].items():
            assert f"| {name} | {score['accuracy']:.3f} |" in page
        assert f"{summary['fit']['r2']:.3f}" in page
        assert "Research use only" in page
        assert [t.row_count for t in _demo.tables(summary)] == [6, 4, 1, 6]
        for name, row in summary["controls"]["rows"].items():
            assert f"| {name} | {row['n_cells']} | {row['information']:.2f} |" in page
        assert _demo.belief(summary) in page
