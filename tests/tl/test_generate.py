from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from cell_writers import GENES, cells, identity

import scc2s
from scc2s._cells.contexts import get_contexts
from scc2s.models import CallableModel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def fixed(text: str = " G1 G2 G3", **kwargs: object) -> CallableModel:
    """Writes the same for every prompt, and remembers the prompts."""
    prompts: list[str] = []

    def generate(asked: list[str]) -> list[str]:
        prompts.extend(asked)
        return [text] * len(asked)

    model = CallableModel(generate=generate, **kwargs)
    model.prompts = prompts
    return model


def test_cells_come_with_the_genes_of_the_data_and_the_expression_of_the_fit() -> None:
    adata = cells()
    new = scc2s.tl.generate(adata, 2, n_genes=3, model=fixed(), constrain=False)
    fit = scc2s.sentences.RankFit.from_dict(adata.uns["c2s"]["rank_fit"])
    assert new.var_names.tolist() == GENES
    assert new.obsm["c2s_ranks"].tolist() == [[GENES.index(g) for g in ("G1", "G2", "G3")]] * 2
    np.testing.assert_allclose(
        new.X[:, [GENES.index("G1"), GENES.index("G3")]].toarray()[0], fit.predict([1, 3]), rtol=1e-6
    )
    assert new.X.nnz == 6
    again = scc2s.pp.reconstruct(new, copy=True).layers["c2s_reconstructed"]
    assert (again != new.X).nnz == 0
    assert "c2s_generate" not in adata.uns
    assert adata.n_obs == 12


def test_every_combination_of_the_values_is_written_n_times() -> None:
    model = fixed()
    new = scc2s.tl.generate(
        cells(), 2, obs={"cell_type": ["B", "T"], "tissue": "lung"}, n_genes=3, constrain=False, model=model,
        prompt="{n_genes} genes of a {organism} {cell_type} of {tissue}:", organism="mouse",
    )  # fmt: skip
    assert new.obs["cell_type"].tolist() == ["B", "B", "T", "T"]
    assert set(new.obs["tissue"]) == {"lung"}
    assert model.prompts[::2] == [f"3 genes of a Mus musculus {t} of lung:" for t in "BT"]


def test_a_table_gives_a_cell_for_each_row() -> None:
    table = pd.DataFrame({"cell_type": ["B", "T", "B"], "age": [1, 2, 3]}, index=["x", "x", "y"])
    new = scc2s.tl.generate(cells(), obs=table, n_genes=3, model=fixed(), constrain=False, prompt="{cell_type} {age}:")
    assert new.obs[["cell_type", "age"]].to_numpy().tolist() == table.to_numpy().tolist()
    assert new.obs_names.is_unique


@pytest.mark.parametrize("kind", ["one token a gene", "gpt_neox", "gemma2"])
def test_constrained_cells_are_whole_valid_and_without_repeats(
    kind: str, blood: ad.AnnData, tiny: Callable[..., object], pieces: Callable[[str], object]
) -> None:
    scc2s.pp.rank_fit(blood)
    model = tiny(context=512) if kind == "one token a gene" else pieces(kind)
    new = scc2s.tl.generate(blood, 3, obs={"cell_type": ["B cell", "T cell"]}, n_genes=15, model=model)
    assert (new.obs[["c2s_valid", "c2s_unique"]].to_numpy() == 1).all()
    assert (new.obs[["c2s_n_words", "c2s_n_genes"]].to_numpy() == 15).all()
    assert new.obs["c2s_complete"].all()
    assert new.obs["c2s_sentence"].is_unique


