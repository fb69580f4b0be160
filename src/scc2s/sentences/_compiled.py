"""Compiling of the kernels: kept on disk where a folder can be written, anew in each process elsewhere."""

from __future__ import annotations

import pickle
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from numba import njit
from numba.core.caching import FunctionCache

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile a function at its first call, without Python's lock, and keep the machine code for later processes.

    numba refuses ``cache=True`` at import where it finds no folder to write to (a read-only installation without a
    home), and lets errors of a full disk or a damaged file through; here all of these mean: compile without a cache.
    """
    dispatcher = njit(nogil=True)(function)
    try:
        dispatcher._cache = _ForgivingCache(function)
    except (RuntimeError, OSError) as error:
        _say(type(error).__name__)
    return dispatcher


class _ForgivingCache(FunctionCache):
    """A cache that is left out where it cannot be read or written."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except (OSError, EOFError, ValueError, pickle.UnpicklingError) as error:
            _say(type(error).__name__)
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except (OSError, EOFError, ValueError, pickle.UnpicklingError) as error:
            _say(type(error).__name__)


@cache
def _say_once() -> None:
    from scc2s._logging import logger

    logger.warning(
        "compiled kernels cannot be kept on disk, so each process compiles them anew (seconds); to keep them, set the "
        "environment variable NUMBA_CACHE_DIR to a folder that can be written"
    )


def _say(_: str) -> None:
    _say_once()
