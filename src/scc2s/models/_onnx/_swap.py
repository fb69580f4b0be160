"""A new folder in the place of an old one, so that one of the two is always found, whenever the process is killed."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_DAY = 86400.0


def put(made: Path, target: Path) -> None:
    """Move a whole new folder to its place; the old one stands beside it until then, and is given back on failure.

    Raises
    ------
    OSError
        The folder cannot be moved; the old one is in its place.
    """
    before = _before(target)
    if before.exists() and target.exists():
        shutil.rmtree(before)
    if target.exists():
        target.rename(before)
    # Killed here, `restore` finds the old one.
    try:
        made.rename(target)
    except OSError:
        restore(target)
        raise
    shutil.rmtree(before, ignore_errors=True)


def restore(target: Path) -> None:
    """Put back what a process that was killed while it replaced the folder had moved away.

    Raises
    ------
    OSError
        The folder cannot be moved.
    """
    before = _before(target)
    if before.is_dir() and not target.exists():
        try:
            before.rename(target)
        except FileNotFoundError:  # another process has just done it
            if not target.exists():
                raise


def sweep(target: Path, prefix: str) -> None:
    """Delete half-written folders of processes that were killed: those beside the target that are a day old."""
    for left in target.parent.glob(f"{prefix}*"):
        if left.is_dir() and left != _before(target) and time.time() - left.stat().st_mtime > _DAY:
            shutil.rmtree(left, ignore_errors=True)


def _before(target: Path) -> Path:
    return target.with_name(f".{target.name}.before")
