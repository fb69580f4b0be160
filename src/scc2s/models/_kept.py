"""Rows of numbers that models gave, kept in the file of a :class:`ResponseCache` beside the texts."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ._progress import bar
from .decoding._cache import SUM_BYTES, ResponseCache, checksum, key_of, read_by_key, report_damage

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence
    from os import PathLike

# Questions asked between two writes: few at first, so that short runs lose little when killed; later enough to fill
# batches. They never depend on the clock or on what is kept already, so that a run that goes on batches as one that
# was never broken, and its numbers are equal to the last bit.
_FEW, _MANY = 16, 128
_NO_MATTER = {
    *("id", "revision", "weights_hash", "url", "adapter"),  # key_of tells models apart by these
    *("device", "devices", "torch", "transformers", "onnxruntime"),  # change no number by more than rounding
    *("n_parameters", "family", "labels", "tasks", "max_tokens"),
}


class Ask(Protocol):
    """Asks a model about some of the questions, by their numbers: one row of numbers for each."""

    def __call__(self, rows: Sequence[int], *, progress: bool) -> Sequence[np.ndarray]:
        """Rows in the order of the questions."""
        ...


def kept(
    model: Any,
    what: Mapping[str, Any],
    questions: Sequence[tuple[Any, ...]],
    ask: Ask,
    *,
    cache: str | PathLike[str] | ResponseCache | None = None,
    progress: bool = True,
    info: Mapping[str, Any] | None = None,
) -> list[np.ndarray]:
    """One row of numbers for each question; equal questions are asked once, and none whose answer the cache has.

    Parameters
    ----------
    model
        Who is asked.
    what
        What is asked for, and all that is the same for each question and changes the numbers.
    questions
        A prompt each, with all else that is its own, as JSON holds it.
    ask
        Asks the model. Its rows are one-dimensional, float32 or float64.
    cache
        File that keeps the rows. ``None``: nothing is kept.
    progress
        Show a bar after one second.
    info
        What tells the model from others; ``None``: what it says of itself.

    Raises
    ------
    ValueError
        The model cannot be told from others, or the file is not a cache.
    """
    names: Sequence[Hashable] = [json.dumps(question) for question in questions]
    store = None
    if cache is not None:
        store = NumberStore(cache if isinstance(cache, ResponseCache) else ResponseCache(cache))
        common = _common(model, model.info() if info is None else info, what)
        names = [hashlib.blake2b(str(name).encode(), digest_size=20, key=common).digest() for name in names]
    first = {name: row for row, name in reversed(list(enumerate(names)))}
    rows = sorted(first.values())
    if store is None:
        found = dict(zip([names[row] for row in rows], ask(rows, progress=progress) if rows else [], strict=True))
        return [found[name] for name in names]
    known = store.get([names[row] for row in rows])
    # Questions of like length together, so that little of a batch is padding.
    order = sorted(rows, key=lambda row: -sum(len(part) for part in questions[row] if isinstance(part, str)))
    missing = {row for row in rows if names[row] not in known}
    with bar(len(missing), "ask", show=progress) as running:
        for some in blocks(order, missing):
            given = {names[row]: values for row, values in zip(some, ask(some, progress=False), strict=True)}
            store.put(given)
            known |= given
            running.update(len(some))
    return [known[name] for name in names]


def blocks(order: Sequence[int], missing: set[int]) -> Iterator[list[int]]:
    """Missing rows to ask together; a block of which nothing is known yet is the same whatever else is known.

    Examples
    --------
    >>> [len(some) for some in blocks(range(40), set(range(40)))], [len(some) for some in blocks(range(40), {1, 2, 20})]
    ([16, 24], [3])
    """
    start, size, rest = 0, _FEW, list[int]()
    while start < len(order):
        block = list(order[start : start + size])
        start, size = start + size, min(2 * size, _MANY)
        new = [row for row in block if row in missing]
        if len(new) == len(block):
            yield new
        else:
            rest += new
        if len(rest) >= _MANY:
            yield rest
            rest = []
    if rest:
        yield rest


class NumberStore:
    """The table of numbers in a cache; each row has a checksum, and one that does not fit is asked for again."""

    def __init__(self, cache: ResponseCache) -> None:
        self._cache = cache
        with cache._open() as db:
            db.execute("CREATE TABLE IF NOT EXISTS numbers (key BLOB PRIMARY KEY, value BLOB NOT NULL)")

    def get(self, keys: Sequence[Hashable]) -> dict[Hashable, np.ndarray]:
        """The rows that are there, by key."""
        found: dict[Hashable, np.ndarray] = {}
        damaged = 0
        with self._cache._open() as db:
            db.text_factory = bytes  # a flipped bit can turn bytes into what should be a text
            for some, entries in read_by_key(db, "key, value", "numbers", keys):
                wanted = set(some)
                for key, value in entries:
                    if key not in wanted:
                        continue
                    row = _unpacked(key, value)
                    if row is None:
                        damaged += 1
                    else:
                        found[key] = row
        report_damage(damaged, self._cache.path)
        return found

    def put(self, found: Mapping[Hashable, np.ndarray]) -> None:
        """Keep rows, all of them or (if the process is killed) none."""
        packed = [(key, _packed(key, row)) for key, row in found.items()]
        with self._cache._open() as db:
            db.executemany("INSERT OR REPLACE INTO numbers VALUES (?, ?)", packed)


def tokenizer_hash(model: Any) -> str | None:
    """Hash of the tokenizer of a model, where it has one in this process: with another, weights give other numbers."""
    tokenizer: Any = getattr(model, "tokenizer", None)
    tokenizer = getattr(tokenizer, "backend_tokenizer", tokenizer)
    if not hasattr(tokenizer, "to_str"):
        return None
    settings = json.loads(tokenizer.to_str())
    for name in ("padding", "truncation"):  # what the last call set
        settings.pop(name, None)
    return hashlib.blake2b(json.dumps(settings).encode(), digest_size=16).hexdigest()


def _common(model: Any, info: Mapping[str, Any], what: Mapping[str, Any]) -> bytes:
    """Hash of all that the questions of a call share."""
    more = {name: value for name, value in info.items() if name not in _NO_MATTER}
    return key_of(info, "", {"numbers": dict(what), "model": more, "tokenizer": tokenizer_hash(model)}).encode()


def _packed(key: Any, row: np.ndarray) -> bytes:
    row = np.ascontiguousarray(row, dtype="<f4" if row.dtype == np.float32 else "<f8")
    value = str(row.itemsize).encode() + row.tobytes()
    return value + checksum(key, value)


def _unpacked(key: Any, packed: Any) -> np.ndarray | None:
    """The row, or ``None`` where a bit of it has changed."""
    if not isinstance(packed, bytes) or packed[-SUM_BYTES:] != checksum(key, packed[:-SUM_BYTES]):
        return None
    return np.frombuffer(packed[1:-SUM_BYTES], dtype=f"<f{packed[:1].decode()}")
