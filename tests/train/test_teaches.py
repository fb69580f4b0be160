from __future__ import annotations

import pandas as pd

from scc2s import prompts
from scc2s.models._folder import Declared
from scc2s.models._taught import Taught
from scc2s.train._teaches import declaration


def asked(name: str, sentence: str, completion: str, **fields: str) -> dict[str, str]:
    (prompt,) = prompts.get(name).render([sentence], {name: [text] for name, text in fields.items()}).texts
    return {"prompt": prompt, "completion": completion, "task": name}


HUMAN = asked("cell_type", "CD3D LYZ", " B cell", organism="Homo sapiens")
MOUSE = asked("cell_type", "Cd3d", " T cell", organism="Mus musculus")
SHIFT = asked("perturb", "CD3D", " LYZ", organism="Homo sapiens", perturbation="IFN-beta")
NOTHING = asked("perturb", "CD3E", " LYZ", organism="Homo sapiens", perturbation=prompts.NO_PERTURBATION)


def test_what_is_taught_is_read_off_the_samples() -> None:
    said = declaration(pd.DataFrame([HUMAN, MOUSE, MOUSE, SHIFT, NOTHING]), "unknown", Declared())
    assert said == {
        "family": "scc2s",
        "tasks": ["cell_type", "perturb"],
        "labels": ["T cell", "B cell"],
        "organisms": ["Homo sapiens", "Mus musculus"],
        "perturbations": {"IFN-beta": []},
    }


def test_it_adds_to_what_the_base_declares_and_drops_what_no_longer_holds() -> None:
    base = Declared(
        "scc2s",
        ["NK cell"],
        ["caption"],
        Taught(unread_genes=["LYZ"], organisms=["Homo sapiens"], none_label="none of these", temperature=1.3),
    )
    said = declaration(pd.DataFrame([HUMAN]), "scc2s", base)
    assert said["tasks"] == ["caption", "cell_type"]
    assert said["labels"] == ["B cell"]
    assert not {"temperature", "none_label", "unread_genes"} & said.keys()
    kept = declaration(pd.DataFrame([SHIFT]), "scc2s", base)
    assert kept["labels"] == ["NK cell"]
    assert kept["unread_genes"] == ["LYZ"]
    assert kept["none_label"] == "none of these"


def test_prompts_of_nobody_leave_the_family_of_the_base() -> None:
    own = pd.DataFrame({"prompt": ["What is A?"], "completion": [" x"], "task": ["mine"]})
    assert declaration(own, "cell2sentence", Declared()) == {"family": "cell2sentence", "tasks": ["mine"]}
    assert "family" not in declaration(own, "unknown", Declared())
