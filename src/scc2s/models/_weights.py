"""Which weights a model has: the same hash means the same numbers."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from ._files import in_hub_cache
from ._shards import INDEX, WHOLE, weight_files

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
    parts = [file_hash(path) for path in _parts(folder)]
    return parts[0] if len(parts) == 1 else hashlib.sha256("".join(parts).encode()).hexdigest()


def _parts(folder: Path) -> list[Path]:
    """What an index names; without one, and without a whole file, all that there is."""
    there = sorted(folder.glob("*.safetensors"))
    return there if there and not any((folder / name).exists() for name in (WHOLE, INDEX)) else weight_files(folder)


def file_hash(path: Path) -> str:
    """SHA-256 of one file."""
    target = path.resolve()
    if path.is_symlink() and in_hub_cache(target) and _SHA256.fullmatch(target.name):
        return target.name
    there = target.stat()
    return _read_hash(target, there.st_size, there.st_mtime_ns)


@lru_cache(maxsize=256)
def _read_hash(path: Path, _size: int, _time: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
