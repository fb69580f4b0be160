"""One HTTP request with bounds: on its time, on the size of its answer, and on where it may be sent on to."""

from __future__ import annotations

import socket
import threading
import time
from http.client import HTTPConnection, HTTPSConnection
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import (
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    ProxyHandler,
    Request,
    build_opener,
)

if TYPE_CHECKING:
    from http.client import HTTPResponse

# Answers of real servers stay under a few MiB: 8,000 tokens with log-probabilities take about one.
MOST_BYTES = 2**26
_ERROR_BYTES = 4096
_CHUNK = 2**16


class Refused(ValueError):
    """The endpoint does not take a request: asking again does not help."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Failed(Exception):
    """The server answered with an error.

    Parameters
    ----------
    status
        HTTP status.
    body
        First bytes of what it says.
    retry_after
        Seconds or date that it asks to wait for.
    """

    def __init__(self, status: int, body: bytes, retry_after: str) -> None:
        super().__init__(f"status {status}")
        self.status, self.body, self.retry_after = status, body, retry_after


def fetch(request: Request, seconds: float) -> bytes:
    """Body of the answer to a request.

    Raises
    ------
    Failed
        The server answered with an error.
    Refused
        It sends the request on to another place, or answers without an end.
    TimeoutError
        Not all of the answer was there in time, however steadily it came.
    """
    with _Watch(seconds) as watch:
        opener = build_opener(
            _Http(watch), _Https(watch), _SamePlace(), *([ProxyHandler({})] if is_local(request.host) else [])
        )
        try:
            with opener.open(request, timeout=seconds) as answer:
                return _read(answer, request)
        except HTTPError as error:
            with error:
                body = error.read(_ERROR_BYTES)
            raise Failed(error.code, body, error.headers.get("Retry-After", "")) from None


def is_local(host: str) -> bool:
    """Whether a host (with or without a port) is this machine, where no proxy may stand between.

    Examples
    --------
    >>> [is_local(host) for host in ("localhost:8000", "127.0.0.2", "[::1]:80", "example.org", "10.0.0.1")]
    [True, True, True, False, False]
    """
    name = (urlsplit(f"//{host}").hostname or "").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback or address.is_unspecified


def _read(answer: HTTPResponse, request: Request) -> bytes:
    parts, size = [], 0
    while part := answer.read(_CHUNK):
        parts.append(part)
        size += len(part)
        if size > MOST_BYTES:
            msg = (
                f"{request.full_url} answers with more than {MOST_BYTES >> 20} MiB, which no answer of a model has; "
                "see to the address"
            )
            raise Refused(msg, 200)
    if answer.length:  # read(n) raises no error where the answer breaks off
        msg = f"the answer broke off {answer.length} bytes before its end"
        raise ConnectionError(msg)
    return b"".join(parts)


class _Watch:
    """Shuts the connection when the time is over: a timeout of the socket begins anew with every byte."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.over = seconds, False
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(min(seconds, threading.TIMEOUT_MAX), self._shut)
        self._timer.daemon = True

    def __enter__(self) -> _Watch:
        self._timer.start()
        self._end = time.monotonic() + self.seconds
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self._timer.cancel()
        # A little early: the timer and the timeout of the socket run side by side.
        if self.over or (kind is not None and time.monotonic() >= self._end):
            msg = f"it took more than {self.seconds:g} s"
            raise TimeoutError(msg) from None

    def hold(self, found: socket.socket) -> None:
        """Watch over this connection from now on."""
        with self._lock:
            self._socket = found
            if not self.over:
                return
        _shut(found)

    def _shut(self) -> None:
        with self._lock:
            self.over = True
            found = self._socket
        if found is not None:
            _shut(found)


def _shut(found: socket.socket) -> None:
    try:
        # Of the plain socket: shutting TLS down in order would wait for the other side.
        socket.socket.shutdown(found, socket.SHUT_RDWR)
    except OSError:
        pass


class _Http(HTTPHandler):
    def __init__(self, watch: _Watch) -> None:
        super().__init__()
        self._watch = watch

    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_watched(HTTPConnection, self._watch), req)


class _Https(HTTPSHandler):
    def __init__(self, watch: _Watch) -> None:
        super().__init__()
        self._watch = watch

    def https_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_watched(HTTPSConnection, self._watch), req)


def _watched(kind: type[HTTPConnection], watch: _Watch) -> Any:
    class Watched(kind):  # type: ignore[valid-type, misc]
        def connect(self) -> None:
            super().connect()
            watch.hold(self.sock)

    return Watched


class _SamePlace(HTTPRedirectHandler):
    """Follows a redirect only to the same server: the key, the prompts and the body go nowhere else."""

    def redirect_request(self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Request | None:
        if _place(req.full_url) != _place(newurl):
            parts = urlsplit(newurl)
            to = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
            text = (
                f"{req.full_url} sends requests on to {to}, where neither key nor prompts are sent unasked; if that is "
                "the right server, give its address"
            )
            raise Refused(text, code)
        if req.data is None:
            return super().redirect_request(req, fp, code, msg, headers, newurl)
        if code not in (307, 308):
            text = f"{req.full_url} sends requests on to {newurl} without what they ask ({code}); give that address"
            raise Refused(text, code)
        return Request(newurl, data=req.data, headers=dict(req.header_items()), unverifiable=True)


def _place(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