def test_a_condition_has_the_same_cells_in_any_call_and_never_twice_one(blood: ad.AnnData) -> None:
    scc2s.pp.rank_fit(blood)
    # in bfloat16 rounding depends on the batch, and a draw may fall the other way
    how = {"n_genes": 8, "model": scc2s.models.load("scc2s-mini", dtype="float32")}
    few = scc2s.tl.generate(blood, 2, obs={"cell_type": "B cell"}, **how)
    table = pd.DataFrame({"cell_type": ["NK cell", "B cell", "B cell", "B cell"]})
    more = scc2s.tl.generate(blood, obs=table, **how)
    assert more.obs["c2s_sentence"].tolist()[1:3] == few.obs["c2s_sentence"].tolist()
    assert more.obs["c2s_sentence"].is_unique
    other = scc2s.tl.generate(blood, 2, obs={"cell_type": "B cell"}, random_state=1, **how)
    assert other.obs["c2s_sentence"].tolist() != few.obs["c2s_sentence"].tolist()
    greedy = scc2s.tl.generate(blood, 2, obs={"cell_type": "B cell"}, temperature=0, **how)
    assert greedy.obs["c2s_sentence"].nunique() == 1


def test_the_packaged_model_writes_markers_of_the_type_it_is_asked_for(blood: ad.AnnData) -> None:
    scc2s.pp.rank_fit(blood)
    new = scc2s.tl.generate(blood, 8, obs={"cell_type": ["B cell", "CD14+ monocyte"]}, n_genes=60)
    has = [set(s.split()) for s in new.obs["c2s_sentence"]]
    assert sum("CD79A" in s for s in has[:8]) > sum("CD79A" in s for s in has[8:])
    assert sum("LYZ" in s for s in has[8:]) > sum("LYZ" in s for s in has[:8])


def test_genes_are_written_as_the_sentences_are_and_excluded_ones_never(blood: ad.AnnData) -> None:
    blood.var["symbol"] = blood.var_names.str.lower()
    top = blood.var_names[:500].tolist()
    blood.layers["x"] = blood.raw.to_adata()[:, blood.var_names].X
    scc2s.pp.sentences(blood, n_genes=20, layer="x", gene_symbols="symbol", upper=True, exclude=top)
    scc2s.pp.rank_fit(blood)
    new = scc2s.tl.generate(blood, 3, n_genes=100)
    words = {w for s in new.obs["c2s_sentence"] for w in s.split()}
    assert words <= {w.upper() for w in blood.var["symbol"][500:]}
    assert (new.obs["c2s_valid"] == 1).all()


def test_length_is_that_of_the_data_set_if_none_is_given(blood: ad.AnnData) -> None:
    scc2s.pp.rank_fit(blood)
    assert scc2s.tl.generate(blood, 2).obs["c2s_n_genes"].tolist() == [60, 60]


