"""What a folder says about its corpus: settings, shards that are finished, and where the cells of each task are."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from scc2s._io import write_text
from scc2s._logging import logger

from ._corpus_settings import Reading, Settings, in_pairs
from ._corpus_shards import ShardReader, naming_full_disks

if TYPE_CHECKING:
    from pathlib import Path

CONTROLS = "controls.arrow"
_NAME = "corpus.json"
_FORMAT = 1


@dataclass(frozen=True)
class Shard:
    """A file that is finished."""

    name: str
    n_cells: int
    next_row: int
    """Number of the first cell, of all that have come, that is in no shard up to this one."""
    n_genes: int
    """Words that were known then."""
    n_bytes: int
    crc: int
    """CRC-32 of the file, which Arrow does not keep itself."""
    digest: str
    """Of the names of all cells that have come up to `next_row`."""


@dataclass(frozen=True)
class Place:
    """A block, and how many of its cells each task may be asked about."""

    shard: int
    block: int
    part: str
    n_cells: int
    of_task: tuple[int, ...]


@dataclass
class Manifest:
    """All that is kept beside the shards."""

    settings: Settings
    reading: Reading
    genes: list[str] = field(default_factory=list)
    shards: list[Shard] = field(default_factory=list)
    n_rows: int | None = None
    """Cells that have come; ``None`` until all have."""
    places: list[Place] | None = None
    """``None`` until the corpus is finished."""

    def write(self, folder: Path) -> None:
        """Put it in the folder in one step."""
        text = json.dumps(
            {
                "format": _FORMAT,
                "settings": self.settings.to_dict(),
                "reading": self.reading.to_dict(),
                "n_rows": self.n_rows,
                "shards": [asdict(shard) for shard in self.shards],
                "places": None if self.places is None else [[*asdict(place).values()] for place in self.places],
                "genes": self.genes,
            },
            ensure_ascii=False,
        )
        with naming_full_disks(folder):
            write_text(text, folder / _NAME)


def read_manifest(folder: Path) -> Manifest | None:
    """What a folder says; ``None`` where it holds no corpus.

    Raises
    ------
    ValueError
        If it cannot be read.
    """
    path = folder / _NAME
    try:
        said: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        form = said["format"]
        found = _manifest(said) if form == _FORMAT else None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        msg = f"{path} is damaged ({type(error).__name__}: {error}); remove the folder and build the corpus again"
        raise ValueError(msg) from error
    if found is None:
        msg = f"{path} is of format {form!r}, here is {_FORMAT}; pass a new folder="
        raise ValueError(msg)
    return found


def _manifest(said: dict[str, Any]) -> Manifest:
    places = said["places"]
    return Manifest(
        Settings.from_dict(said["settings"]),
        Reading.from_dict(said["reading"]),
        list(said["genes"]),
        [Shard(**shard) for shard in said["shards"]],
        said["n_rows"],
        None if places is None else [Place(s, b, part, n, tuple(of)) for s, b, part, n, of in places],
    )


def without_broken(manifest: Manifest, folder: Path) -> Manifest:
    """The shards up to the first that is not whole, which is named; those after it are made again too."""
    for i, shard in enumerate(manifest.shards):
        path = folder / shard.name
        lacks = _lacking(path, shard)
        if lacks is not None:
            logger.warning("%s is not whole (%s); it and those after it are made again", path, lacks)
            shards = manifest.shards[:i]
            n_genes = shards[-1].n_genes if shards else 0
            return Manifest(manifest.settings, manifest.reading, manifest.genes[:n_genes], shards)
    if manifest.places is not None and any(in_pairs(task) for task in manifest.settings.tasks):
        try:
            ShardReader(folder / CONTROLS, len(manifest.genes))
        except OSError as error:
            logger.warning("%s, which holds cells that are in the shards as well, is made again: %s", CONTROLS, error)
            manifest.places = None
    return manifest


def _lacking(path: Path, shard: Shard) -> str | None:
    if not path.is_file():
        return "it is not there"
    if (n := path.stat().st_size) != shard.n_bytes:
        return f"{n} bytes where there were {shard.n_bytes}"
    try:
        ShardReader(path, shard.n_genes)
    except OSError as error:
        return str(error.__cause__)
    return None
