"""The folder beside a store in which a run keeps its state: plan, manifests, and what is done."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator


def run_folder(out: str | Path) -> Path:
    """Folder of the runs that write to `out`."""
    where = Path(out)
    return where.with_name(f"{where.name}.atlas")


def write_json(path: Path, value: Any) -> None:
    """Write a file that is there as a whole or not at all, and is on the disk."""
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with new.open("w", encoding="utf-8") as file:
            json.dump(value, file, default=as_json)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def read_json(path: Path) -> Any:
    """What such a file holds; ``None`` where it is not there or was damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def as_json(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    msg = f"{type(value).__name__} cannot be kept in a file; pass text, numbers, lists or dicts of such"
    raise TypeError(msg)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Let no other process run what writes here. The system lets go where a process dies.

    Raises
    ------
    RuntimeError
        If another one does.
    """
    folder.mkdir(exist_ok=True)
    if os.name != "posix":
        yield
        return
    import fcntl

    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            msg = f"another process writes what {folder} is about; wait for it, or call scc2s.atlas.status to see it"
            raise RuntimeError(msg) from error
        yield
