from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from scc2s._logging import logger

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from os import PathLike

VERSION = 2
"""Of the file. Version 1 had no checksums; such a file gets them when it is opened."""
_KEYS = 1  # of the names of answers: with another number all that was kept would be asked for again
_OURS = 0x5CC2  # PRAGMA application_id: tells these files from other SQLite files
_WAIT = 60.0
_AT_ONCE = 500  # variables of one query; SQLite's own limit is 999 in old builds
SUM_BYTES = 8  # of a checksum

Key = TypeVar("Key")


class ResponseCache:
    """Answers of language models, kept in a file: what was asked once is never asked again.

    An SQLite file. Each batch of answers is one transaction, so a killed process loses at most the batch it was at, and
    several processes may write at once. Answers are found by a hash of model, prompt and all parameters; the prompts
    themselves are not stored. Each has a checksum: one that has changed on the disk is logged, and asked for again.

    Parameters
    ----------
    path
        File; made if it is not there.

    Raises
    ------
    TypeError
        Not a path.
    FileNotFoundError
        No such folder.
    ValueError
        The file is not a cache, is damaged, or was written by another version.
    OSError
        The file cannot be opened or written, for want of rights or space.
    TimeoutError
        Another process kept it locked for a minute.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> cache = ResponseCache(pathlib.Path(tempfile.mkdtemp()) / "answers.sqlite")
    >>> cache.put({"key": "an answer"})
    >>> cache.get(["key", "other"]), len(cache)
    ({'key': 'an answer'}, 1)
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(_path(path))
        _refuse_no_folder(self.path)
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")  # two processes that find no file must not both make it
            made_by = db.execute("PRAGMA application_id").fetchone()[0]
            version = db.execute("PRAGMA user_version").fetchone()[0]
            empty = not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if empty and not made_by:
                db.execute(
                    "CREATE TABLE answers (key TEXT PRIMARY KEY, answer TEXT NOT NULL, sum BLOB NOT NULL) WITHOUT ROWID"
                )
                db.execute(f"PRAGMA application_id = {_OURS}")
                db.execute(f"PRAGMA user_version = {VERSION}")
            elif made_by != _OURS:
                msg = f"{self.path} is an SQLite file, but no cache of scc2s; pass another cache="
                raise ValueError(msg)
            elif version == 1:
                _add_sums(db)
            elif version != VERSION:
                msg = (
                    f"{self.path} is a cache of version {version}, this scc2s reads version {VERSION}; pass another "
                    "cache=, or delete the file"
                )
                raise ValueError(msg)

    def __repr__(self) -> str:
        return f"ResponseCache({str(self.path)!r})"

    def __len__(self) -> int:
        with self._open() as db:
            return int(db.execute("SELECT count(*) FROM answers").fetchone()[0])

    def get(self, keys: Sequence[str]) -> dict[str, str]:
        """The answers that are there, by key; those that do not fit their checksum are removed."""
        found: dict[str, str] = {}
        damaged: list[str] = []
        with self._open() as db:
            db.text_factory = bytes  # a flipped bit can make bytes that are not text
            for some, rows in read_by_key(db, "key, answer, sum", "answers", list(dict.fromkeys(keys))):
                names = {key.encode(): key for key in some}
                for name, answer, total in rows:
                    if name not in names:
                        continue
                    if isinstance(answer, bytes) and total == checksum(name, answer):
                        found[names[name]] = answer.decode()
                    else:
                        damaged.append(names[name])
            db.executemany("DELETE FROM answers WHERE key = ?", [(key,) for key in damaged])
        report_damage(len(damaged), self.path)
        return found

    def put(self, found: Mapping[str, str]) -> None:
        """Keep answers, all of them or (if the process is killed) none. What is there already stays."""
        rows = [(key, answer, checksum(key.encode(), answer.encode())) for key, answer in found.items()]
        with self._open() as db:
            db.executemany("INSERT OR IGNORE INTO answers VALUES (?, ?, ?)", rows)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection for one transaction: none is carried over a fork or into another thread."""
        db = None
        try:
            db = sqlite3.connect(self.path, timeout=_WAIT)
            with db:
                yield db
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                msg = f"{self.path} was locked for {_WAIT:.0f} s by another process; call again when that is done"
                raise TimeoutError(msg) from error
            msg = f"cannot use {self.path} ({error}); see to rights and space in its folder, or pass another cache="
            raise OSError(msg) from error
        except sqlite3.DatabaseError as error:
            msg = f"{self.path} cannot be used as a cache ({error}); pass another cache=, or delete the file"
            raise ValueError(msg) from error
        finally:
            if db is not None:
                db.close()


