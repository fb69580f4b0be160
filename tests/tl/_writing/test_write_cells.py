from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from cell_writers import GENES, by_rule, cells, identity

import scc2s
from scc2s.models import CallableModel
from scc2s.prompts import custom
from scc2s.sentences import RankFit
from scc2s.tl._writing.write_cells import Decoding, respond, tokens_for, write_cells

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import anndata as ad
    import pytest

FIT = RankFit(slope=-1, intercept=2)
FREE = Decoding(constrain=False)
TASK = scc2s.prompts.get("perturb")


def test_rows_come_back_in_order_whatever_is_repeated_or_empty() -> None:
    adata = cells()
    adata.obs["c2s_sentence"] = ["", *adata.obs["c2s_sentence"][1:]]
    rows = np.array([5, 0, 2, 5])
    got = respond(adata, identity(), TASK, rows, list("abcd"), decoding=FREE, fit=FIT)
    assert got.texts == [adata.obs["c2s_sentence"].iloc[row] for row in rows]
    assert got.parsed.n_words.tolist() == [20, 0, 20, 20]
    assert got.n_asked.tolist() == [20, 0, 20, 20]
    assert got.expression.shape == (4, len(GENES))
    assert (got.expression[0] != got.expression[3]).nnz == 0
    assert got.expression[1].nnz == 0


def test_each_row_is_asked_with_its_own_name_fields_and_columns_of_obs() -> None:
    adata, prompts = cells(), []
    model = CallableModel(generate=lambda asked: [prompts.append(p) or "G1" for p in asked])
    task = custom("{cell_sentence}|{perturbation}|{dose}|{type}")
    respond(adata, model, task, np.array([1, 0]), ["x", "y"], decoding=FREE, fit=FIT, fields={"dose": ["1", "2"]})
    assert [p.split("|")[1:] for p in prompts] == [["x", "1", "T"], ["y", "2", "B"]]


def test_draws_differ_and_each_is_the_same_in_any_company(blood: ad.AnnData, tiny: Callable[..., object]) -> None:
    model = tiny(context=256)
    kept = Decoding(n_genes=6)
    ask = {"task": TASK, "model": model, "decoding": kept, "fit": FIT}
    both = respond(blood, rows=np.array([2, 2, 3]), perturbations=["x"] * 3, draws=[0, 1, 0], **ask)
    assert len(set(both.texts)) == 3
    alone = respond(blood, rows=np.array([2]), perturbations=["x"], draws=[1], **ask)
    assert alone.texts == both.texts[1:2]


def test_a_second_run_with_a_cache_asks_nothing(tmp_path: Path) -> None:
    adata, model = cells(), identity(id="identity")
    keep = Decoding(constrain=False, cache=tmp_path / "answers.sqlite")
    first = respond(adata, model, TASK, np.arange(12), ["x"] * 12, decoding=keep, fit=FIT)
    asked = len(model.asked)
    again = respond(adata, model, TASK, np.arange(12), ["x"] * 12, decoding=keep, fit=FIT)
    assert again.texts == first.texts
    assert len(model.asked) == asked > 0


def test_an_answer_is_read_without_what_stands_around_it_and_cut_at_the_length_asked_for() -> None:
    adata = cells()
    task = custom("{cell_sentence} {perturbation}", response=" The cell: {perturbed_sentence}. End")
    model = CallableModel(generate=lambda prompts: [" The cell: G1 G2 G3. End"] * len(prompts))
    got = write_cells(adata, model, ["a"], n_genes=5, decoding=FREE, fit=FIT, task=task)
    assert got.texts == ["G1 G2 G3"]
    assert got.complete.tolist() == [False]
    cut = write_cells(adata, model, ["a"], n_genes=2, decoding=FREE, fit=FIT, task=task)
    assert cut.texts == ["G1 G2"]


def test_a_constrained_answer_begins_behind_the_words_in_front_of_it() -> None:
    adata, seen = cells(), []

    def generate(prompts: list[str], genes: object) -> list[str]:
        seen.extend([prompts, genes])
        return [" G1 G2"] * len(prompts)

    task = custom("{cell_sentence}", response=" The cell: {perturbed_sentence}")
    got = write_cells(
        adata, CallableModel(generate=generate), ["a", "b"], n_genes=[2, 1], decoding=Decoding(), fit=FIT, task=task
    )
    assert seen[0] == ["a The cell:", "b The cell:"]
    assert list(seen[1].names) == GENES
    assert list(seen[1].n_genes) == [2, 1]
    assert got.texts == ["G1 G2", "G1"]


def test_a_cell_too_long_for_the_model_loses_genes_and_as_many_are_asked_for(
    blood: ad.AnnData, pieces: Callable[[str], object], caplog: pytest.LogCaptureFixture
) -> None:
    blood.obs["c2s_sentence"] = [" ".join([s] * 3) for s in blood.obs["c2s_sentence"]]
    got = respond(blood, pieces("gpt_neox"), TASK, np.arange(2), ["x"] * 2, decoding=Decoding(n_genes=5), fit=FIT)
    assert got.n_shortened == 2
    assert "were shortened" in caplog.text
    assert got.complete.all()


def test_room_for_an_answer_covers_nearly_all_cells() -> None:
    rng = np.random.default_rng(0)
    words = ["x" * n for n in rng.integers(1, 9, 400)]
    model = CallableModel(generate=list)
    model.count_tokens = lambda texts: np.array([len(t) for t in texts])
    room = tokens_for(model, words, 50)
    drawn = [sum(len(w) + 1 for w in rng.choice(words, 50, replace=False)) for _ in range(500)]
    assert np.mean(np.array(drawn) <= room) > 0.99
    assert room < 1.3 * np.mean(drawn)


def test_validity_of_a_text_without_words_is_missing() -> None:
    adata = cells()
    model = by_rule(lambda genes, name: [])
    table = respond(adata, model, TASK, np.array([1]), ["x"], decoding=FREE, fit=FIT).validity()
    assert table["n_words"].tolist() == [0]
    assert table[["valid", "unique"]].isna().all(axis=None)
    assert not table["complete"].any()
