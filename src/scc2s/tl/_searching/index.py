"""An index of an embedding on disk: files beside the store, and a manifest that says what they were made of."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s._cells.provenance import versions
from scc2s._io import replacing
from scc2s.tl._searching import engine
from scc2s.tl._searching.names import Names, write_names
from scc2s.tl._searching.reference import ContentMark, Reference, said_of, unlike

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

VERSION = 1
SHARD = 2**22
"""Cells of one file."""
SAMPLE = 1_000
"""Cells that tell what is usual."""
ASKED = 100
"""Cells of these whose nearest are found exactly, to see what the index finds of them."""
N_FOUND = 10
_RUNS = 1_024
"""Places in the store that the sample is read from."""


def folder_of(store: str | Path, use_rep: str) -> Path:
    """Where the index of an embedding is."""
    where = Path(store).resolve()
    return where.with_name(f"{where.name}.index") / use_rep


def make(reference: Reference, *, recall: float, restart: bool, told: Callable[[int], None]) -> Path:
    """Make an index, or go on with one that was cut off.

    Parameters
    ----------
    reference
        What is to be found in it.
    recall
        Share of the nearest cells that it is to find, of cells of the store.
    restart
        Begin anew, also where there is one.
    told
        Called with the number of cells that have been done, bit by bit.

    Raises
    ------
    ValueError
        If no cell has a direction.
    """
    folder = folder_of(reference.path, reference.use_rep)
    plan = {"version": VERSION, "files": reference.state, "n_obs": reference.n_obs, "width": reference.width}
    there = None if restart else _read(folder / "manifest.json")
    if there is not None and {**there, **plan, "wanted": recall} == there:
        return folder
    if restart or _read(folder / "plan.json") != plan:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "plan.json", plan)
    if not (folder / "trained.faiss").exists():
        mark = ContentMark()
        write_names(folder, (mark.with_names(names) for names in reference.all_names()))
        _write(folder / "names.json", mark.names())
        sample = _sample(reference)
        if not len(sample):
            msg = (
                f"no cell of {reference.path} that was looked at has a vector in obsm[{reference.use_rep!r}] that is "
                "finite and not 0; make the embedding again: scc2s.atlas.embed(store, restart=True)"
            )
            raise ValueError(msg)
        with replacing(folder / "sample.npy") as new, new.open("wb") as file:
            np.save(file, sample[_evenly(len(sample), SAMPLE)])
        engine.save(engine.trained(sample, reference.n_obs), folder / "trained.faiss")
    sample = np.load(folder / "sample.npy")
    asked = sample[_evenly(len(sample), ASKED)]
    best = np.full((len(asked), N_FOUND + 1), -np.inf, dtype=np.float32)
    mark, n_lost, shard, number = ContentMark(), 0, None, -1
    for start, block in reference.blocks(SHARD):
        mark.add(block)
        directions, good = unit(block)
        n_lost += int((~good).sum())
        found = np.hstack([best, asked @ directions[good].T])
        best = -np.sort(-found, axis=1)[:, : N_FOUND + 1]
        if start // SHARD != number:
            _close(shard, folder, number)
            number = start // SHARD
            there = (folder / f"{number}.faiss").exists()
            shard = None if there else engine.load(folder / "trained.faiss", whole=True)
        if shard is not None:
            shard.add_with_ids(directions[good], start + np.flatnonzero(good))
        told(len(block))
    _close(shard, folder, number)
    shards = _shards(folder)
    n_probe, measured = _probes(shards, asked, best, recall)
    manifest = {
        **plan,
        "use_rep": reference.use_rep,
        "content": f"{mark.values()}-{_read(folder / 'names.json')}",
        "n_lists": int(shards[0].nlist),
        "n_probe": n_probe,
        "wanted": recall,
        "recall": measured,
        "n_without": n_lost,
        "record": said_of(reference.record),
        "versions": {**versions(), "faiss": str(engine.need_faiss().__version__)},
    }
    _write(folder / "manifest.json", manifest)
    return folder


def _close(shard: Any, folder: Path, number: int) -> None:
    if shard is not None:
        engine.save(shard, folder / f"{number}.faiss")


def _shards(folder: Path) -> list[Any]:
    files = sorted((file for file in folder.glob("*.faiss") if file.stem.isdigit()), key=lambda file: int(file.stem))
    return [engine.load(file) for file in files]


def _sample(reference: Reference) -> np.ndarray:
    """Directions of cells from all over the store."""
    n, wanted = reference.n_obs, max(engine.n_sampled(reference.n_obs), SAMPLE)
    if wanted >= n:
        parts = [block for _, block in reference.blocks()]
    else:
        run = -(-wanted // _RUNS)
        starts = np.unique(np.linspace(0, n - run, _RUNS).astype(np.int64))
        parts = [reference.vectors(np.arange(start, start + run)) for start in starts.tolist()]
    directions, good = unit(np.vstack(parts))
    found: np.ndarray = directions[good]
    return found


def _evenly(n: int, wanted: int) -> np.ndarray:
    return np.unique(np.linspace(0, n - 1, min(n, wanted)).astype(np.int64))


def _probes(shards: Sequence[Any], asked: np.ndarray, best: np.ndarray, recall: float) -> tuple[int, float]:
    """The fewest lists with which so much of what is nearest is found; all, where no fewer do."""
    n_probe, least = 1, best[:, N_FOUND : N_FOUND + 1]
    while True:
        _, products = engine.nearest(shards, asked, N_FOUND + 1, n_probe=n_probe)
        # numbers in half precision: what is as near within its rounding is as good
        close = np.isfinite(products) & (products >= least - 1e-4)
        wanted = np.isfinite(best).sum(axis=1) - 1  # a cell finds itself, which is left out
        measured = float(np.minimum(close.sum(axis=1) - 1, wanted).sum() / max(1, wanted.sum()))
        if measured >= recall or n_probe >= shards[0].nlist:
            return n_probe, measured
        n_probe *= 2


def unit(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of length 1, and which rows have a direction.

    Examples
    --------
    >>> [part.tolist() for part in unit(np.array([[0.0, 2.0], [0.0, 0.0]]))]
    [[[0.0, 1.0], [0.0, 0.0]], [True, False]]
    """
    norms = np.sqrt(np.einsum("ij,ij->i", X, X, dtype=np.float64))
    good = np.isfinite(norms) & (norms > 0)
    scaled = np.zeros_like(X)
    scaled[good] = X[good] / norms[good, None].astype(X.dtype)
    return scaled, good


