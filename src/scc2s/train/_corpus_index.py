"""The last step of a corpus: where the cells of each task are, and the control cells that prompts show."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import numpy as np

from scc2s._io import replacing
from scc2s._logging import logger
from scc2s.sentences import name_hashes

from ._corpus_manifest import CONTROLS, Place
from ._corpus_rows import CONTROL, PERTURBED, has_all
from ._corpus_settings import fields_of, in_pairs
from ._corpus_shards import ShardFile, ShardReader, naming_full_disks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scc2s.prompts import Task

    from ._corpus_manifest import Manifest
    from ._corpus_settings import Settings
    from ._corpus_shards import Block


def index(manifest: Manifest, folder: Path) -> list[Place]:
    """Count the cells of each task in each block; with pairs also write the control cells, some of each group.

    Which control cells are taken depends on their names alone. Both are functions of the shards.
    """
    paired = any(in_pairs(task) for task in manifest.settings.tasks)
    chosen = _controls(manifest, folder) if paired else {}
    if paired:
        _write_controls(manifest, folder, chosen)
    places = []
    for shard, number, block in _blocks(manifest, folder):
        of = tuple(int(candidates(block, task, chosen).sum()) for task in manifest.settings.tasks)
        places.append(Place(shard, number, block.part, len(block.cell), of))
    return places


def candidates(block: Block, task: Task, groups: object) -> np.ndarray:
    """Cells of a block that a task may be asked about.

    Parameters
    ----------
    block
        Cells.
    task
        What is asked.
    groups
        What has (part, pair) of all groups that have a control cell.
    """
    found = has_all(block.fields, fields_of(task), len(block.cell))
    if not in_pairs(task):
        return found
    has_control = {pair: (block.part, pair) in groups for pair in set(block.pair.tolist())}  # type: ignore[operator]
    return np.asarray(
        found & (block.role == PERTURBED) & np.array([has_control[pair] for pair in block.pair.tolist()], dtype=bool)
    )


def _blocks(manifest: Manifest, folder: Path) -> Iterator[tuple[int, int, Block]]:
    for i, shard in enumerate(manifest.shards):
        reader = ShardReader(folder / shard.name, len(manifest.genes), only_text=True)
        for number in range(len(reader)):
            yield i, number, reader[number]


def _controls(manifest: Manifest, folder: Path) -> dict[tuple[str, str], list[tuple[int, int, int, int]]]:
    """Hash, shard, block and row of the control cells of each group that have the smallest hashes."""
    settings = manifest.settings
    found: dict[tuple[str, str], list[tuple[int, int, int, int]]] = defaultdict(list)
    for shard, number, block in _blocks(manifest, folder):
        at = np.flatnonzero(block.role == CONTROL)
        names = [f"{study}\t{cell}" for study, cell in zip(block.study[at], block.cell[at], strict=True)]
        hashes = name_hashes(names, seed=settings.random_state).tolist()
        for row, chance in zip(at.tolist(), hashes, strict=True):
            found[block.part, str(block.pair[row])].append((chance, shard, number, row))
        for group, some in found.items():
            if len(some) > settings.n_controls:
                found[group] = sorted(some)[: settings.n_controls]
    return dict(found)


def _write_controls(
    manifest: Manifest, folder: Path, chosen: dict[tuple[str, str], list[tuple[int, int, int, int]]]
) -> None:
    """Write the chosen control cells in the order of the shards, which a prompt takes them from."""
    settings: Settings = manifest.settings
    wanted: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for some in chosen.values():
        for _, shard, number, row in some:
            wanted[shard][number].append(row)
    with (
        naming_full_disks(folder),
        replacing(folder / CONTROLS) as new,
        ShardFile(new, settings.needed, wide=True) as file,
    ):
        for shard in sorted(wanted):
            reader = ShardReader(folder / manifest.shards[shard].name, len(manifest.genes))
            for number in sorted(wanted[shard]):
                file.add(reader[number].rows(np.array(sorted(wanted[shard][number]))))


def totals(places: list[Place], tasks: tuple[Task, ...]) -> dict[str, Counter[str]]:
    """Cells of each part by task."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for place in places:
        for task, n in zip(tasks, place.of_task, strict=True):
            found[place.part][task.name] += n
    return found


def refuse_none(manifest: Manifest, there: dict[str, Counter[str]]) -> None:
    """Refuse a corpus that could not be what was asked for."""
    settings, weights = manifest.settings, manifest.reading.weights
    wanted = {"train": True, "val": settings.val > 0, "test": bool(settings.held_out) or settings.test > 0}
    if not manifest.shards:
        msg = "no cell is in any sample: none expresses a gene and has what a task asks for; pass other cells or tasks="
        raise ValueError(msg)
    by_column = settings.split is not None
    for part, needed in wanted.items():
        if needed and part not in there:
            mend = f"held_out= some values of {settings.split!r}, " if by_column else ""
            msg = (
                f"no cell is in the part {part!r} (parts are drawn by the hash of "
                f"{'the values of ' + repr(settings.split) if by_column else 'names'}); pass {mend}another "
                f"random_state=, or another share ({part}=, 0 for none), with a new folder="
            )
            raise ValueError(msg)
    for task in settings.tasks:
        if weights is not None and not weights[task.name]:
            continue
        if not there["train"][task.name]:
            why = (
                "no perturbed cell has a control cell with the same values of match="
                if settings.key is not None and "perturbed_sentence" in task.response_fields
                else "no cell has what it asks for"
            )
            msg = (
                f"task {task.name!r} has no cells to train on: {why}; pass weights= with 0 for it, or a new folder= "
                "without it"
            )
            raise ValueError(msg)
        for part in there:
            if not there[part][task.name]:
                logger.warning("task %r has no cells in the part %r", task.name, part)
