from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from ._corpus_controls import Controls
from ._corpus_draw import copies, shares
from ._corpus_index import candidates, totals
from ._corpus_manifest import CONTROLS, read_manifest
from ._corpus_settings import PARTS, checked_reading, fields_of, in_pairs, natural
from ._corpus_shards import ShardReader, broken, crc_of
from ._order import batches_by_task
from ._samples import task_samples

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from scc2s.prompts import Task

    from ._augment import Augment
    from ._corpus_manifest import Manifest, Place
    from ._corpus_shards import Block

WINDOW = 4
"""Blocks whose samples are mixed: enough for chance, few enough for memory."""
_KEEP: Any = object()


class Corpus:
    """Samples for training from a folder that :func:`corpus` has filled.

    Parameters
    ----------
    folder
        Where it is.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If it is not finished, or damaged.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        found = read_manifest(self.folder)
        if found is None:
            msg = f"{self.folder} holds no corpus; pass folder= one that scc2s.train.corpus has filled"
            raise FileNotFoundError(msg)
        if found.places is None:
            msg = (
                f"the corpus in {self.folder} is not finished; call train.corpus (or pp.corpus) again as it was called"
            )
            raise ValueError(msg)
        self._manifest: Manifest = found
        self._places: list[Place] = found.places
        self._controls: Controls | None = None
        self._sound: set[int] = set()

    def __repr__(self) -> str:
        cells = ", ".join(f"{self.n_cells(part)} {part}" for part in self.parts)
        return f"Corpus({str(self.folder)!r}: {cells} cells; {', '.join(task.name for task in self.tasks)})"

    @property
    def tasks(self) -> tuple[Task, ...]:
        """What is asked."""
        return self._manifest.settings.tasks

    @property
    def parts(self) -> tuple[str, ...]:
        """Parts that have cells."""
        there = {place.part for place in self._places}
        return tuple(part for part in PARTS if part in there)

    @property
    def genes(self) -> list[str]:
        """Words of the genes of all studies."""
        return list(self._manifest.genes)

    def n_cells(self, part: str = "train") -> int:
        """Cells of a part."""
        return sum(place.n_cells for place in self._of(part))

    def counts(self, part: str = "train") -> pd.DataFrame:
        """Cells that each task may be asked about, and its samples an epoch.

        Returns
        -------
        A row a task; columns ``cells`` and ``samples``.
        """
        plan, cells = self._plan(part), self._totals(part)
        names = [task.name for task in self.tasks]
        return pd.DataFrame(
            {"cells": [cells[n] for n in names], "samples": [plan[n] for n in names]},
            index=pd.Index(names, name="task"),
        )

    def n_samples(self, part: str = "train") -> int:
        """Samples an epoch."""
        return sum(self._plan(part).values())

    def with_settings(
        self,
        *,
        weights: Mapping[str, float] | None = _KEEP,
        n_samples: int | None = _KEEP,
        n_genes: int = _KEEP,
        augment: Augment | None = _KEEP,
    ) -> Corpus:
        """The same cells, read in another way; what is not given stays. Nothing is written.

        Parameters
        ----------
        weights, n_samples, n_genes, augment
            As in :func:`corpus`.
        """
        given: dict[str, Any] = {"weights": weights, "n_samples": n_samples, "n_genes": n_genes, "augment": augment}
        now = self._manifest.reading
        chosen = {name: getattr(now, name) if value is _KEEP else value for name, value in given.items()}
        other = Corpus(self.folder)
        other._manifest = replace(self._manifest, reading=checked_reading([task.name for task in self.tasks], **chosen))
        return other

    def table(self, part: str = "train", epoch: int = 0) -> pd.DataFrame:
        """All samples of an epoch, in memory.

        Parameters
        ----------
        part
            ``"train"``, ``"val"`` or ``"test"``.
        epoch
            Number of the epoch, from 0; of train each is varied in its own way.

        Returns
        -------
        Columns ``prompt``, ``completion``, ``task``, ``cell`` (in the completion), ``control`` (name of the cell that
        the prompt shows in its place, else ``""``), ``study``; as :func:`scc2s.train.sft` takes them.
        """
        epoch = natural("epoch", epoch, 0)
        self._refuse_nothing(part)
        return pd.concat(list(self._windows(part, epoch)), ignore_index=True)

    def stream(
        self,
        part: str = "train",
        epoch: int = 0,
        *,
        rank: int = 0,
        world: int = 1,
        batch_size: int | None = None,
    ) -> Iterator[dict[str, str]]:
        """Samples of an epoch one by one, in constant memory; the same ones each time it is called.

        For ``datasets``: ``IterableDataset.from_generator(corpus.stream, gen_kwargs={"part": "train", "epoch": 0})``.

        Parameters
        ----------
        part, epoch
            As in :meth:`table`. Of train, blocks of cells come in an order of chance, and the samples of some at a time
            are mixed; other parts come in the order of the cells.
        rank, world
            Number of this process, and of all: process `rank` gets samples `rank`, `rank` + `world`, ... of the one
            sequence there is, so all together get each sample once, and what a step of all trains on does not depend on
            how many they are. Each process reads and writes all samples. For workers of a ``DataLoader`` pass
            ``rank * n_workers + worker`` and ``world * n_workers``.
        batch_size
            Samples of a batch of all processes together: each batch then holds samples of one task and of like length
            (:func:`batches_by_task`), but for those left at the end. ``None``: mixed.

        Yields
        ------
        The columns of :meth:`table`, as a dictionary.
        """
        epoch = natural("epoch", epoch, 0)
        rank, world = natural("rank", rank, 0), natural("world", world, 1)
        if rank >= world:
            msg = f"rank={rank} is not among {world} processes; pass rank= from 0 to world - 1"
            raise ValueError(msg)
        if batch_size is not None and natural("batch_size", batch_size, 1) % world:
            msg = f"batch_size={batch_size} cannot be dealt to {world} processes; pass a multiple of world="
            raise ValueError(msg)
        self._refuse_nothing(part)
        return self._dealt(part, epoch, rank, world, batch_size)

    def _dealt(self, part: str, epoch: int, rank: int, world: int, batch_size: int | None) -> Iterator[dict[str, str]]:
        windows = self._windows(part, epoch)
        number = 0
        for frame in windows if batch_size is None else _batched(windows, batch_size, self._seeds(part, epoch)):
            mine = frame.iloc[(rank - number) % world :: world]
            number += len(frame)
            for sample in mine.to_dict("records"):
                yield {str(name): str(value) for name, value in sample.items()}

    def _windows(self, part: str, epoch: int) -> Iterator[pd.DataFrame]:
        """Samples of some blocks at a time."""
        places = self._of(part)
        plan, totals = self._plan(part), self._totals(part)
        starts = np.cumsum([[0] * len(self.tasks), *(place.of_task for place in places)], axis=0)
        seeds = self._seeds(part, epoch)
        order = np.arange(len(places))
        if part == "train":
            order = np.random.default_rng(seeds).permutation(order)
        readers: dict[int, ShardReader] = {}
        for first in range(0, len(order), WINDOW):
            frames: list[pd.DataFrame] = []
            for i in order[first : first + WINDOW].tolist():
                place = places[i]
                drawn = [
                    copies(plan[task.name], totals[task.name], start, start + n, epoch if part == "train" else 0)
                    for task, start, n in zip(self.tasks, starts[i].tolist(), place.of_task, strict=True)
                ]
                if not any(some.any() for some in drawn):
                    continue
                if place.shard not in readers:
                    readers = {place.shard: self._reader(place.shard)}
                frames += self._samples(readers[place.shard][place.block], drawn, [*seeds, 1 + i])
            if frames:
                found: pd.DataFrame = pd.concat(frames, ignore_index=True)
                if part == "train":
                    mixed = np.random.default_rng([*seeds, 0, first]).permutation(len(found))
                    found = found.iloc[mixed].reset_index(drop=True)
                yield found

    def _samples(self, block: Block, drawn: Sequence[np.ndarray], seeds: list[int]) -> Iterator[pd.DataFrame]:
        """Samples of the cells of a block: `drawn` says for each task how many of each of its cells."""
        reading, settings = self._manifest.reading, self._manifest.settings
        augment = reading.augment if block.part == "train" else None
        # who is drawn in which epoch is mixed within the block, since neighbours in the data are alike
        chance = np.random.default_rng([settings.random_state, seeds[-1]]).permutation(len(block.cell))
        for number, (task, times) in enumerate(zip(self.tasks, drawn, strict=True)):
            if not times.any():
                continue
            controls = self._control_cells() if in_pairs(task) else None
            rows = chance[candidates(block, task, () if controls is None else controls.groups)[chance]]
            for copy in range(int(times.max())):
                answered = np.sort(rows[times > copy])
                rng = np.random.default_rng([*seeds, number, copy])
                X, shown, shown_names = block.X, answered, np.full(len(answered), "", dtype=object)
                if controls is not None:
                    groups = [(block.part, pair) for pair in block.pair[answered].tolist()]
                    at = controls.draw(groups, rng)
                    X = sparse.vstack([X, controls.X[at]], format="csr")
                    shown, shown_names = X.shape[0] - len(at) + np.arange(len(at)), controls.cell[at]
                fields = {name: block.fields[name].tolist() for name in fields_of(task)}
                table = task_samples(
                    task, X, self._manifest.genes, fields, pairs=np.column_stack([shown, answered]),
                    n_genes=reading.n_genes, augment=augment, seed=int(rng.integers(2**31)),
                )  # fmt: skip
                row = table.pop("row").to_numpy()
                yield table.assign(cell=block.cell[row], control=shown_names, study=block.study[row])

    def _control_cells(self) -> Controls:
        if self._controls is None:
            self._controls = Controls(ShardReader(self.folder / CONTROLS, len(self._manifest.genes)))
        return self._controls

    def _reader(self, shard: int) -> ShardReader:
        said = self._manifest.shards[shard]
        path = self.folder / said.name
        found = ShardReader(path, len(self._manifest.genes))
        if shard not in self._sound:
            if crc_of(path) != said.crc:
                raise broken(path, "its bytes are not those that were written")
            self._sound.add(shard)
        return found

    def _seeds(self, part: str, epoch: int) -> list[int]:
        return [self._manifest.settings.random_state, PARTS.index(part), epoch if part == "train" else 0]

    def _of(self, part: str) -> list[Place]:
        found = [place for place in self._places if place.part == part]
        if not found:
            msg = f"the corpus has no cells in the part {part!r}; pass part= one of {', '.join(map(repr, self.parts))}"
            raise ValueError(msg)
        return found

    def _refuse_nothing(self, part: str) -> None:
        if not self.n_samples(part):
            msg = f"no task has cells in the part {part!r}; pass another part=, or build with other groups in it"
            raise ValueError(msg)

    def _totals(self, part: str) -> Mapping[str, int]:
        return totals(self._of(part), self.tasks)[part]

    def _plan(self, part: str) -> dict[str, int]:
        """Samples of each task in an epoch."""
        reading, cells = self._manifest.reading, self._totals(part)
        there = {task.name: cells[task.name] for task in self.tasks}
        if reading.weights is None and reading.n_samples is None:
            return there
        weights = {
            n: float(c) if reading.weights is None else (reading.weights[n] if c else 0.0) for n, c in there.items()
        }
        own = self.n_cells(part)
        total = own
        if reading.n_samples is not None:
            of_train = reading.n_samples
            total = of_train if part == "train" else max(1, round(of_train * own / self.n_cells("train")))
        return shares(total, weights)


def _batched(windows: Iterator[pd.DataFrame], batch_size: int, seeds: list[int]) -> Iterator[pd.DataFrame]:
    """Whole batches of one task each; those that are not filled wait for the next window, and come at the end."""
    waiting: pd.DataFrame | None = None
    seed = int(np.random.default_rng(seeds).integers(2**31))
    for number, window in enumerate(windows):
        together = window if waiting is None else pd.concat([waiting, window], ignore_index=True)
        ordered = batches_by_task(together, batch_size, seed=seed + number, rest="last")
        n_full = int((together["task"].value_counts() // batch_size).sum()) * batch_size
        yield ordered.iloc[:n_full]
        waiting = ordered.iloc[n_full:]
    if waiting is not None and len(waiting):
        yield waiting
