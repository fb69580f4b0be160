from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import scc2s
from scc2s import prompts
from scc2s.models import CallableModel, Taught
from scc2s.tl._asking.question import ask
from scc2s.tl._asking.untaught import Untaught, compare

if TYPE_CHECKING:
    from scc2s.models import Model


def looked_at(
    model: Model, labels: list[str], sentence: str = "CD3D LYZ", organism: str = "human", **kwargs: str
) -> Untaught:
    obs = pd.DataFrame({"c2s_sentence": [sentence, sentence]}, index=["a", "b"])
    adata = ad.AnnData(np.ones((2, 1), dtype="float32"), obs=obs)
    task = prompts.get("cell_type")
    question = ask(adata, task, model, organism=organism, sentence_key="c2s_sentence")
    return compare(model, question, labels, **{"target": "cell_type", **kwargs})


def planted(**attributes: object) -> CallableModel:
    model = CallableModel(score=lambda p, c: np.zeros((len(p), len(c))), id="planted", labels=["B cell", "T cell"])
    for name, value in attributes.items():
        setattr(model, name, value)
    return model


def test_labels_in_a_wording_that_was_not_taught_are_named(caplog: pytest.LogCaptureFixture) -> None:
    found = looked_at(planted(), ["B cell", "T cells", "neuron"])
    assert found.labels == ["T cells", "neuron"]
    found.say(planted(), 3)
    assert "planted was not taught 2 of 3 labels: 'T cells' (it knows 'T cell'), 'neuron';" in caplog.text


def test_declared_wordings_are_taught() -> None:
    model = planted(taught=Taught(wordings={"T cell": ["T cells", "T lymphocyte"]}))
    assert looked_at(model, ["T cells", "T lymphocyte", "T cell", "t cell"]).labels == ["t cell"]


def test_models_that_declare_none_and_other_targets_are_not_judged() -> None:
    assert looked_at(planted(labels=None), ["x"]).labels == []
    assert looked_at(planted(), ["blood"], target="tissue").labels == []


def test_organism_of_the_prompts_is_compared_with_the_declared_ones(caplog: pytest.LogCaptureFixture) -> None:
    assert looked_at(planted(), ["B cell"], organism="mouse").organisms == []
    model = planted(taught=Taught(organisms=["human"]))
    assert looked_at(model, ["B cell"]).organisms == []
    found = looked_at(model, ["B cell"], organism="mouse")
    assert found.organisms == ["Mus musculus"]
    found.say(model, 1)
    assert "about Mus musculus, and planted was trained on Homo sapiens only" in caplog.text


def test_the_catalogue_says_it_where_the_model_does_not() -> None:
    mini = scc2s.models.load("scc2s-mini")
    assert looked_at(mini, ["B cell"], organism="mouse").organisms == ["Mus musculus"]
    assert looked_at(mini, ["B cell"]).organisms == []


def test_words_without_a_token_are_counted_by_cell(caplog: pytest.LogCaptureFixture) -> None:
    mini = scc2s.models.load("scc2s-mini")
    found = looked_at(mini, ["B cell"], "CD3D LYZ Cd3d nonsense")
    assert found.read == pytest.approx([0.5, 0.5])
    assert looked_at(mini, ["B cell"]).read == pytest.approx([1, 1])
    caplog.clear()
    looked_at(mini, ["B cell"], "Cd3d Lyz2 Cd74").say(mini, 1)
    assert "100 % of the words of the sentences are genes that scc2s-mini has no token for" in caplog.text


def test_a_tokenizer_for_text_says_nothing_about_genes(caplog: pytest.LogCaptureFixture) -> None:
    from tiny_models import build_tokenizer

    model = planted(tokenizer=build_tokenizer(bos=True))
    found = looked_at(model, ["B cell"])
    assert found.own_tokens is not None
    assert found.read is None
    found.say(model, 1)
    assert "no token" not in caplog.text


def test_another_kind_of_tokenizer_is_left_alone() -> None:
    assert looked_at(planted(tokenizer=SimpleNamespace()), ["B cell"]).own_tokens is None
