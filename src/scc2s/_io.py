"""Files and folders that are either the old ones or the new ones, never half."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import socket
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anndata import AnnData

_OLD = "old"  # the part of a hidden name that says: what stood at the target before
_NEW = "new"


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A path to write to, which takes the place of `path` in one step when the block ends without an error.

    It is a hidden file in the same folder (a rename is one step only within a file system) and is on the disk before
    the rename. A file that was there before keeps its permissions, and nobody else can read the new one before that. A
    process killed on the way leaves the hidden file behind and `path` as it was; the next one that writes to `path`
    removes what such a process left.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.txt"
    >>> with replacing(path) as new:
    ...     _ = new.write_text("whole")
    >>> path.read_text()
    'whole'
    """
    check_writable(path)
    target = Path(path).resolve()  # a link stays a link
    clear_leftovers(target)
    before = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
    new = _hidden(target, _NEW)
    try:
        os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666 if before is None else 0o600))
        yield new
        _sync(new)
        if before is not None:
            new.chmod(before)
        new.replace(target)
    finally:
        new.unlink(missing_ok=True)
    _sync_folder(target.parent)


@contextmanager
def replacing_folder(path: str | Path) -> Iterator[Path]:
    """:func:`replacing` for a folder, such as a Zarr store. The folder to fill is there, and empty.

    A folder that is there is renamed before the new one takes its place; a process killed between these two renames
    leaves both under hidden names, and the next one that reads or writes `path` puts the old one back.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.zarr"
    >>> with replacing_folder(path) as new:
    ...     _ = (new / "data").write_text("whole")
    >>> [file.name for file in path.iterdir()]
    ['data']
    """
    check_writable(path, folder=True)
    target = Path(path).resolve()
    clear_leftovers(target)
    before = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
    new, old = _hidden(target, _NEW), _hidden(target, _OLD)
    try:
        new.mkdir(0o777 if before is None else 0o700)
        yield new
        for file in new.rglob("*"):
            if file.is_file():
                _sync(file)
        if before is not None:
            new.chmod(before)
            target.rename(old)
        new.rename(target)
    finally:
        if old.exists() and not target.exists():
            old.rename(target)
        _remove(new)
        _remove(old)
    _sync_folder(target.parent)


def check_writable(path: str | Path, *, folder: bool = False) -> None:
    """Refuse a target that cannot be written, before any work is done for it. Leaves nothing behind.

    Parameters
    ----------
    path
        File that is to be written.
    folder
        Whether it is to be a folder.

    Raises
    ------
    FileNotFoundError
        There is no folder to write to.
    NotADirectoryError, IsADirectoryError
        The target is a file and is to be a folder, or the other way round.
    PermissionError
        The target, or its folder, is read-only.
    """
    target = Path(path).resolve()
    parent = target.parent
    if not parent.is_dir():
        msg = f"there is no folder {Path(path).parent} to write to; call mkdir -p {Path(path).parent}"
        raise FileNotFoundError(msg)
    if target.is_dir() and not folder:
        msg = f"{path} is a folder; give the path of a file"
        raise IsADirectoryError(msg)
    if target.exists() and not target.is_dir() and folder:
        msg = f"{path} is a file, and a folder is to be written; give another path, or remove it"
        raise NotADirectoryError(msg)
    if target.exists() and not (target.is_dir() or target.is_file()):
        msg = f"{path} is neither a file nor a folder; give the path of a file"
        raise PermissionError(msg)
    if target.exists() and not (target.stat().st_mode & 0o222 and os.access(target, os.W_OK)):
        msg = f"{path} is read-only; give another path, or call chmod u+w {path}"
        raise PermissionError(msg)
    trial = _hidden(target, _NEW)
    try:
        os.close(os.open(trial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        msg = f"cannot write to the folder {parent} ({error.strerror}); give a path in a folder of yours"
        raise PermissionError(msg) from error
    finally:
        trial.unlink(missing_ok=True)


def clear_leftovers(path: str | Path) -> None:
    """Remove what processes that were killed while they wrote `path` left; put back what one had moved away."""
    target = Path(path).resolve()
    if os.name != "posix" or not target.parent.is_dir():
        return
    head, tail = re.escape(f".{target.stem}."), re.escape(target.suffix)
    name = re.compile(rf"{head}({_NEW}|{_OLD})-{_machine()}-(\d+)-[0-9a-f]{{8}}{tail}")
    for file in target.parent.iterdir():
        found = name.fullmatch(file.name)
        if found is None or _runs(int(found[2])):
            continue
        with suppress(OSError):  # of another user, or in a folder that is only read
            if found[1] == _OLD and not target.exists():
                file.rename(target)
            else:
                _remove(file)


def write_h5ad(adata: AnnData, path: str | Path) -> None:
    """Write an h5ad file in one step."""
    with replacing(path) as new:
        adata.write_h5ad(new)


def write_text(text: str, path: str | Path) -> None:
    """Write a text file in one step."""
    with replacing(path) as new:
        new.write_text(text, encoding="utf-8")


def _hidden(target: Path, kind: str) -> Path:
    """A name beside `target` that no one takes for it, and that says which process made it."""
    return target.with_name(f".{target.stem}.{kind}-{_machine()}-{os.getpid()}-{secrets.token_hex(4)}{target.suffix}")


def _machine() -> str:
    """Where a process number means something: this host, and this container on it."""
    try:
        space = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        space = ""
    return hashlib.blake2b(f"{socket.gethostname()} {space}".encode(), digest_size=4).hexdigest()


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)  # asks, sends nothing
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(path: Path) -> None:
    if os.name == "posix":
        _sync(path)
