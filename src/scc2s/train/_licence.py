from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scc2s.models._catalogue import entry

if TYPE_CHECKING:
    from pathlib import Path

_HEAD = re.compile(r"---\s*\n(.*?)\n---\s*(?:\n|$)", flags=re.DOTALL)
_LINE = re.compile(r"^license(_name)?:\s*[\"']?([^\"'\n]+?)[\"']?\s*$", flags=re.MULTILINE)


def licence_of(name: str, folder: Path | None) -> str | None:
    """Licence of a model, as the catalogue or the head of its card says; ``None`` where neither does."""
    if (listed := entry(name)) is not None:
        return str(listed["licence"])
    path = None if folder is None else folder / "README.md"
    if path is None or not path.is_file():
        return None
    head = _HEAD.match(path.read_text(encoding="utf-8", errors="replace"))
    found = {kind or "": text.strip() for kind, text in _LINE.findall(head[1] if head else "")}
    return found.get("_name") or found.get("") or None
