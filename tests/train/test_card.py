from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from scc2s.models._family import recognise
from scc2s.train._base import Base
from scc2s.train._card import card
from scc2s.train._licence import licence_of

if TYPE_CHECKING:
    from pathlib import Path

LM = SimpleNamespace(config=SimpleNamespace(model_type="gpt_neox"))
SAMPLES = pd.DataFrame({"task": ["cell_type"] * 3 + ["caption"], "donor": ["a", "a", "b", None]})
HELD = pd.DataFrame({"task": ["cell_type"], "donor": ["c"]})
WHERE = {"title": "blood", "use": "A model."}


def test_a_card_has_data_splits_figures_settings_versions_and_licences() -> None:
    base = Base(LM, None, id="lab/base", revision="abc", weights_hash="f" * 64, licence="cc-by-4.0")
    text = card(base, SAMPLES, HELD, {"eval_loss": 0.5}, {"epochs": 2, "seed": 3}, license=None, **WHERE)
    head, body = text.split("---\n", 2)[1:]
    assert "license: cc-by-4.0\nbase_model: lab/base\n" in head
    for said in (
        "| cell_type | 3 | 1 |",
        "| caption | 1 | 0 |",
        "- donor: a, b; none of them is in the validation",
        "- `eval_loss`: 0.5",
        "- epochs: 2",
        "- seed: 3",
        "lab/base, revision abc",
        "f" * 64,
        "- Licence of the base: cc-by-4.0",
        "- Licence of this model: cc-by-4.0 (that of the base)",
        "Research use only",
        "transformers ",
    ):
        assert said in body, said


def test_what_is_not_known_is_said_and_donors_in_both_tables_are_counted() -> None:
    base = Base(LM, None, pretrained=False)
    text = card(base, SAMPLES, SAMPLES.head(1), {}, {}, license=None, **WHERE)
    assert "license: unknown" in text
    assert "random when training began" in text
    assert "not told by a model in memory" in text
    assert "1 are also validated on" in text
    given = card(base, SAMPLES, None, {}, {}, license="Gemma terms of use", **WHERE)
    assert 'license: "Gemma terms of use"' in given
    assert "No samples were held out" in given


@pytest.mark.parametrize(
    ("head", "found"),
    [
        ("---\nlicense: mit\n---\n# x", "mit"),
        ("---\ntags:\n- a\nlicense: other\nlicense_name: 'own terms'\n---\n", "own terms"),
        ("# x\nlicense: mit", None),
        ("", None),
    ],
)
def test_the_licence_of_a_base_is_that_of_its_card(tmp_path: Path, head: str, found: str | None) -> None:
    (tmp_path / "README.md").write_text(head)
    assert licence_of(str(tmp_path), tmp_path) == found


def test_the_catalogue_comes_first_and_a_folder_without_a_card_says_nothing(tmp_path: Path) -> None:
    assert licence_of("scc2s-mini", None) == "BSD-3-Clause, as this package"
    assert licence_of(str(tmp_path), tmp_path) is None


def test_a_card_of_a_folder_names_no_hub_id_as_base(tmp_path: Path) -> None:
    base = Base(LM, None, id="./models/base")
    (tmp_path / "README.md").write_text(card(base, SAMPLES, None, {}, {}, license=None, **WHERE))
    (tmp_path / "config.json").write_text('{"model_type": "gpt_neox"}')
    assert "base_model" not in (tmp_path / "README.md").read_text()
    assert recognise(tmp_path) is None
