"""Which weights a model has: the same hash means the same numbers."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from ._files import blobs_of
from ._shards import weight_files

if TYPE_CHECKING:
    from pathlib import Path

_SHA256 = re.compile(r"[0-9a-f]{64}")


def weights_hash(folder: Path) -> str:
    """SHA-256 of the safetensors file that is loaded, or of the hashes of its parts in the order of their names.

    A file of the hub cache is a link to a file named by its own hash, so nothing is read; other files are read once.

    Raises
    ------
    FileNotFoundError, ValueError
        As :func:`scc2s.models._shards.weight_files`.
    """
    blobs = blobs_of(folder)
    parts = [_file_hash(path, blobs) for path in weight_files(folder)]
    return parts[0] if len(parts) == 1 else hashlib.sha256("".join(parts).encode()).hexdigest()


def _file_hash(path: Path, blobs: Path | None) -> str:
    target = path.resolve()
    if target.parent == blobs and _SHA256.fullmatch(target.name):
        return target.name
    there = target.stat()
    return _read_hash(target, there.st_size, there.st_mtime_ns)


@lru_cache(maxsize=256)
def _read_hash(path: Path, _size: int, _time: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
