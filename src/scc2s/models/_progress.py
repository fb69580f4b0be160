from __future__ import annotations

import os
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from ._listening import Stopped, listener

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tqdm.auto import tqdm

    from ._listening import Listener

_name: ContextVar[str | None] = ContextVar("name of the bars", default=None)

_OFF = ("", "0", "false", "no", "off")


@contextmanager
def called(name: str) -> Iterator[None]:
    """Bars within have this name: what the user called, not the step that it takes."""
    token = _name.set(name)
    try:
        yield
    finally:
        _name.reset(token)


def bar(total: int, task: str, *, show: bool) -> tqdm:
    """A progress bar in cells that appears after one second.

    Never at verbosity 0, where ``TQDM_DISABLE`` is set (as for tqdm's own bars), or in a build of Read the Docs. Not in
    a log either: where the error stream is neither a terminal nor a notebook, unless ``TQDM_DISABLE`` is 0.
    """
    from scanpy import settings
    from tqdm.auto import tqdm

    silent = any(os.environ.get(name, "").strip().lower() not in _OFF for name in ("TQDM_DISABLE", "READTHEDOCS"))
    hidden = not show or silent or int(settings.verbosity) < 1
    always = os.environ.get("TQDM_DISABLE", "").strip().lower() in _OFF[1:]
    disable = hidden if hidden or always else None  # None: tqdm looks at the stream, and its notebook bar does not
    made = tqdm(total=total, desc=_name.get() or task, unit="cell", delay=1, disable=disable)
    if (who := listener()) is not None:
        _tell(who, made, _name.get() or task, total)
    return made


def _tell(who: Listener, made: tqdm, task: str, total: int) -> None:
    """Let whoever waits for the answers see the bar, too, also where it is not shown here."""
    update, n = made.update, 0

    def told(by: int = 1) -> bool | None:  # also in threads of a backend, which do not know who waits
        nonlocal n
        if who.gone():
            raise Stopped
        n += by
        who.done(task, n, total)
        shown: bool | None = update(by)
        return shown

    if who.gone():
        raise Stopped
    made.update = told  # of this bar alone