class TestSeveralCells:
    def test_each_cell_is_written_behind_those_before_it(self) -> None:
        model = fixed(" G1 G2")
        new = scc2s.tl.generate(
            cells(), 6, cells_per_sample=3, n_genes=2, constrain=False, model=model, prompt="{n_cells} cells:"
        )
        assert new.obs["c2s_sample"].tolist() == [0, 0, 0, 1, 1, 1]
        assert model.prompts[-1] == "3 cells:\nCell 1: G1 G2\nCell 2: G1 G2\nCell 3:"
        assert len(model.prompts) == 6

    def test_an_answer_that_runs_on_is_cut_at_the_next_header(self) -> None:
        model = fixed(" G1\nCell 2: G2 G3")
        new = scc2s.tl.generate(
            cells(), cells_per_sample=2, n_genes=5, constrain=False, model=model, prompt="{n_cells} cells:", n=2
        )
        assert new.obs["c2s_sentence"].tolist() == ["G1", "G1"]

    def test_constrained_cells_of_a_sample_are_valid_and_differ(
        self, blood: ad.AnnData, tiny: Callable[..., object]
    ) -> None:
        scc2s.pp.rank_fit(blood)
        new = scc2s.tl.generate(
            blood, 6, obs={"tissue": "blood"}, cells_per_sample=3, n_genes=10, model=tiny(context=256),
            prompt="{n_cells} cells of {tissue}:",
        )  # fmt: skip
        assert (new.obs[["c2s_valid", "c2s_unique"]].to_numpy() == 1).all()
        assert new.obs["c2s_sentence"].nunique() == 6

    def test_a_model_without_the_task_is_refused_unless_it_is_told_how(self) -> None:
        with pytest.raises(ValueError, match="not trained on the task 'generate_sample'.*declares no tasks.*prompt="):
            scc2s.tl.generate(cells(), 2, cells_per_sample=2, model=identity())

    @pytest.mark.parametrize(
        ("obs", "task"),
        [
            ({"tissue": "lung"}, "generate_sample_by_tissue"),
            ({"cell_types": [["B cell", "T cell"]]}, "generate_sample_by_cell_types"),
            ({"cell_types": "B cell; T cell"}, "generate_sample_by_cell_types"),
            ({"abstract": "We profiled cells."}, "generate_sample_by_abstract"),
            (None, "generate_sample"),
        ],
    )
    def test_the_task_of_a_sample_follows_from_what_is_said_about_it(
        self, obs: dict[str, object] | None, task: str
    ) -> None:
        model = fixed(" G1 G2")
        model.tasks = [task]
        new = scc2s.tl.generate(cells(), 2, obs=obs, cells_per_sample=2, n_genes=2, constrain=False, model=model)
        assert new.uns["c2s"]["generate"]["params"]["task"] == task
        fields = {"n_cells": "2", "n_genes": "2", "organism": "Homo sapiens"} | {
            name: "B cell; T cell" if name == "cell_types" else value for name, value in (obs or {}).items()
        }
        prompt = scc2s.prompts.get(task).render([""], fields).texts[0]
        assert model.prompts[-1] == f"{prompt}\nCell 1: G1 G2\nCell 2:"

    def test_each_cell_of_a_sample_gets_the_type_it_was_asked_for(self) -> None:
        model = fixed(" G1 G2")
        model.tasks = ["generate_sample_by_cell_types"]
        types = [["B cell", "CD4-positive, alpha-beta T cell"], ["T cell", "T cell"]]
        new = scc2s.tl.generate(
            cells(), 2, obs={"cell_types": types}, cells_per_sample=2, n_genes=2, constrain=False, model=model
        )
        assert new.obs["cell_type"].tolist() == [one for some in types for one in some]
        assert new.obs["cell_types"].tolist() == ["; ".join(some) for some in types for _ in some]

    def test_another_number_of_types_than_cells_is_refused_before_a_model_is_loaded(self) -> None:
        for types in (["B cell"], [["B cell"]], "B cell", [["B cell"] * 3]):
            with pytest.raises(ValueError, match="cells_per_sample=2"):
                scc2s.tl.generate(cells(), 2, obs={"cell_types": types}, cells_per_sample=2, model="no such model")

    def test_cells_are_written_as_the_task_writes_them(self) -> None:
        model = fixed(" G1")
        task = scc2s.prompts.Task("mine", "{n_cells} cells:", cell="Cell {number}:\n{cell_sentence}.")
        scc2s.tl.generate(cells(), 2, cells_per_sample=2, n_genes=1, constrain=False, model=model, prompt=task)
        assert model.prompts[-1] == "2 cells:\nCell 1:\nG1.\nCell 2:"

    def test_cells_that_make_no_whole_samples_are_refused(self) -> None:
        with pytest.raises(ValueError, match="multiple of cells_per_sample=2"):
            scc2s.tl.generate(cells(), 3, cells_per_sample=2, model=identity())


