from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import scc2s
from scc2s.models import Taught
from scc2s.models._taught import read_taught, taught, write_taught

if TYPE_CHECKING:
    from pathlib import Path


def test_what_was_declared_is_written_and_read_again(tmp_path: Path) -> None:
    declared = Taught(
        unread_genes=["RPL3"], organisms=["Homo sapiens"], wordings={"B cell": ["B lymphocyte"]},
        parents={"B cell": "lymphocyte"}, perturbations={"IFN-beta": []}, none_label="other", temperature=1.5,
    )  # fmt: skip
    write_taught(declared, tmp_path)
    assert read_taught(json.loads((tmp_path / "scc2s.json").read_text()), tmp_path) == declared


@pytest.mark.parametrize(
    "wrong",
    [
        {"unread_genes": "RPL3"}, {"organisms": [1]}, {"wordings": ["B cell"]}, {"wordings": {"B cell": "B"}},
        {"parents": {"B cell": ["lymphocyte"]}}, {"parents": []}, {"none_label": ""}, {"none_label": 1},
        {"temperature": 0}, {"temperature": True}, {"temperature": "1"}, {"temperature": float("inf")},
        {"perturbations": ["IFN-beta"]},
    ],
)  # fmt: skip
def test_a_damaged_declaration_is_refused(wrong: dict, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="write it again"):
        read_taught(wrong, tmp_path / "scc2s.json")


def test_a_sentence_of_nothing_but_unread_genes_stays_whole() -> None:
    assert Taught(unread_genes=["A", "B"]).read("A B") == "A B"
    assert Taught().read("A B") == "A B"


def test_models_of_ones_own_need_not_declare_anything() -> None:
    assert taught(object()) == Taught()


def test_the_model_of_the_package_declares_its_types_and_their_order() -> None:
    declared = taught(scc2s.models.load("scc2s-mini"))
    labels = scc2s.models.load("scc2s-mini").labels
    assert declared.parents["naive CD4 T cell"] == "CD4 T cell"
    assert "T lymphocyte" in declared.wordings["T cell"]
    known = {*labels, *declared.parents, *declared.parents.values()}
    assert known <= set(declared.wordings)  # which has types that it was taught and does not declare, too
    assert declared.perturbations is not None and list(declared.perturbations) == ["IFN-beta"]
