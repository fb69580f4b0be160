"""An end to the time of a request: a timeout of a socket begins anew with every byte."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Watch:
    """Shuts the connections made within it when the time is over, and raises TimeoutError then.

    Parameters
    ----------
    seconds
        Until then, from the start of the ``with`` block.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds, self._over, self._end = seconds, False, 0.0
        self._held: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(min(seconds, threading.TIMEOUT_MAX), self._shut)
        self._timer.daemon = True

    def __enter__(self) -> Watch:
        self._end = time.monotonic() + self._seconds
        self._timer.start()
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self._timer.cancel()
        with self._lock:
            for held in self._held:
                held.close()
            self._held.clear()
        # The timeout of the socket may come a little before the timer.
        if self._over or (isinstance(error, OSError) and time.monotonic() >= self._end):
            msg = f"it took more than {self._seconds:g} s"
            raise TimeoutError(msg) from None

    @property
    def left(self) -> float:
        """Seconds left."""
        return max(0.001, self._end - time.monotonic())

    def connecting(self, connect: Callable[..., socket.socket]) -> Callable[..., socket.socket]:
        """The function that connects, with a watch over its connections from the first byte (of TLS too)."""

        def connected(*args: Any, **options: Any) -> socket.socket:
            found = connect(*args, **options)
            with self._lock:
                self._held.append(found.dup())  # TLS takes the socket itself away
                over = self._over
            if over:
                self._shut()
            return found

        return connected

    def _shut(self) -> None:
        with self._lock:
            self._over = True
            for held in self._held:
                with contextlib.suppress(OSError):  # closed by the other side
                    held.shutdown(socket.SHUT_RDWR)