class TestContexts:
    """As many cells for each context as it has."""

    @staticmethod
    def drawn(table: dict[str, list[str]] | None = None, **kwargs: Any) -> ad.AnnData:
        adata = cells(24)
        columns = {"tissue": ["lung", "blood"] * 12, "donor": ["a"] * 16 + ["b"] * 8} | (table or {})
        for name, values in columns.items():
            adata.obs[name] = values
        groupby = kwargs.pop("groupby", ["donor", "tissue"])
        scc2s.pp.contexts(adata, groupby=groupby, **{"n_cells": (2, 3), **kwargs})
        return adata

    def test_each_context_gets_as_many_cells_as_it_has_with_its_columns(self) -> None:
        adata, model = self.drawn(), fixed(" G1 G2")
        model.tasks = ["generate_sample_by_tissue"]
        new = scc2s.tl.generate(adata, contexts="contexts", n_genes=2, constrain=False, model=model)
        contexts = get_contexts(adata)
        want = [name for name, some in zip(contexts.table.index, contexts.cells, strict=True) for _ in some]
        assert new.obs["c2s_context"].tolist() == want
        assert len(set(contexts.table["n_cells"])) > 1
        for name in ("donor", "tissue"):
            assert new.obs[name].tolist() == contexts.table.loc[want, name].tolist()
        assert "n_cells" not in new.obs
        assert new.obs["c2s_sentence"].tolist() == ["G1 G2"] * len(want)
        first = contexts.table.iloc[0]
        fields = {"n_cells": str(first["n_cells"]), "n_genes": "2", "organism": "Homo sapiens"}
        task = scc2s.prompts.get("generate_sample_by_tissue")
        prompt = task.render([""], fields | {"tissue": first["tissue"]}).texts[0]
        assert f"{prompt}\nCell 1:" in model.prompts
        assert f"{prompt}\nCell 1: G1 G2\nCell 2:" in model.prompts
        record = new.uns["c2s"]["generate"]["params"]
        assert record["contexts"] == "contexts"
        assert list(record["cells_of_each"]) == contexts.table["n_cells"].tolist()

    def test_without_such_columns_any_cells_of_one_sample_are_asked_for(self, caplog: pytest.LogCaptureFixture) -> None:
        adata, model = self.drawn(groupby="donor", n_genes=2), fixed(" G1 G2 G3")
        model.tasks = ["generate_sample"]
        with caplog.at_level("INFO", logger="scc2s"):
            new = scc2s.tl.generate(adata, contexts="contexts", constrain=False, model=model)
        assert new.uns["c2s"]["generate"]["params"]["task"] == "generate_sample"
        assert new.obs["c2s_sentence"].tolist() == ["G1 G2"] * new.n_obs  # as many genes as the contexts have
        assert "does not name donor" in caplog.text

    def test_types_are_those_of_the_cells_in_their_order(self) -> None:
        adata, model = self.drawn({"cell_type": ["B cell", "T cell", "NK cell"] * 8}), fixed(" G1 G2")
        task = scc2s.prompts.get("generate_sample_by_cell_types")
        new = scc2s.tl.generate(adata, contexts="contexts", n_genes=2, constrain=False, model=model, prompt=task)
        held = [cell for some in get_contexts(adata).cells for cell in some]
        assert new.obs["cell_type"].tolist() == adata.obs.loc[held, "cell_type"].tolist()
        sizes = get_contexts(adata).table["n_cells"].tolist()
        first = "; ".join(adata.obs.loc[held[: sizes[0]], "cell_type"])
        assert any(f"in this order: {first}\n" in prompt for prompt in model.prompts)

    def test_a_context_of_one_cell_has_its_header_too(self) -> None:
        adata, model = self.drawn(n_cells=1), fixed(" G1")
        scc2s.tl.generate(
            adata, contexts="contexts", n_genes=1, constrain=False, model=model, prompt="{n_cells} cell of {tissue}:"
        )
        assert set(model.prompts) == {"1 cell of lung:\nCell 1:", "1 cell of blood:\nCell 1:"}

    def test_what_cells_disagree_in_cannot_be_told(self) -> None:
        adata = self.drawn(groupby="donor")
        with pytest.raises(ValueError, match="differ in 'tissue'.*groupby="):
            scc2s.tl.generate(adata, contexts="contexts", model="no such model", prompt="{n_cells} cells of {tissue}:")

    @pytest.mark.parametrize(
        ("arguments", "error", "said"),
        [
            ({"n": 2}, ValueError, "leave n=, obs= and cells_per_sample= out"),
            ({"obs": {"tissue": "lung"}}, ValueError, "leave n=, obs= and cells_per_sample= out"),
            ({"cells_per_sample": 2}, ValueError, "leave n=, obs= and cells_per_sample= out"),
            ({"contexts": "others"}, KeyError, "scc2s.pp.contexts"),
            ({"contexts": ["contexts"]}, TypeError, "contexts="),
            ({"prompt": "cells of {tissue}:"}, ValueError, "{n_cells}"),
            ({"prompt": "{multi_cell_sentences} {n_cells}:"}, ValueError, "pass prompt= without them"),
            ({"prompt": "{n_cells} cells of {mood}:"}, KeyError, "mood"),
        ],
    )
    def test_what_is_wrong_is_said_before_a_model_is_loaded(
        self, arguments: dict[str, Any], error: type[Exception], said: str
    ) -> None:
        with pytest.raises(error, match=said):
            scc2s.tl.generate(self.drawn(), **{"contexts": "contexts", "model": "no such model", **arguments})

    def test_contexts_of_other_cells_and_columns_that_new_cells_have_are_refused(self) -> None:
        adata = self.drawn()
        with pytest.raises(KeyError, match="not in the data"):
            scc2s.tl.generate(adata[:2].copy(), contexts="contexts", model="no such model")
        adata.uns["c2s"]["contexts"]["table"]["c2s_sentence"] = "x"
        with pytest.raises(ValueError, match="'c2s_sentence', which the new cells get"):
            scc2s.tl.generate(adata, contexts="contexts", model="no such model")

    def test_a_tiny_model_writes_them_from_genes_alone_and_they_survive_files(
        self, blood: ad.AnnData, tiny: Callable[..., object], tmp_path: Path
    ) -> None:
        scc2s.pp.rank_fit(blood)
        scc2s.pp.contexts(blood, groupby="bulk_labels", n_cells=(2, 3), n_contexts=1)
        new = scc2s.tl.generate(
            blood, contexts="contexts", n_genes=6, model=tiny(context=256), prompt="{n_cells} cells of {bulk_labels}:"
        )
        assert new.n_obs == get_contexts(blood).table["n_cells"].sum()
        assert (new.obs[["c2s_valid", "c2s_unique"]].to_numpy() == 1).all()
        assert new.obs["c2s_sentence"].nunique() > 1
        new.write_h5ad(tmp_path / "new.h5ad")
        again = ad.read_h5ad(tmp_path / "new.h5ad")
        assert again.obs["c2s_context"].tolist() == new.obs["c2s_context"].tolist()


