"""Errors of libraries that read a model folder, said in words that name the file."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def reading(path: Path | str, what: str) -> Iterator[None]:
    """Turn whatever goes wrong inside into a ValueError, but for what is not about the file: memory and packages.

    Parameters
    ----------
    path
        File or folder that is read.
    what
        What transformers does with it, e.g. ``"make a model of"``.
    """
    try:
        yield
    except (ImportError, MemoryError):
        raise
    except Exception as error:
        if type(error).__name__ == "OutOfMemoryError":  # that of torch, which is not imported here
            raise
        lines = str(error).split("\n") or [""]
        said = " ".join(line.strip() for line in lines if line.strip())[:300]
        msg = (
            f"transformers cannot {what} {path} ({type(error).__name__}: {said}); a file is damaged, or the folder is "
            "not whole: copy or download it again, or save the model again: save_pretrained(folder)"
        )
        raise ValueError(msg) from error
