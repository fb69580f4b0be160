from __future__ import annotations

import socket

import pandas as pd
import pytest
from tiny_models import build_model

from scc2s import models, prompts
from scc2s.models._catalogue import entry, measure


def test_every_model_has_the_facts_that_a_choice_needs():
    table = models.catalogue()
    assert table["id"].is_unique
    assert table["id"].iloc[0] == "scc2s-mini"
    published = table[table["id"] != "scc2s-mini"]
    assert published["id"].str.fullmatch(r"[\w-]+/[\w.-]+").all()
    needed = ["size", "parameters", "layers", "width", "base", "family", "tasks", "context", "licence", "licence_seen"]
    assert published[needed].notna().all(axis=None)
    assert (published["licence_seen"].str.contains(r"20\d\d-\d\d")).all()
    assert (published["genes_min"].dropna() <= published["genes_max"].dropna()).all()


def test_the_published_families_are_all_there():
    table = models.catalogue()
    assert {"160M", "410M", "1B", "2B", "27B"} <= set(table["size"])
    assert table["id"].str.contains("Gemma-2-27B").any()


def test_memory_is_parameters_times_bytes():
    table = models.catalogue().dropna(subset="parameters")
    for dtype, size in {"float32": 4, "bfloat16": 2, "float16": 2}.items():
        exact = table["parameters"].astype(float) * size / 1e9
        assert (table[f"memory_{dtype}_gb"] - exact).abs().max() <= 0.05


def test_a_context_not_on_the_card_says_so():
    table = models.catalogue().set_index("id")
    guessed = table.loc["vandijklab/C2S-Pythia-410m-cell-type-prediction"]
    assert guessed["context"] == 2048
    assert "not on the card" in guessed["context_note"]


def test_families_are_known_to_the_prompts():
    families = set(models.catalogue()["family"])
    assert families == {"scc2s", "cell2sentence"}
    assert "scc2s" in prompts.families()


def test_changing_the_table_changes_nothing_for_others():
    models.catalogue()["licence"] = "mine"
    assert "mine" not in set(models.catalogue()["licence"])


def test_no_network(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert isinstance(models.catalogue(), pd.DataFrame)
    models.estimate(10, model="vandijklab/C2S-Scale-Gemma-2-2B")


@pytest.mark.parametrize("kind", ["gpt_neox", "gemma2"])
def test_a_folder_is_measured_without_loading_it(model_folder, kind):
    facts = measure(model_folder(kind))
    model = build_model(kind)
    assert facts["parameters"] == model.num_parameters()
    assert (facts["layers"], facts["width"], facts["context"]) == (3, 32, 512)
    assert facts["tied"] == model.config.tie_word_embeddings
    assert facts["weights_dtype"] == "float32"


def test_what_is_not_there_is_not_measured(tmp_path):
    assert measure(tmp_path) == {}
    assert entry("nobody/nothing") is None
