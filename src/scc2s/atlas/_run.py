from __future__ import annotations

import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s._cells.arguments import whole
from scc2s._cells.provenance import plain, versions
from scc2s._logging import logger
from scc2s.atlas import _finish
from scc2s.atlas._cluster import connected
from scc2s.atlas._collected import Collected, merged_params
from scc2s.atlas._drive import drive
from scc2s.atlas._folder import held, read_json, run_folder, write_json
from scc2s.atlas._manifest import refuse_other, told
from scc2s.atlas._prepare import mark_of, prepare
from scc2s.atlas._progress import Progress
from scc2s.atlas._source import Source
from scc2s.atlas._staged import create, is_whole, layout_of
from scc2s.atlas._steps import given_steps
from scc2s.atlas._store import forget, opened
from scc2s.atlas._task import PILOT, Job, pilot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scc2s.atlas._steps import Step


def run(
    store: str | Path,
    steps: str | Sequence[str | tuple[str, Mapping[str, Any]]],
    *,
    out: str | Path | None = None,
    client: Any = None,
    n_workers: int | None = None,
    memory_limit: str | int | float | None = None,
    block_size: int | None = None,
    index_unique: str | None = None,
    retries: int = 2,
    restart: bool = False,
    progress: bool = True,
) -> Path:
    """Do steps."""
    found = given_steps(steps)
    if block_size is not None:
        whole("block_size", block_size)
    whole("retries", retries, 0)
    forget()
    source = Source.of(store)
    target = prepare(source, store, out, index_unique)
    folder = run_folder(target)
    with held(folder):
        plan = {
            "store": str(Path(store).resolve()),
            "out": target,
            "steps": [[step.name, step.params] for step in found],
            "block_size": block_size,
            "index_unique": index_unique,
        }
        write_json(folder / "plan.json", plan)
        with connected(client, n_workers=n_workers, memory_limit=memory_limit) as at:
            for step in found:
                _run_step(
                    at, source, target, folder / step.key, step, block_size, retries=retries, restart=restart,
                    progress=progress,
                )  # fmt: skip
    return Path(target)


def _run_step(
    client: Any,
    source: Source,
    out: str,
    folder: Path,
    step: Step,
    block_size: int | None,
    *,
    retries: int,
    restart: bool,
    progress: bool,
) -> None:
    if restart:
        shutil.rmtree(folder, ignore_errors=True)
    before = read_json(folder / "manifest.json")
    size = _block_size(step, block_size, before, source.n_obs)
    token = secrets.token_hex(8)
    job = Job(source, out, str(folder), step, size, token, 1)
    first = client.submit(pilot, job, (0, min(PILOT, source.n_obs)), key=f"pilot-{token}", pure=False)
    found, said = first.result()
    first.release()
    for level, text in said:
        logger.log(level, "%s, of the first cells: %s", step.name, text)
    manifest = {
        "token": token,
        "step": step.name,
        "params": step.params,
        "cells": mark_of(source),
        "block_size": size,
        "layout": layout_of(found.values),
        "records": {"/".join(path): told(record) for path, record in found.records.items()},
        "versions": versions(),
    }
    if before is not None:
        refuse_other(before, manifest, out)
    for name in ("arrays", "done", "failed", "parts"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    root = opened(out, token)
    if before is None:
        create(folder / "arrays", manifest["layout"], source.n_obs, size, root.metadata.zarr_format)
    write_json(folder / "manifest.json", manifest)
    done = _done(job)
    missing = [number for number in range(job.n_blocks) if number not in done]
    shutil.rmtree(folder / "failed")
    (folder / "failed").mkdir()
    n_done = sum(int(one["rows"][1]) - int(one["rows"][0]) for one in done.values())
    with Progress(step.name, source.n_obs, n_done, show=progress) as shown:
        failed = drive(client, job, missing, retries=retries, progress=shown)
    if failed:
        number = min(failed)
        start, stop = job.rows(number)
        msg = (
            f"{len(failed)} of {job.n_blocks} blocks of {step.name} failed {retries + 1} times, the others are done; "
            f"first: cells {start} to {stop - 1}, {failed[number]}; mend the cause and call "
            f"scc2s.atlas.resume({out!r})"
        )
        raise RuntimeError(msg)
    _end(job, manifest, found)


def _done(job: Job) -> dict[int, dict[str, Any]]:
    """Blocks that are done, and whose data is as it was written."""
    found = {}
    for file in (job.path / "done").glob("*.json"):
        one = read_json(file)
        if one is not None and is_whole(job.path / "arrays", one["sums"]):
            found[int(one["block"])] = one
        else:
            file.unlink()
    return found


def _end(job: Job, manifest: Mapping[str, Any], found: Collected) -> None:
    files = (job.path / "done").glob("*.json")
    done = sorted((read_json(file) for file in files), key=lambda one: int(one["block"]))
    orders = {}
    for place in manifest["layout"]:
        orders[place] = _order(found)
    _finish.move_in(job.out, job.path / "arrays", manifest["layout"], done, orders)
    for path, record in found.records.items():
        met = merged_params([one["params"]["/".join(path)] for one in done])
        params = {**record["params"], **met}
        kept = {"organism": params["organism"]} if job.step.name == "sentences" and job.step.params.get("organism") else {}
        atlas = {"block_size": job.block_size, "n_blocks": job.n_blocks}
        _finish.write_record(job.out, path, {**record, "params": params, "atlas": plain(atlas)}, kept)
    _finish.consolidate(job.out)
    write_json(job.path / "finished.json", {"token": job.token})


def _order(found: Collected) -> list[str]:
    labels = [
        str(label)
        for record in found.records.values()
        for label in np.atleast_1d(record["params"].get("labels", []))
    ]
    return [*labels, "unmapped", "unassigned"]


def _block_size(step: Step, given: int | None, before: Mapping[str, Any] | None, n_obs: int) -> int:
    if given is None and before is not None:
        return int(before["block_size"])
    unit = step.kind.unit or 1
    size = min(given or step.kind.block_size, n_obs)
    return -(-size // unit) * unit
