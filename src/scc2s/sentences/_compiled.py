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

_UNREADABLE = (OSError, EOFError, ValueError, IndexError, KeyError, AttributeError, ImportError, pickle.PickleError)
"""What reading a damaged or foreign cache file may raise."""


def compiled(function: Function) -> Function:
    """Compile a function at its first call, without Python's lock, and keep the machine code for later processes.

    With its own ``cache=True`` numba fails at import where it finds no folder to write to (a read-only installation
    without a home), and at the first call where the disk is full or a file of the cache is damaged. Here all of these
    mean: compile without the cache.
    """
    dispatcher: Any = njit(nogil=True)(function)
    cache_of: Any = _ForgivingCache
    try:
        dispatcher._cache = cache_of(function)  # as Dispatcher.enable_caching() does
    except (RuntimeError, OSError):
        _say_once()
    kernel: Function = dispatcher
    return kernel


class _ForgivingCache(FunctionCache):
    """A cache that is left out where it cannot be read or written."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        except _UNREADABLE:
            self._start_anew()
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)  # type: ignore[no-untyped-call]
        except _UNREADABLE:
            _say_once()

    def _start_anew(self) -> None:
        try:
            self.flush()  # type: ignore[no-untyped-call]
        except OSError:
            _say_once()
            self.disable()  # type: ignore[no-untyped-call]


@cache
def _say_once() -> None:
    from scc2s._logging import logger

    logger.warning(
        "compiled code cannot be kept on disk, so that it is compiled anew (some seconds in each process); to keep it, "
        "set the environment variable NUMBA_CACHE_DIR to a folder that can be written"
    )
