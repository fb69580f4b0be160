"""Somebody who waits for answers: told what is written while it is, and free to leave."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator


class Stopped(BaseException):
    """Nobody waits for the answer any more. Like ``KeyboardInterrupt``, no tool takes it for an error of a model."""


class Listener(Protocol):
    """Who waits. All methods are called in the thread that does the work."""

    def begins(self) -> None:
        """Another answer in words is begun."""

    def written(self, text: str) -> None:
        """That answer as far as it is written."""

    def done(self, task: str, n: int, total: int) -> None:
        """`n` of `total` prompts of a step have an answer."""

    def gone(self) -> bool:
        """Whether they have left."""


_listener: ContextVar[Listener | None] = ContextVar("who waits for answers", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Within, models tell `listener` what they write, and stop (:class:`Stopped`) soon after it has gone.

    Examples
    --------
    >>> from scc2s.models import CallableModel, replies
    >>> class Leaves:
    ...     def begins(self): print("begins")
    ...     def gone(self): return True
    >>> echo = CallableModel(reply=lambda messages: messages[-1]["content"])
    >>> try:
    ...     with listening(Leaves()):
    ...         replies(echo, [[{"role": "user", "content": "who?"}]], max_new_tokens=8)
    ... except Stopped:
    ...     print("stopped")
    stopped
    """
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def listener() -> Listener | None:
    """Who waits in this context."""
    return _listener.get()


def stop_if_gone() -> None:
    """Raise :class:`Stopped` where whoever waited has gone."""
    found = _listener.get()
    if found is not None and found.gone():
        raise Stopped
