"""Files that are either the old ones or the new ones, never half."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anndata import AnnData


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A path to write to, which takes the place of `path` in one step when the block ends without an error.

    It is a hidden file in the same folder (a rename is one step only within a file system) and is on the disk before
    the rename. A process killed on the way leaves that file behind, and `path` as it was.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.txt"
    >>> with replacing(path) as new:
    ...     _ = new.write_text("whole")
    >>> path.read_text()
    'whole'
    """
    target = Path(path).resolve()  # a link stays a link
    new = target.with_name(f".{target.stem}.{secrets.token_hex(4)}{target.suffix}")
    try:
        yield new
        _sync(new)
        new.replace(target)
    finally:
        new.unlink(missing_ok=True)
    if os.name == "posix":
        _sync(target.parent)


def write_h5ad(adata: AnnData, path: str | Path) -> None:
    """Write an h5ad file in one step."""
    with replacing(path) as new:
        adata.write_h5ad(new)


def write_text(text: str, path: str | Path) -> None:
    """Write a text file in one step."""
    with replacing(path) as new:
        new.write_text(text, encoding="utf-8")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