class Index:
    """An index on disk that belongs to the embedding as it is now.

    Parameters
    ----------
    reference
        Where the embedding is.

    Raises
    ------
    FileNotFoundError
        If there is no index.
    ValueError
        If the embedding has changed since.
    """

    def __init__(self, reference: Reference) -> None:
        self.folder = folder_of(reference.path, reference.use_rep)
        self.manifest = _read(self.folder / "manifest.json")
        call = f"scc2s.atlas.index({str(reference.path)!r}{reference.option()})"
        if self.manifest is None or self.manifest.get("version") != VERSION:
            cut = " whole" if (self.folder / "plan.json").exists() else ""
            msg = (
                f"there is no{cut} index of obsm[{reference.use_rep!r}] beside {reference.path}; call {call}, or pass "
                "exact=True, which looks at all cells"
            )
            raise FileNotFoundError(msg)
        self._refuse_stale(reference, call)
        self.n_probe = int(self.manifest["n_probe"])
        self._shards = _shards(self.folder)
        self.names = Names(self.folder)
        self.sample = np.load(self.folder / "sample.npy")

    def _refuse_stale(self, reference: Reference, call: str) -> None:
        """Raise where the store holds another embedding, or other cells, than the index was made of."""
        files = reference.state
        if files == self.manifest["files"]:
            return
        other = [
            f"{what} was {self.manifest[name]}, and is {now}"
            for what, name, now in (("the number of cells", "n_obs", reference.n_obs),
                                    ("the width", "width", reference.width))
            if self.manifest[name] != now
        ]  # fmt: skip
        other += unlike(self.manifest["record"], said_of(reference.record), "{} was {!r}, and is {!r}")
        if not other and reference.content() == self.manifest["content"]:
            # a copy of the store, or files that were written again with the same values
            self.manifest["files"] = files
            with suppress(OSError):
                _write(self.folder / "manifest.json", self.manifest)
                _write(self.folder / "plan.json", {**_read(self.folder / "plan.json"), "files": files})
            return
        said = "; ".join(other) or "its values or the names of its cells are others"
        msg = f"the index of {reference.path} is of an earlier obsm[{reference.use_rep!r}] ({said}); call {call}"
        raise ValueError(msg)

    def nearest(self, centre: np.ndarray, n: int, without: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the `n` cells nearest to a direction, the best first, and their inner products with it."""
        rows, products = engine.nearest(self._shards, centre[None], n, n_probe=self.n_probe, without=without)
        there = rows[0] >= 0
        return rows[0][there], products[0][there].astype(np.float64)


def opened(reference: Reference) -> Index:
    """The index of an embedding; the same object as long as neither has changed."""
    file = folder_of(reference.path, reference.use_rep) / "manifest.json"
    key = (str(reference.path), reference.use_rep)
    state = f"{reference.state} {file.stat().st_mtime_ns if file.exists() else 0}"
    if key not in _OPENED or _OPENED[key][0] != state:
        _OPENED.pop(key, None)
        _OPENED[key] = (state, Index(reference))
    return _OPENED[key][1]


_OPENED: dict[tuple[str, str], tuple[str, Index]] = {}


def _write(path: Path, value: Any) -> None:
    with replacing(path) as new:
        new.write_text(json.dumps(value), encoding="utf-8")


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
