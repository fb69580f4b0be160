"""One step on a store: from the first look to the record."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s._cells.provenance import plain, versions
from scc2s._cells.stored_rows import column_rows
from scc2s._logging import logger
from scc2s.atlas import _finish
from scc2s.atlas._cluster import gpus_of, over_workers
from scc2s.atlas._collected import Collected, merged
from scc2s.atlas._drive import drive
from scc2s.atlas._fit_sums import fit_of, halvings
from scc2s.atlas._folder import read_json, write_json
from scc2s.atlas._manifest import refuse_other, told
from scc2s.atlas._progress import Progress
from scc2s.atlas._sample import drawn, first_shown
from scc2s.atlas._staged import checksum, create, is_whole, layout_of, move_back, pieces, sums_of_folders
from scc2s.atlas._steps import Step
from scc2s.atlas._store import opened
from scc2s.atlas._task import Job, controls, pilot
from scc2s.atlas._totals import perplexities
from scc2s.atlas._values import CHOICES, verdict_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from scc2s._cells.values import Values
    from scc2s.atlas._source import Source

PILOT = 16
"""Cells that show what a step writes."""
_AT_ONCE = 100_000
_FILES = 16
"""Blocks that are looked at together."""


@dataclass(frozen=True)
class Runner:
    """Does steps on one store."""

    client: Any
    source: Source
    cells: dict[str, Any]
    """What tells these cells from others."""
    out: str
    folder: Path
    threads: int
    block_size: int | None
    retries: int
    restart: bool
    progress: bool
    n_new: int | None = None
    """Cells that are made, by a step that makes some."""

    @property
    def n_obs(self) -> int:
        """Cells of all blocks."""
        return self.source.n_obs if self.n_new is None else self.n_new

    def run(self, step: Step) -> None:
        """Do a step, or what is left of it.

        Raises
        ------
        ValueError
            If it was begun with other settings.
        RuntimeError
            If blocks fail.
        OSError, ConnectionError
            If the disk is full, or the scheduler gone.
        """
        if self.restart:
            shutil.rmtree(self.folder / step.key, ignore_errors=True)
        values, n_pairs = None, 0
        if step.kind.values and (step.name != "sentences" or step.params.get("reference") is not None):
            values, n_pairs = self._values(step)
        if step.name != "rank_fit":
            self._do(step, step.key, values=values)
        elif not self._do(step, step.key, values=values, halved=halvings(n_pairs)):
            # so many cells are alike that none of their kind may have been kept
            shutil.rmtree(self.folder / step.key)
            self._do(step, step.key, values=values)

    def _values(self, step: Step) -> tuple[Values, int]:
        """What the values of all cells are, and how many are above 0."""
        chosen = {name: step.params[name] for name in CHOICES if name in step.params}
        mark = hashlib.blake2b(json.dumps(chosen, sort_keys=True).encode(), digest_size=4).hexdigest()
        key = f"values_{mark}" if chosen else "values"
        if self.restart:
            shutil.rmtree(self.folder / key, ignore_errors=True)
        self._do(Step("values", chosen), key)
        return verdict_of(_states(self.folder / key))

    def _do(self, step: Step, key: str, *, values: Values | None = None, halved: int = 0) -> bool:
        folder = self.folder / key
        before = read_json(folder / "manifest.json")
        size = _block_size(step, self.block_size, before, self.n_obs)
        job = Job(
            self.source, self.out, str(folder), step, size, secrets.token_hex(8), self.threads, values, halved,
            n_new=self.n_new,
        )  # fmt: skip
        manifest: dict[str, Any] = {
            "step": step.name,
            "params": step.params,
            "cells": self.cells,
            "block_size": size,
            "halved": halved,
            "versions": versions(),
        }
        if before is not None:
            refuse_other({name: before.get(name) for name in manifest}, manifest, self.out)
            if _is_finished(job, over_workers(self.client)):
                logger.info("%s is done already", key)
                return True
        start = 0 if step.kind.matrix or self.n_new is not None else first_shown(self.out, job.token, step)
        few = (start, min(start + PILOT, self.n_obs))
        found = self._look(pilot, job, few)
        if step.kind.controls and step.params.get("controls", True):
            found, job = self._controls(job, found, few)
        manifest |= {
            "layout": layout_of(found.values),
            "records": {"/".join(path): told(record) for path, record in found.records.items()},
        }
        if before is not None:
            refuse_other({name: before.get(name) for name in manifest}, manifest, self.out)
        _begin(job, manifest, new=before is None)
        done = _done(job, manifest, over_workers(self.client))
        failed = self._blocks(job, done)
        if failed:
            number = min(failed)
            first, stop = job.rows(number)
            msg = (
                f"{len(failed)} of {job.n_blocks} blocks of {key} failed {self.retries + 1} times, the others are "
                f"done; first: cells {first} to {stop - 1}: {failed[number]}; mend the cause and call "
                f"scc2s.atlas.resume({self.out!r})"
            )
            raise RuntimeError(msg)
        return _end(job, manifest, found)

    def _look(self, task: Any, job: Job, about: Any, *, quiet: bool = False) -> Collected:
        """What a task on a few cells gives; what it said is said here."""
        future = self.client.submit(task, job, about, pure=False, resources=self._resources(job))
        found, *_, said = future.result()
        future.release()
        if job.step.own() is None and not quiet:
            for level, text in said:
                logger.log(level, "%s, of the first cells: %s", job.step.name, text)
        return found  # type: ignore[no-any-return]

    def _resources(self, job: Job) -> dict[str, int] | None:
        """A GPU, for a step that asks a model, where workers have some."""
        return {"GPU": 1} if not job.step.kind.matrix and gpus_of(self.client) else None

    def _controls(self, job: Job, found: Collected, few: tuple[int, int]) -> tuple[Collected, Job]:
        """Control questions about a sample: what the record says of them, and what each cell is held against."""
        (path, record), *_ = found.records.items()
        rows = drawn(self.out, job.token, job.step, record)
        future = self.client.submit(controls, job, rows, pure=False, resources=self._resources(job))
        sample, asked, said = future.result()
        future.release()
        for level, text in said:
            logger.log(level, "%s: %s", job.step.name, text)
        told_of_sample = {
            name: value for name, value in sample.records[path].items() if name not in ("params", "written", "versions")
        }
        if asked:
            nulls = asked[0]
            if not nulls.without:  # a prompt of the genes alone cannot be asked without them
                nulls = replace(nulls, without={(): np.nanmean(nulls.answers[0], axis=0)})
            if "targets" not in job.step.params:
                nulls = replace(nulls, answers=nulls.answers[:, :0])
            job = replace(job, nulls=nulls)
            found = self._look(pilot, job, few, quiet=True)  # cells are held against the sample now
        record = {**found.records[path], **told_of_sample}
        record["params"] = {**record["params"], "controls": True}
        return Collected(found.values, {path: record}), job

    def _blocks(self, job: Job, done: Mapping[int, Mapping[str, Any]]) -> dict[int, str]:
        missing = [number for number in range(job.n_blocks) if number not in done]
        n_done = sum(int(one["rows"][1]) - int(one["rows"][0]) for one in done.values())
        with Progress(job.step.name, self.n_obs, n_done, show=self.progress) as shown:
            return drive(
                self.client, job, missing, retries=self.retries, resources=self._resources(job), progress=shown
            )


def _block_size(step: Step, given: int | None, before: Mapping[str, Any] | None, n_obs: int) -> int:
    if given is None and before is not None:
        return int(before["block_size"])
    unit = step.kind.unit or 1
    size = given or step.kind.block_size
    return -(-min(size, n_obs) // unit) * unit


def _begin(job: Job, manifest: Mapping[str, Any], *, new: bool) -> None:
    """Make what is not there of the folder; from now on only tasks of this run write to it."""
    if new:
        shutil.rmtree(job.path, ignore_errors=True)
    for name in ("arrays", "done", "failed", "parts"):
        (job.path / name).mkdir(parents=True, exist_ok=True)
    if new:
        zarr_format = opened(job.out, job.token).metadata.zarr_format
        create(job.path / "arrays", manifest["layout"], job.n_obs, job.block_size, zarr_format)
    for file in (job.path / "failed").iterdir():
        file.unlink()
    (job.path / "finished.json").unlink(missing_ok=True)
    write_json(job.path / "manifest.json", {**manifest, "token": job.token})


def _is_finished(job: Job, over: Callable[..., Iterable[Any]]) -> bool:
    """Whether all is in the store, as it was written."""
    finished = read_json(job.path / "finished.json")
    if finished is None or len(list((job.path / "done").glob("*.json"))) < job.n_blocks:
        return False  # before all that is done is read
    if any(checksum(Path(job.out) / name) != value for name, value in finished["sums"].items()):
        return False
    return len(_whole(job, over)) == job.n_blocks


def _done(job: Job, manifest: Mapping[str, Any], over: Callable[..., Iterable[Any]]) -> dict[int, dict[str, Any]]:
    """Blocks that are done; marks of those whose data is not as it was written are removed."""
    whole = _whole(job, over)
    for file in (job.path / "done").glob("*.json"):
        if int(file.stem) not in whole:
            file.unlink()
    if len(whole) < job.n_blocks:
        move_back(job.path, Path(job.out), manifest["layout"])
    return whole


def _whole(job: Job, over: Callable[..., Iterable[Any]]) -> dict[int, dict[str, Any]]:
    """What is kept of each block whose data is as it was written: all of it is read for that, by the workers."""
    files = sorted((job.path / "done").glob("*.json"))
    some = [files[first : first + _FILES] for first in range(0, len(files), _FILES)]
    found = over(partial(_those_whole, job.path, Path(job.out)), some)
    return {int(one["block"]): one for part in found for one in part}


def _those_whole(folder: Path, out: Path, files: Sequence[Path]) -> list[dict[str, Any]]:
    done = [one for file in files if (one := read_json(file)) is not None]
    return [one for one in done if is_whole(folder, out, one["sums"])]


def _states(folder: Path) -> Iterator[dict[str, np.ndarray]]:
    """Arrays of all blocks, in their order."""
    for file in sorted((folder / "parts").glob("*.npz"), key=lambda file: int(file.stem)):
        yield from pieces(file)


def _end(job: Job, manifest: Mapping[str, Any], found: Collected) -> bool:
    """Put all results into the store; false where the sums of a rank fit do not tell enough."""
    files = (job.path / "done").glob("*.json")
    done = sorted((read_json(file) for file in files), key=lambda one: int(one["block"]))
    more: dict[str, Any] = {}
    if job.step.name == "rank_fit" and job.values is not None:
        fit = fit_of(_states(job.path), job.values, job.step.params, job.halved)
        if fit is None:
            return False
        more = fit
    _finish.move_in(job.out, job.path / "arrays", manifest["layout"], done, _order(found))
    for path, record in found.records.items():
        params = {**record["params"], **merged(_params(done, "/".join(path)))}
        if "n_cells" in params:  # also those that nothing was asked about
            params["n_cells"] = job.n_obs
        if job.step.name == "perplexity":
            params |= perplexities(lambda name: _column(job.out, name), _key(job.step))
        about = {"block_size": job.block_size, "n_blocks": job.n_blocks, "unit": job.step.kind.unit}
        _finish.write_record(
            job.out, path, {**record, "params": params, **more, "atlas": plain(about)}, _kept(job.step, params),
            job.path / "record",
        )  # fmt: skip
    _finish.consolidate(job.out)
    places = [place for place, spec in manifest["layout"].items() if spec["kind"] in ("category", "sparse")]
    folders = [Path(job.out).joinpath(*place.split(":", 1)) for place in places]
    write_json(job.path / "finished.json", {"sums": sums_of_folders(folders, Path(job.out))})
    return True


def _key(step: Step) -> str:
    return str(step.params.get("key_added") or step.kind.usual)


def _kept(step: Step, params: Mapping[str, Any]) -> dict[str, Any]:
    """The organism that sentences were made for, which later steps name."""
    return {"organism": params["organism"]} if step.name == "sentences" and step.params.get("organism") else {}


def _params(done: Sequence[Mapping[str, Any]], path: str) -> list[Mapping[str, Any]]:
    return [piece[path] for one in done for piece in one["params"] if path in piece]


def _column(out: str, name: str) -> Iterator[np.ndarray]:
    import zarr

    column = zarr.open_array(f"{out}/obs/{name}", mode="r")
    for start in range(0, column.shape[0], _AT_ONCE):
        yield np.asarray(column_rows(column, start, min(start + _AT_ONCE, column.shape[0])))


def _order(found: Collected) -> list[str]:
    """Order of categories: that of the labels."""
    labels = [
        str(label) for record in found.records.values() for label in np.atleast_1d(record["params"].get("labels", []))
    ]
    return [*labels, "unmapped", "unassigned"]