def test_a_model_that_ends_early_or_writes_no_genes_is_flagged(caplog: pytest.LogCaptureFixture) -> None:
    short = scc2s.tl.generate(cells(), 2, n_genes=9, model=fixed(" G1 G1 what"), constrain=False)
    assert short.obs["c2s_valid"].tolist() == pytest.approx([2 / 3] * 2)
    assert short.obs["c2s_unique"].tolist() == [0.5, 0.5]
    assert not short.obs["c2s_complete"].any()
    assert "2 of 2 cells ended before" in caplog.text
    empty = scc2s.tl.generate(cells(), 2, n_genes=9, model=fixed(""), constrain=False)
    assert empty.obs["c2s_valid"].isna().all()
    assert empty.X.nnz == 0


@pytest.mark.slow
def test_results_survive_h5ad_and_zarr_and_go_on_as_cells_do(tmp_path: Path, blood: ad.AnnData) -> None:
    scc2s.pp.rank_fit(blood)
    new = scc2s.tl.generate(blood, 3, obs={"cell_type": ["B cell", "T/NK cell"]}, n_genes=10)
    new.write_h5ad(tmp_path / "a.h5ad")
    new.write_zarr(tmp_path / "a.zarr")
    for back in (ad.read_h5ad(tmp_path / "a.h5ad"), ad.read_zarr(tmp_path / "a.zarr")):
        assert (back.X != new.X).nnz == 0
        assert back.uns["c2s"]["generate"]["params"]["share_valid"] == 1
        scc2s.tl.perturb(back, "IFN-beta", n_genes=5, controls=False)
        scc2s.tl.generate(back, 1, n_genes=5)


