"""Room for checkpoints: asked for before training, and named where it runs out."""

from __future__ import annotations

import errno
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ._checkpoints import last_whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FULL_WORDS = ("No space left", "Disk quota exceeded", "File too large", "file write failed", "unexpected pos")


def check_space(folder: Path, model: Any, config: Any, *, free: int | None = None) -> None:
    """Refuse a disk that cannot hold one checkpoint."""
    sizes = [(p.numel() * p.element_size(), p.requires_grad) for p in model.parameters()]
    learned = sum(size for size, grad in sizes if grad)
    need = learned * (1 if config.save_only_model else 3)
    free = shutil.disk_usage(folder).free if free is None else free
    if need > free:
        msg = (
            f"{folder} has {free / 1e9:.1f} GB left, and a checkpoint takes {need / 1e9:.1f}; free some, or pass "
            "output_dir= a folder on another disk"
        )
        raise OSError(errno.ENOSPC, msg)


@contextmanager
def full_disk_named(folder: Path) -> Iterator[None]:
    """Say what to do where the disk is full; it comes as errors of many kinds from those who write."""
    try:
        yield
    except Exception as error:
        numbers = {getattr(one, "errno", None) for one in (error, error.__cause__, error.__context__)}
        words = " ".join(str(one) for one in (error, error.__cause__, error.__context__))
        if not numbers & NO_ROOM and not any(word in words for word in _FULL_WORDS):
            raise
        last = last_whole(folder)
        left = "no checkpoint was finished" if last is None else f"{last.name} is whole"
        msg = (
            f"{folder} cannot hold another checkpoint, as the disk is full; {left}: free some space and call again "
            "with the same arguments, and training goes on from it"
        )
        raise OSError(errno.ENOSPC, msg) from error