def refuse_cache(cache: object) -> None:
    """Raise what :class:`ResponseCache` would, before any work is done, and without making the file.

    Raises
    ------
    TypeError
        Neither a cache nor a path.
    FileNotFoundError, ValueError, OSError, TimeoutError
        As for :class:`ResponseCache`.
    """
    if cache is None or isinstance(cache, ResponseCache):
        return
    if Path(_path(cache)).exists():
        ResponseCache(_path(cache))
    else:
        _refuse_no_folder(Path(_path(cache)))


def _path(path: Any) -> str | PathLike[str]:
    if not isinstance(path, str | os.PathLike) or not str(path).strip():
        msg = f"cache={path!r} is not the path of a file; pass cache='answers.sqlite', or leave it out"
        raise TypeError(msg)
    return path


def _refuse_no_folder(path: Path) -> None:
    if not path.resolve().parent.is_dir():
        msg = f"there is no folder {path.parent} for the cache; make it: mkdir -p {path.parent}"
        raise FileNotFoundError(msg)


def read_by_key(
    db: sqlite3.Connection, columns: str, table: str, keys: Sequence[Key]
) -> Iterator[tuple[Sequence[Key], Iterable[tuple[Any, ...]]]]:
    """Rows of a table that have one of the keys, some keys at a time."""
    for start in range(0, len(keys), _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
        marks = ",".join("?" * len(some))
        yield some, db.execute(f"SELECT {columns} FROM {table} WHERE key IN ({marks})", some)


def checksum(key: bytes, value: bytes) -> bytes:
    """Of an entry; it holds the key too, so that an entry that has come under another name is found."""
    return hashlib.blake2b(key + b"\0" + value, digest_size=SUM_BYTES).digest()


def _add_sums(db: sqlite3.Connection) -> None:
    db.execute("ALTER TABLE answers ADD COLUMN sum BLOB")
    rows = db.execute("SELECT key, answer FROM answers").fetchall()
    sums = [(checksum(key.encode(), answer.encode()), key) for key, answer in rows]
    db.executemany("UPDATE answers SET sum = ? WHERE key = ?", sums)
    db.execute(f"PRAGMA user_version = {VERSION}")


def report_damage(n: int, path: Path) -> None:
    """Log that entries do not fit their checksums."""
    if n:
        logger.warning("%d entries of the cache %s are damaged, and are asked for again", n, path)


def key_of(model: Mapping[str, Any], prompt: str, question: Mapping[str, Any]) -> str:
    """Name of an answer: a hash of what the model is, the prompt, and all that decides what is written.

    Raises
    ------
    ValueError
        The model cannot be told from others.
    """
    if model.get("weights_hash") is None:
        if model.get("id") == "callable":
            msg = "a cache has to tell models apart, and this one has no name; pass CallableModel(..., id='my-model')"
            raise ValueError(msg)
        if model.get("backend") == "torch":
            msg = (
                f"a cache has to tell weights apart, and those of {model.get('id')!r} are in no file; save them: "
                "scc2s.train.save_portable(lm, tokenizer, folder), and load that: scc2s.models.load(folder)"
            )
            raise ValueError(msg)
    identity = {name: model.get(name) for name in ("backend", "dtype", "quantization")}
    if model.get("url") is not None:
        identity["url"] = model["url"]
    identity["weights"] = model.get("weights_hash") or [model.get("id"), model.get("revision")]
    text = json.dumps([_KEYS, identity, prompt, dict(question)], sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=20).hexdigest()
