from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from cell_writers import GENES, cells, identity

import scc2s
from scc2s.models import CallableModel
from scc2s.prompts import custom
from scc2s.sentences import RankFit
from scc2s.tl._asking.decoding import Decoding
from scc2s.tl._writing.responses import Asker
from scc2s.tl._writing.shared_genes import SharedGenes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import anndata as ad
    import pytest

FREE = Decoding(constrain=False)


def asker(adata: ad.AnnData, model: Any, **changes: Any) -> Asker:
    given = {
        "data": adata,
        "model": model,
        "task": scc2s.prompts.get("perturb"),
        "decoding": FREE,
        "fit": RankFit(slope=-1, intercept=2),
        "organism": None,
        "sentence_key": "c2s_sentence",
        **changes,
    }
    every = np.arange(adata.n_obs)
    genes = SharedGenes.of(adata, every, "c2s_sentence", constrain=given["decoding"].constrain)
    return Asker(**given, genes=genes)


def about(rows: list[int], names: list[str], **fields: list[str]) -> tuple[np.ndarray, dict[str, list[str]]]:
    return np.array(rows), {"perturbation": names, **fields}


def test_rows_come_back_in_order_whatever_is_repeated_or_empty() -> None:
    adata = cells()
    adata.obs["c2s_sentence"] = ["", *adata.obs["c2s_sentence"][1:]]
    (got,) = asker(adata, identity()).ask([about([5, 0, 2, 5], list("abcd"))])
    assert got.sentences == [adata.obs["c2s_sentence"].iloc[row] for row in (5, 0, 2, 5)]
    assert got.validity["n_words"].tolist() == [20, 0, 20, 20]
    assert got.n_asked.tolist() == [20, 0, 20, 20]
    assert got.expression.shape == (4, len(GENES))
    assert (got.expression[0] != got.expression[3]).nnz == 0
    assert got.expression[1].nnz == 0


def test_each_row_is_asked_with_its_own_name_fields_and_columns_of_obs() -> None:
    prompts = []
    model = CallableModel(generate=lambda asked: [prompts.append(p) or "G1" for p in asked])
    task = custom("{cell_sentence}|{perturbation}|{dose}|{type}")
    asker(cells(), model, task=task).ask([about([1, 0], ["x", "y"], dose=["1", "2"])])
    assert [p.split("|")[1:] for p in prompts] == [["x", "1", "T"], ["y", "2", "B"]]


def test_several_questions_in_one_run_get_the_answers_that_each_gets_alone(
    blood: ad.AnnData, tiny: Callable[..., object]
) -> None:
    one = asker(blood, tiny(context=256), decoding=Decoding(n_genes=6, n_samples=2))
    questions = [about([2, 5], ["x", "y"]), about([7], ["z"]), about([2, 3, 4], ["x"] * 3)]
    together = one.ask(questions)
    for question, response in zip(questions, together, strict=True):
        (alone,) = one.ask([question])
        assert alone.written.texts == response.written.texts
        assert (alone.expression != response.expression).nnz == 0
    assert together[0].sentences[0] == together[2].sentences[0]


def test_a_second_run_with_a_cache_asks_nothing(tmp_path: Path) -> None:
    adata, model = cells(), identity(id="identity")
    keep = Decoding(constrain=False, cache=tmp_path / "answers.sqlite")
    (first,) = asker(adata, model, decoding=keep).ask([about(list(range(12)), ["x"] * 12)])
    asked = len(model.asked)
    (again,) = asker(adata, model, decoding=keep).ask([about(list(range(12)), ["x"] * 12)])
    assert again.written.texts == first.written.texts
    assert len(model.asked) == asked > 0


def test_a_cell_too_long_for_the_model_loses_genes_and_as_many_are_asked_for(
    blood: ad.AnnData, pieces: Callable[[str], object], caplog: pytest.LogCaptureFixture
) -> None:
    blood.obs["c2s_sentence"] = [" ".join([s] * 3) for s in blood.obs["c2s_sentence"]]
    (got,) = asker(blood, pieces("gpt_neox"), decoding=Decoding(n_genes=5)).ask([about([0, 1], ["x"] * 2)])
    assert got.n_shortened == 2
    assert "were shortened" in caplog.text
    assert got.validity["complete"].all()
