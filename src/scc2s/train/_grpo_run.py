"""Whether a folder holds the run that is asked for."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

_FILE = "run.json"
_MAY_CHANGE = {"epochs", "max_steps", "save_steps", "save_total_limit", "disable_tqdm"}
"""What makes a run longer, or is not about what it learns."""


def digest_of(prompts: pd.DataFrame) -> str:
    """Hash of the rows of a table."""
    text = prompts.to_json(orient="split", index=False, default_handler=str)
    return hashlib.blake2b(str(text).encode(), digest_size=8).hexdigest()


def check_same(folder: Path, settings: Mapping[str, Any]) -> None:
    """Refuse to go on with a run of other settings.

    Raises
    ------
    ValueError
        The folder holds a run of other settings, or a file that says no settings.
    """
    path = folder / _FILE
    if not path.is_file():
        return
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        kept = None
    if not isinstance(kept, dict):
        msg = f"{path} is damaged; pass another output_dir=, or delete this one to start anew"
        raise ValueError(msg)
    asked = json.loads(_text(settings))
    names = sorted(kept.keys() | asked.keys())
    if other := [name for name in names if kept.get(name) != asked.get(name) and name not in _MAY_CHANGE]:
        what = ", ".join(f"{name} {kept.get(name)!r}, now {asked.get(name)!r}" for name in other)
        msg = f"{folder} holds a run with other settings ({what}); pass another output_dir=, or the same settings"
        raise ValueError(msg)


def write_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    """Keep the settings of a run that begins."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _FILE).write_text(_text(settings) + "\n", encoding="utf-8")


def _text(settings: Mapping[str, Any]) -> str:
    return json.dumps(dict(settings), indent=1, sort_keys=True, default=str)
