"""Which prompts a model was trained on, told by what its folder says of itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ._catalogue import entries
from ._files import read_object
from ._settings_of import text_part

if TYPE_CHECKING:
    from pathlib import Path

UNKNOWN = "unknown"
"""Family of a model of which nobody said what it was trained on."""


def recognise(folder: Path) -> str | None:
    """Family of a published checkpoint, or of a model trained from one; ``None`` where the folder does not tell.

    What counts is that the id of a model of :func:`scc2s.models.catalogue` stands in the config (``_name_or_path``) or
    in the card (README.md: ``base_model`` of its head, or code that loads the model), and that layers, width and
    architecture are those of that model: the name alone may only be mentioned.
    """
    config = read_object(folder / "config.json")
    known = {_bare(one["id"]): one for one in entries() if "/" in one["id"]}
    for name in (*_names_in(config), *_names_in_card(folder)):
        found = known.get(_bare(name))
        if found is not None and _fits(found, config):
            return str(found["family"])
    return None


def _bare(name: str) -> str:
    """A hub id or the folder that it was downloaded to, without the owner."""
    return re.split(r"[/\\]", name.rstrip("/\\"))[-1].casefold()


def _names_in(config: dict[str, Any]) -> list[str]:
    said = config.get("_name_or_path")
    return [said] if isinstance(said, str) and said else []


def _names_in_card(folder: Path) -> list[str]:
    path = folder / "README.md"
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8", errors="replace")
    head = re.match(r"---\s*\n(.*?)\n---\s*\n", text, flags=re.DOTALL)
    bases = re.findall(r"^(?:base_model|model_name):(.*(?:\n\s*-.*)*)", head[1] if head else "", flags=re.MULTILINE)
    called = re.findall(r"from_pretrained\(\s*[\"']([^\"']+)", text) + re.findall(
        r"^#\s+(\S+)\s*$", text, flags=re.MULTILINE
    )
    return [name for base in bases for name in re.findall(r"[\w./-]+/[\w.-]+", base)] + called


def _fits(published: dict[str, Any], config: dict[str, Any]) -> bool:
    text = text_part(config)
    kind = "gemma2" if "gemma" in str(published["base"]).casefold() else "gpt_neox"
    sizes = (text.get("num_hidden_layers"), text.get("hidden_size"))
    return config.get("model_type") == kind and sizes == (published.get("layers"), published.get("width"))
