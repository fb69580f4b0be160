from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_TEXTS = ("unread_genes", "organisms")
_LISTS = ("wordings", "perturbations")


@dataclass(frozen=True)
class Taught:
    """What a model was taught beyond its labels and tasks, as its ``scc2s.json`` declares it; all of it is optional.

    Examples
    --------
    >>> Taught(unread_genes=["RPL3"]).read("CD3D RPL3 CD3E")
    'CD3D CD3E'
    """

    unread_genes: list[str] = field(default_factory=list)
    """Genes that are left out of its prompts, where the answer is not a cell."""
    organisms: list[str] = field(default_factory=list)
    """Organisms of its training cells."""
    wordings: dict[str, list[str]] = field(default_factory=dict)
    """Other wordings of its labels, and of the types above them."""
    parents: dict[str, str] = field(default_factory=dict)
    """The type above each type, as "T cell" above "CD4 T cell"."""
    perturbations: dict[str, list[str]] | None = None
    """Perturbations that it knows, each with other spellings of its name; ``None``: not declared."""
    none_label: str | None = None
    """Its answer for a cell of a type that it was not taught."""
    temperature: float = 1.0
    """What its scores of labels are divided by, so that their probabilities are right as often as they say; fitted on a
    study that was not trained on."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_unread", frozenset(self.unread_genes))

    def read(self, sentence: str) -> str:
        """A sentence as the model reads it; whole, where nothing else would be left."""
        unread: frozenset[str] = self.__dict__["_unread"]
        if not unread:
            return sentence
        return " ".join(word for word in sentence.split() if word not in unread) or sentence

    def to_dict(self) -> dict[str, Any]:
        """What can be written into a file."""
        return asdict(self)


def taught(model: object) -> Taught:
    """What a model declares; nothing, where it is of a kind that cannot."""
    found = getattr(model, "taught", None)
    return found if isinstance(found, Taught) else Taught()


def read_taught(said: Mapping[str, Any], path: Path) -> Taught:
    """The part of ``scc2s.json`` that tells what a model was taught.

    Raises
    ------
    ValueError
        A damaged file.
    """
    known: dict[str, Any] = {name: said[name] for name in Taught.__dataclass_fields__ if said.get(name) is not None}
    right = (
        all(_texts(known.get(name, [])) for name in _TEXTS)
        and all(isinstance(of := known.get(name, {}), dict) and all(map(_texts, of.values())) for name in _LISTS)
        and isinstance(above := known.get("parents", {}), dict)
        and all(isinstance(one, str) for one in above.values())
        and (isinstance(known.get("none_label", "x"), str) and known.get("none_label", "x") != "")
        and isinstance(t := known.get("temperature", 1.0), int | float)
        and not isinstance(t, bool)
        and 0 < t < float("inf")
    )
    if not right:
        msg = (
            f"{path} is damaged: 'unread_genes' and 'organisms' are lists of texts, 'wordings' and 'perturbations' "
            "hold one list for each name, 'parents' one text, 'none_label' is a text, 'temperature' a number above 0; "
            "write it again"
        )
        raise ValueError(msg)
    return Taught(**known)


def write_taught(what: Taught, folder: Path) -> None:
    """Write it into the folder of a model."""
    text = json.dumps({name: value for name, value in what.to_dict().items() if value}, indent=1, ensure_ascii=False)
    (folder / "scc2s.json").write_text(text + "\n", encoding="utf-8")


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)