def test_mudata_is_read_through_its_modality() -> None:
    adata = cells()
    new = scc2s.tl.generate(md.MuData({"rna": adata}), 2, n_genes=3, model=fixed(), constrain=False)
    assert new.n_vars == adata.n_vars


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"obs": {"cell_type": "B", "tissue": "lung"}}, ValueError, r"has no \{tissue\}.*prompt="),
        ({"prompt": "{tissue}:"}, KeyError, r"obs=\{'tissue'"),
        ({"prompt": "{cell_sentence}"}, ValueError, "sc.tl.c2s_perturb"),
        ({"obs": {"cell_type": ["B", None]}}, ValueError, "missing values"),
        ({"n_genes": 0}, ValueError, "n_genes=0"),
        ({"n_genes": 41, "constrain": True}, ValueError, "n_genes="),
        ({"n": 0}, ValueError, "n=0"),
        ({"temperature": -1}, ValueError, "temperature"),
        ({"top_p": 0}, ValueError, "top_p"),
    ],
)
def test_bad_input_is_told_what_to_pass(arguments: dict, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        scc2s.tl.generate(cells(), **{"n_genes": 3, "model": fixed(), "constrain": False, **arguments})


def test_data_without_a_fit_is_told_the_call_that_makes_it() -> None:
    adata = cells()
    del adata.uns["c2s"]["rank_fit"]
    with pytest.raises(KeyError, match="sc.pp.c2s_rank_fit"):
        scc2s.tl.generate(adata, 1)


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"n": 2.5}, TypeError, "n= a number from 1"),
        ({"n": True}, TypeError, "n= a number from 1"),
        ({"cells_per_sample": 0}, ValueError, "cells_per_sample= a number from 1"),
        ({"n": 3, "cells_per_sample": 2}, ValueError, "multiple of cells_per_sample=2"),
        ({"n_genes": 900}, ValueError, "at most 40"),
        ({"obs": 5}, TypeError, "column: value or list"),
        ({"obs": {"a/b": "x"}}, ValueError, "without '/'"),
        ({"obs": {"c2s_sentence": "x"}}, ValueError, "another name"),
        ({"obs": {"cell_type": []}}, ValueError, "no row"),
        ({"prompt": "{tissue}:"}, KeyError, r"obs=\{'tissue'"),
        ({"prompt": "{cell_sentence}"}, ValueError, "sc.tl.c2s_perturb"),
        ({"prompt": 5}, TypeError, "a template as text"),
        ({"organism": 5}, TypeError, "organism="),
        ({"fit": 5}, TypeError, "RankFit"),
        ({"sentence_key": None}, TypeError, "sentence_key="),
        ({"cache": 5}, TypeError, "path of a file"),
    ],
)
def test_what_is_wrong_is_said_before_a_model_is_loaded(change: dict, error: type[Exception], said: str) -> None:
    adata = cells()
    with pytest.raises(error, match=said):
        scc2s.tl.generate(adata, **({"n": 2, "model": "/there/is/no/such/model"} | change))
    with pytest.raises(FileNotFoundError):
        scc2s.tl.generate(adata, 2, model="/there/is/no/such/model")


def test_genes_of_a_data_set_without_cells_can_be_written_and_none_without_genes() -> None:
    adata = cells()
    new = scc2s.tl.generate(adata[:0].copy(), 2, n_genes=3, model=fixed(), constrain=False)
    assert new.shape == (2, 40)
    with pytest.raises(ValueError, match="adata has no genes"):
        scc2s.tl.generate(adata[:, :0].copy(), 2, model=fixed())


def test_sentences_of_new_cells_can_be_made_again_in_place() -> None:
    new = scc2s.tl.generate(cells(), 2, n_genes=3, model=fixed(), constrain=False)
    scc2s.pp.sentences(new)
    assert new.obs["c2s_sentence"].tolist() == ["G1 G2 G3"] * 2
    scc2s.tl.perturb(new, "x", model=identity(), constrain=False, controls=False)
    assert new.obs["c2s_perturbed_sentence"].tolist() == ["G1 G2 G3"] * 2


