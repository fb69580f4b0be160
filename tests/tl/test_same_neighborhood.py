"""Cells of a tissue section in a prompt: do they lie together?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import scc2s
from scc2s._cells.contexts import get_contexts
from scc2s.models import CallableModel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GENES = ["CD3D", "CD79A", "LYZ", "NKG7", "GNLY", "ALB", "CD40LG", "CD40", "TP53", "MDM2"]


def tissue(n: int = 400, *, split: bool = True, seed: int = 0) -> ad.AnnData:
    """Two types in stripes: cells of a type lie together."""
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 1000, (n, 2))
    stripe = (points[:, 0] // 125).astype(int) % 2
    is_b = rng.random(n) < np.where(stripe == 1, 0.9, 0.1)
    obs = pd.DataFrame({"cell_type": np.where(is_b, "B", "T")}, index=[f"cell{i}" for i in range(n)])
    words = {"B": ["CD79A", "CD40", "LYZ", "TP53"], "T": ["CD3D", "CD40LG", "NKG7", "MDM2"]}
    obs["c2s_sentence"] = [" ".join(rng.permutation(words[kind])) for kind in obs["cell_type"]]
    obs["c2s_n_genes"] = 4
    adata = ad.AnnData(np.ones((n, len(GENES)), dtype="float32"), obs=obs, var=pd.DataFrame(index=GENES))
    adata.obsm["spatial"] = points
    scc2s.pp.neighborhoods(
        adata, radius=50, unit="um", spatial_unit="um", matched="cell_type", n_cells=4, n_contexts=None,
        split="blocks" if split else None, block_size=200 if split else None,
    )  # fmt: skip
    return adata


def asked(reply: Callable[[str], float]) -> tuple[CallableModel, list[str]]:
    """A model that gives yes these log-odds, and the prompts that it was asked."""
    prompts: list[str] = []

    def score(texts: list[str], choices: list[str]) -> np.ndarray:
        assert choices == [" yes", " no"]
        prompts.extend(texts)
        return np.array([[reply(text), 0.0] for text in texts])

    return CallableModel(score=score), prompts


def by_types(text: str) -> float:
    """Cells of one type lie together, it says."""
    cells = [line for line in text.splitlines() if line.startswith("Cell ")]
    n_b = sum("CD79A" in line for line in cells)
    return 2.0 if n_b in (0, len(cells)) else -2.0


def report(adata: ad.AnnData, key: str = "same_neighborhood") -> pd.DataFrame:
    return adata.uns["c2s"][key]["report"].set_index(["negatives", "answer"])


def test_a_model_that_tells_types_beats_chance_on_plain_negatives_and_not_on_matched_ones() -> None:
    adata = tissue()
    model, _ = asked(by_types)
    scc2s.tl.same_neighborhood(adata, model=model, n_boot=100)
    found = report(adata)
    assert found.loc[("negative", "model"), "auroc"] > 0.6
    low, value, high = found.loc[("negative", "model"), ["auroc_low", "auroc", "auroc_high"]]
    assert low < value < high
    assert found.loc[("matched negative", "model"), "auroc"] == 0.5  # the same types on both sides
    assert found.loc[("negative", "share of the same type"), "auroc"] > 0.6
    assert found.loc[("matched negative", "share of the same type"), "auroc"] == 0.5
    assert {"correlation of sentences", "logistic regression on sentences"} <= set(found.index.get_level_values(1))
    assert (found["n"] == 2 * found["n_yes"]).all()


def test_only_contexts_of_the_test_are_asked_where_there_is_one() -> None:
    adata = tissue()
    model, _ = asked(by_types)
    scc2s.tl.same_neighborhood(adata, model=model, controls=False, n_boot=20)
    table = adata.uns["c2s"]["same_neighborhood"]["table"]
    assert (table["probability"].notna() == (table["split"] == "test")).all()
    assert (table.loc[table["split"] == "train", "answer"] == "").all()
    scc2s.tl.same_neighborhood(adata, model=model, part="all", controls=False, n_boot=20)
    assert adata.uns["c2s"]["same_neighborhood"]["table"]["probability"].notna().all()


def test_no_coordinate_enters_a_prompt_only_the_cells_do() -> None:
    adata = tissue()
    model, first = asked(by_types)
    scc2s.tl.same_neighborhood(adata, model=model, n_boot=20, controls=False)
    contexts = get_contexts(adata, "neighborhoods")
    adata.obsm["spatial"] = adata.obsm["spatial"][::-1] * 1000 + 5  # the contexts stay, and all else must
    model, second = asked(by_types)
    scc2s.tl.same_neighborhood(adata, model=model, n_boot=20, controls=False)
    assert sorted(first) == sorted(second)
    test = np.flatnonzero(contexts.table["split"] == "test")
    words = set(" ".join(first).split())
    assert not any(f"{value:.3f}" in words or f"{value:.0f}" in words for value in adata.obsm["spatial"].ravel()[:200])
    sentences = adata.obs["c2s_sentence"]
    for i in test[:20]:
        assert any(all(sentences[cell] in text for cell in contexts.cells[i]) for text in first)


def test_without_a_split_scores_only_order_and_accuracies_of_floors_are_missing() -> None:
    adata = tissue(split=False)
    model, _ = asked(by_types)
    scc2s.tl.same_neighborhood(adata, model=model, n_boot=20, controls=False)
    found = report(adata)
    assert np.isnan(found.loc[("negative", "share of the same type"), "accuracy"])
    assert found.loc[("negative", "share of the same type"), "auroc"] > 0.6
    assert found.loc[("negative", "model"), "accuracy"] > 0.5
    assert "logistic regression on sentences" not in found.index.get_level_values(1)


def test_a_constant_model_gets_half_and_is_told_that_it_beats_nothing(caplog: pytest.LogCaptureFixture) -> None:
    adata = tissue()
    model, _ = asked(lambda _: 1.0)
    scc2s.tl.same_neighborhood(adata, model=model, n_boot=20)
    assert report(adata).loc[("negative", "model"), ["accuracy", "balanced_accuracy", "auroc"]].tolist() == [0.5] * 3
    assert "it does not beat it" in caplog.text
    assert adata.uns["c2s"]["same_neighborhood"]["verdict"] == "as without genes"


class TestInteractions:
    def known(self, adata: ad.AnnData) -> None:
        sources = {
            "cellphonedb": pd.DataFrame({"ligand": ["CD40LG", "ALB"], "receptor": ["CD40", "LYZ"]}),
            "biogrid": pd.DataFrame({"a": ["TP53"], "b": ["MDM2"]}),
        }
        scc2s.pp.interactions(adata, sources, extracellular=False)

    def test_prompts_name_what_two_of_their_cells_could_have(self) -> None:
        adata = tissue()
        self.known(adata)
        model, prompts = asked(by_types)
        scc2s.tl.same_neighborhood(adata, model=model, interactions="interactions", n_boot=20, controls=False)
        for text in prompts:
            line = text.splitlines()[0]
            both = "CD79A" in text and "CD3D" in text  # a B and a T cell
            assert line.startswith("Known interactions between their gene products: ")
            assert ("CD40LG signals to CD40" in line) == ("MDM2 binds TP53" in line) == both
            assert line.endswith(": none") == (not both)
            assert "ALB" not in line  # in no cell

    def test_one_call_asks_with_none_with_each_and_with_all(self) -> None:
        adata = tissue()
        self.known(adata)

        def reply(text: str) -> float:
            return 1.0 * ("CD40LG signals" in text) + 2.0 * ("MDM2 binds" in text)

        model, _ = asked(reply)
        scc2s.tl.same_neighborhood(adata, model=model, interactions="interactions", ablation=True, n_boot=20)
        found = adata.uns["c2s"]["same_neighborhood"]
        assert [*found["params"]["arms"]] == ["none", "biogrid", "cellphonedb", "all"]
        asked_rows = found["table"].dropna(subset="probability")
        sides = asked_rows[[f"probability_{arm}" for arm in found["params"]["arms"]]].round(3).drop_duplicates()
        assert sorted(map(tuple, sides.to_numpy().tolist())) == [(0.5, 0.5, 0.5, 0.5), (0.5, 0.881, 0.731, 0.953)]
        assert (asked_rows["probability"] == asked_rows["probability_all"]).all()
        names = set(report(adata).index.get_level_values(1))
        assert {f"model, interactions: {arm}" for arm in ("none", "biogrid", "cellphonedb", "all")} <= names

    def test_a_prompt_may_have_a_field_for_them(self) -> None:
        adata = tissue()
        self.known(adata)
        model, prompts = asked(by_types)
        template = "{multi_cell_sentences}\nKnown: {interactions}\nTogether?"
        scc2s.tl.same_neighborhood(
            adata, model=model, prompt=template, interactions="interactions", n_boot=20, controls=False
        )
        assert all("\nKnown: " in text and text.count("signals to") <= 1 for text in prompts)

    def test_what_is_not_there_is_named(self) -> None:
        adata = tissue()
        with pytest.raises(KeyError, match="c2s_interactions"):
            scc2s.tl.same_neighborhood(adata, interactions="interactions")
        with pytest.raises(ValueError, match="pass interactions="):
            scc2s.tl.same_neighborhood(adata, ablation=True)


@pytest.mark.parametrize("kind", ["gpt_neox", "gemma2"])
def test_a_real_model_gives_the_same_probabilities_one_by_one_and_from_the_cache(
    kind: str, pieces: Callable[[str], object], tmp_path: Path
) -> None:
    adata = tissue(150)
    model = pieces(kind)
    template = "{multi_cell_sentences}\nTogether?"
    cache = tmp_path / "answers"
    scc2s.tl.same_neighborhood(adata, model=model, prompt=template, cache=cache, n_boot=20)
    found = adata.uns["c2s"]["same_neighborhood"]
    asked_rows = found["table"]["probability"].dropna()
    assert len(asked_rows) > 5
    contexts = get_contexts(adata, "neighborhoods")
    for name in asked_rows.index[:3]:
        cells = contexts.cells[contexts.table.index.get_loc(name)]
        text = "\n".join(f"Cell {i}: {adata.obs.loc[cell, 'c2s_sentence']}" for i, cell in enumerate(cells, start=1))
        alone = model.score([f"{text}\nTogether?"], [" yes", " no"]).probabilities()[0, 0]
        assert asked_rows[name] == pytest.approx(alone, abs=1e-5)
    again = adata.copy()
    scc2s.tl.same_neighborhood(again, model=model, prompt=template, cache=cache, n_boot=20)
    pd.testing.assert_frame_equal(again.uns["c2s"]["same_neighborhood"]["table"], found["table"])


@pytest.mark.parametrize("kind", ["h5ad", pytest.param("zarr", marks=pytest.mark.slow)])
def test_results_survive_files_and_copy_leaves_the_data_alone(kind: str, tmp_path: Path) -> None:
    adata = tissue()
    model, _ = asked(by_types)
    out = scc2s.tl.same_neighborhood(adata, model=model, n_boot=20, copy=True)
    assert "same_neighborhood" not in adata.uns["c2s"]
    getattr(out, f"write_{kind}")(tmp_path / f"x.{kind}")
    back = (ad.read_h5ad if kind == "h5ad" else ad.read_zarr)(tmp_path / f"x.{kind}")
    one, two = (a.uns["c2s"]["same_neighborhood"] for a in (out, back))
    np.testing.assert_allclose(one["table"]["probability"], two["table"]["probability"])
    np.testing.assert_allclose(one["report"]["auroc"], two["report"]["auroc"])
    scc2s.tl.same_neighborhood(back, model=model, n_boot=20)


def test_the_order_of_rows_changes_no_answer() -> None:
    adata = tissue()
    other = adata[np.random.default_rng(3).permutation(adata.n_obs)].copy()
    for one in (adata, other):
        model, _ = asked(by_types)
        scc2s.tl.same_neighborhood(one, model=model, n_boot=30)
    one, two = (a.uns["c2s"]["same_neighborhood"] for a in (adata, other))
    pd.testing.assert_frame_equal(one["table"], two["table"])
    pd.testing.assert_frame_equal(one["report"], two["report"])


def test_wrong_arguments_are_refused_before_a_model_is_loaded() -> None:
    adata = tissue()
    refusals = [
        ({"part": "train"}, ValueError, "part='test'"),
        ({"normalize": "max"}, ValueError, "normalize="),
        ({"contexts": "nowhere"}, KeyError, "nowhere"),
        ({"cell_type_key": "nowhere"}, KeyError, "cell_type_key="),
        ({"prompt": "{cell_sentence}?"}, ValueError, "multi_cell_sentences"),
        ({"key_added": "annotate"}, ValueError, "belongs to another tool"),
        ({"n_boot": 0}, ValueError, "n_boot"),
    ]
    for options, error, message in refusals:
        with pytest.raises(error, match=message):
            scc2s.tl.same_neighborhood(adata, model="no/such-model", **options)
    scc2s.pp.contexts(adata, groupby="cell_type", n_cells=(2, 3), key_added="groups")
    with pytest.raises(ValueError, match="c2s_neighborhoods"):
        scc2s.tl.same_neighborhood(adata, model="no/such-model", contexts="groups")
