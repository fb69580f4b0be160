"""A model whose folder does not say which prompts it was trained on is not taken for one of ours."""

from __future__ import annotations

import json
import logging
import shutil

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from anndata import AnnData

import scc2s
from scc2s import models
from scc2s.models import _family
from scc2s.models._family import recognise

# A published model as small as the tests need it.
PUBLISHED = {
    "id": "vandijklab/C2S-Pythia-410m-cell-type-prediction",
    "family": "cell2sentence",
    "base": "EleutherAI/pythia-410m",
    "layers": 3,
    "width": 32,
}


@pytest.fixture
def folder(tmp_path, model_folder, monkeypatch):
    """A folder as `hf download ... --local-dir` leaves it: no scc2s.json."""
    monkeypatch.setattr(_family, "entries", lambda: (PUBLISHED,))
    return shutil.copytree(model_folder("gpt_neox"), tmp_path / "model")


def cells() -> AnnData:
    counts = np.random.default_rng(0).poisson(2.0, (4, 6)).astype(np.float32) + 1
    adata = AnnData(sp.csr_matrix(counts), var=pd.DataFrame(index=["CD3D", "LYZ", "NKG7", "GNLY", "FTL", "B2M"]))
    scc2s.pp.sentences(adata)
    return adata


def test_a_folder_that_says_nothing_is_of_no_family_and_its_use_warns(folder, caplog):
    model = models.load(folder, device="cpu", dtype="float32")
    assert model.family == "unknown"
    with caplog.at_level(logging.WARNING, logger="scc2s"):
        scc2s.tl.embed(cells(), model=model)
    assert "was not trained on the prompts of this package" in caplog.text
    assert "family=" in caplog.text


def test_the_user_may_say_the_family(folder, caplog):
    model = models.load(folder, device="cpu", dtype="float32", family="scc2s")
    assert model.family == "scc2s"
    assert models.load(folder, device="cpu", dtype="float32").family == "unknown"  # not the one kept from before
    with caplog.at_level(logging.WARNING, logger="scc2s"):
        scc2s.tl.embed(cells(), model=model)
    assert "was not trained" not in caplog.text
    with pytest.raises(ValueError, match='family="cell2sentence"'):
        models.load(folder, family=" ")
    with pytest.raises(ValueError, match=r"an object is used as it is"):
        models.load(model, family="scc2s")


def test_what_the_folder_declares_comes_before_what_it_looks_like(folder):
    said = json.loads((folder / "config.json").read_text()) | {"_name_or_path": PUBLISHED["id"]}
    (folder / "config.json").write_text(json.dumps(said))
    (folder / "scc2s.json").write_text(json.dumps({"family": "mine"}))
    assert models.load(folder).family == "mine"


@pytest.mark.parametrize("name", [PUBLISHED["id"], "/home/me/C2S-Pythia-410m-cell-type-prediction/"])
def test_a_published_model_is_known_by_its_config(folder, name):
    said = json.loads((folder / "config.json").read_text()) | {"_name_or_path": name}
    (folder / "config.json").write_text(json.dumps(said))
    assert recognise(folder) == "cell2sentence"
    assert models.load(folder).family == "cell2sentence"


@pytest.mark.parametrize(
    ("card", "known"),
    [
        (f"---\nbase_model: {PUBLISHED['id']}\nlicence: mit\n---\n# Mine\n", True),
        (f"---\nbase_model:\n- {PUBLISHED['id']}\n---\n", True),
        (f"# Model\nAutoModelForCausalLM.from_pretrained('{PUBLISHED['id']}')\n", True),
        ("# C2S-Pythia-410m-cell-type-prediction\n", True),
        (f"# Another\nUnlike {PUBLISHED['id']}, this model reads proteins.\n", False),
        ("", False),
    ],
)
def test_a_published_model_is_known_by_its_card(folder, card, known):
    (folder / "README.md").write_text(card)
    assert (recognise(folder) == "cell2sentence") is known


def test_a_card_that_names_a_model_of_another_size_is_not_believed(folder, monkeypatch):
    (folder / "README.md").write_text(f"---\nbase_model: {PUBLISHED['id']}\n---\n")
    monkeypatch.setattr(_family, "entries", lambda: (PUBLISHED | {"width": 64},))
    assert recognise(folder) is None


def test_the_catalogue_has_the_sizes_that_recognition_needs():
    published = [one for one in models.catalogue().to_dict("records") if "/" in one["id"]]
    assert published
    assert all(one["layers"] > 0 and one["width"] > 0 for one in published)
