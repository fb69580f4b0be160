"""Files of a model folder: whether they are what their names say, and lie inside it."""

from __future__ import annotations

import json
import re
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_POINTER = b"version https://git-lfs.github.com/spec/"
_BLOB = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def read_object(path: Path) -> dict[str, Any]:
    """The object that a JSON file holds; empty where there is no such file.

    Raises
    ------
    ValueError
        Not JSON, or JSON of another kind.
    """
    if not path.is_file():
        if path.exists() or path.is_symlink():
            msg = f"{path} is not a file (a folder, or a link that leads nowhere); copy or download it again"
            raise ValueError(msg)
        return {}
    refuse_pointer(path)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        msg = f"{path} is damaged: it is not JSON ({error}); copy or download it again"
        raise ValueError(msg) from error
    if not isinstance(found, dict):
        msg = f"{path} holds a JSON {_kind(found)} where an object {{...}} belongs; copy or download it again"
        raise ValueError(msg)
    return found


def refuse_pointer(path: Path) -> None:
    """Refuse a file that stands for another one, and an empty one.

    Raises
    ------
    ValueError
        An empty file, or the pointer that Git leaves where its extension for large files is not installed.
    """
    with path.open("rb") as file:
        start = file.read(len(_POINTER))
    if not start:
        msg = f"{path} is empty, as after a download that was cut off; copy or download it again"
        raise ValueError(msg)
    if start == _POINTER:
        msg = (
            f"{path} is a Git LFS pointer, not the file itself; fetch the file: run `git lfs pull` in the folder, or "
            "`hf download ID --local-dir FOLDER`"
        )
        raise ValueError(msg)


def inside(folder: Path, name: object, said_by: str) -> Path:
    """A file that another one names, which has to lie in the folder.

    Parameters
    ----------
    folder
        The folder.
    name
        As it is named.
    said_by
        What names it, for messages.

    Raises
    ------
    ValueError
        A name that leads out of the folder, or a link that does.
    """
    if not isinstance(name, str) or not name:
        msg = f"{name!r} in {folder} ({said_by}) is not the name of a file; download the folder again"
        raise ValueError(msg)
    windows = PureWindowsPath(name)
    parts = {*PurePosixPath(name).parts, *windows.parts}
    path = folder / name
    if (
        ".." in parts
        or "\0" in name
        or name.startswith("/")
        or windows.drive
        or windows.root
        or not _kept(folder, path)
    ):
        msg = (
            f"{folder / name} ({said_by}) is not inside the folder, and weights are only read from there: put the file "
            "itself there, or save the model again: save_pretrained(folder)"
        )
        raise ValueError(msg)
    return path


def in_hub_cache(target: Path) -> bool:
    """Whether a file lies where the hub cache keeps what its snapshot folders link to, named by its hash."""
    return target.parent.name == "blobs" and _BLOB.fullmatch(target.name) is not None


def _kept(folder: Path, path: Path) -> bool:
    try:
        target = path.resolve()
    except (OSError, RuntimeError):  # links in a circle
        return False
    return target.is_relative_to(folder.resolve()) or in_hub_cache(target)


def _kind(value: object) -> str:
    names = {list: "list", str: "text", bool: "truth value", type(None): "null"}
    return names.get(type(value), "number")