def written(texts: list[str]) -> CallableModel:
    """Writes these sentences in turns."""
    left = itertools.cycle(texts)
    return CallableModel(generate=lambda asked: [f" {next(left)}" for _ in asked])


def blood_types(blood: ad.AnnData) -> dict[str, list[str]]:
    """Sentences of two types of real cells."""
    found = blood.obs.groupby("bulk_labels", observed=True)["c2s_sentence"].apply(list)
    return {kind: found[kind] for kind in ("CD19+ B", "CD14+ Monocyte")}


def test_cells_stand_beside_real_ones_of_what_was_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    adata = sc.datasets.pbmc68k_reduced()
    scc2s.pp.sentences(adata, n_genes=30)
    scc2s.pp.rank_fit(adata)
    real = blood_types(adata)
    how = {"n_genes": 30, "constrain": False, "prompt": "{bulk_labels}:"}
    other = [text for kind in reversed(real) for text in real[kind][:12]]
    tables = {}
    for name, texts in (("right", [t for kind in real for t in real[kind][:12]]), ("wrong", other)):
        caplog.clear()
        new = scc2s.tl.generate(adata, 12, obs={"bulk_labels": list(real)}, model=written(texts), **how)
        found = new.uns["c2s"]["generate"]
        assert found["params"]["controls_note"] == ""
        tables[name] = found["controls"]
        assert ("does worse than drawing each gene on its own" in caplog.text) == (name == "wrong")
    own, not_own = (table.set_index(["metric", "group"]) for table in tables.values())
    energy = ("energy_distance", "mean over groups")
    assert own.loc[energy, "value_at_n"] < own.loc[energy, "floor_shuffled"] < not_own.loc[energy, "value_at_n"]
    assert own.loc[("knn_condition_accuracy", "all"), "value"] > 0.9
    assert not_own.loc[("knn_condition_accuracy", "all"), "value"] < 0.1
    told = ("classifier_auroc", "mean over groups")
    assert own.loc[told, "value_at_n"] < 0.7 < not_own.loc[told, "value_at_n"]
    assert own[["floor_marginal", "floor_thinned", "ceiling"]].notna().all(axis=None)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"controls": False}, "controls=False"),
        ({"obs": {"cell_type": "B"}}, "no column 'cell_type'"),
        ({"obs": {"type": "NK"}}, "no cell of adata is 'NK'"),
        ({"n": 2}, "needs 5 cells of a condition, has 2: pass n= at least 5"),
        ({"sentence_key": "none_sentence"}, "call sc.pp.c2s_sentences"),
    ],
)
def test_where_nothing_can_be_compared_the_record_says_why(how: dict, said: str) -> None:
    asked = {"n": 6, "obs": {"type": "B"}, "n_genes": 3, "model": fixed(), "constrain": False} | how
    prompt = "".join(f"{{{name}}}" for name in asked["obs"])
    new = scc2s.tl.generate(cells(), prompt=prompt, **asked)
    assert said in new.uns["c2s"]["generate"]["params"]["controls_note"]
    assert "controls" not in new.uns["c2s"]["generate"]


def test_cells_of_any_kind_stand_beside_all_real_cells() -> None:
    new = scc2s.tl.generate(cells(), 6, n_genes=3, model=fixed(), constrain=False)
    table = new.uns["c2s"]["generate"]["controls"].set_index("metric")
    assert set(table["group"]) == {"all cells", "all"}
    assert table.loc["spread", "value"] == 0
    assert "knn_condition_accuracy" not in table.index


def test_the_report_does_not_depend_on_the_order_of_the_real_cells() -> None:
    adata = cells(40)
    texts = adata.obs["c2s_sentence"].tolist()[:10]
    how = {"n_genes": 20, "constrain": False, "obs": {"type": ["B", "T"]}, "prompt": "{type}:"}
    both = [scc2s.tl.generate(data, 5, model=written(texts), **how) for data in (adata, adata[::-1].copy())]
    pd.testing.assert_frame_equal(*(new.uns["c2s"]["generate"]["controls"] for new in both))
