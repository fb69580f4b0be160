"""One HTTP request with bounds: on its time, on the size of its answer, and on where it may be sent on to."""

from __future__ import annotations

import contextlib
import socket
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import urljoin, urlsplit, urlunsplit
from urllib.request import HTTPHandler, HTTPRedirectHandler, HTTPSHandler, ProxyHandler, Request, build_opener

from ._watch import Watch

if TYPE_CHECKING:
    from http.client import HTTPResponse

# Answers of real servers stay under a few MiB: 8,000 tokens with log-probabilities take about one.
MOST_BYTES = 2**26
_ERROR_BYTES = 4096
_CHUNK = 2**16
_MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LOCAL_NAMES = frozenset({"localhost", "localhost.localdomain", "localhost6", "ip6-localhost", "ip6-loopback"})


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


class Broken(ConnectionError):
    """Every try of a page ended with an error of the server itself."""


def fetch(request: Request, seconds: float) -> bytes:
    """Body of the answer to a request.

    Raises
    ------
    Failed
        The server answered with an error.
    Refused
        It sends the request on to another place, or answers compressed or without an end.
    TimeoutError
        Not all of the answer was there in time, however steadily it came.
    """
    with Watch(seconds) as watch:
        for _ in range(_MOST_REDIRECTS + 1):
            found = _once(request, watch)
            if isinstance(found, bytes):
                return found
            request = found
    msg = (
        f"{request.full_url} sends requests on more than {_MOST_REDIRECTS} times; give the address of the server itself"
    )
    raise Refused(msg, 310)


def is_local(host: str) -> bool:
    """Whether a host (with or without a port) is this machine, where no proxy may stand between.

    Examples
    --------
    >>> [is_local(host) for host in ("localhost:8000", "127.0.0.2", "127.1", "[::1]:80", "example.org", "10.0.0.1")]
    [True, True, True, True, False, False]
    """
    name = (urlsplit(f"//{host}").hostname or "").rstrip(".").lower()
    if name in _LOCAL_NAMES or name.endswith(".localhost"):
        return True
    try:
        address = ip_address(name)
    except ValueError:
        try:
            address = ip_address(socket.inet_aton(name))  # short forms such as 127.1
        except OSError:
            return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback or address.is_unspecified)


def _once(request: Request, watch: Watch) -> bytes | Request:
    """The body, or the request that the server wants instead."""
    direct = [ProxyHandler({})] if is_local(request.host) else []
    opener = build_opener(_Http(watch), _Https(watch), _NoRedirect(), *direct)
    try:
        with opener.open(request, timeout=watch.left) as answer:
            return _read(answer, request)
    except HTTPError as error:
        with error:
            place = error.headers.get("Location")
            if error.code in _REDIRECTS and place:
                return _sent_on(request, error.code, place)
            body = b""
            with contextlib.suppress(HTTPException, OSError):  # the status counts, whatever becomes of the rest
                body = error.read(_ERROR_BYTES)
        raise Failed(error.code, body, error.headers.get("Retry-After", "")) from None


def _read(answer: HTTPResponse, request: Request) -> bytes:
    coding = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if coding not in ("", "identity"):
        msg = (
            f"{request.full_url} answers compressed ({coding[:20]!r}), which it was not asked for; turn compression "
            "off in the server, or in the proxy before it"
        )
        raise Refused(msg, 200)
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


def _sent_on(request: Request, status: int, place: str) -> Request:
    """The same request for another page of the same server: the key, the prompts and the body go nowhere else."""
    try:
        url = urljoin(request.full_url, place)
        parts = urlsplit(url)
        same = _origin(url) == _origin(request.full_url) and "@" not in parts.netloc
    except ValueError:  # a port or brackets that are not
        msg = (
            f"{request.full_url} sends requests on to an address that is not one; give the address of the server itself"
        )
        raise Refused(msg, status) from None
    to = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    if not same:
        msg = (
            f"{request.full_url} sends requests on to {to}, where neither key nor prompts are sent unasked; if that is "
            "the right server, give its address"
        )
        raise Refused(msg, status)
    if request.data is not None and status not in (307, 308):
        msg = f"{request.full_url} sends requests on to {to} without what they ask ({status}); give that address"
        raise Refused(msg, status)
    headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
    return Request(url.replace(" ", "%20"), data=request.data, headers=headers)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


class _NoRedirect(HTTPRedirectHandler):
    """Leaves redirects to us: the one of the library reads their bodies without a bound, and takes the key along."""

    def http_error_302(self, req: Request, fp: Any, code: int, msg: str, headers: Any) -> Any:  # noqa: ARG002
        return None

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


class _Http(HTTPHandler):
    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_watched(HTTPConnection, self._watch), req)


class _Https(HTTPSHandler):
    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    def https_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_watched(HTTPSConnection, self._watch), req)


def _watched(kind: type[HTTPConnection], watch: Watch) -> Any:
    def make(host: str, **options: Any) -> HTTPConnection:
        connection = kind(host, **options)
        # The one place where a connection is made, with and without a proxy; http.client has it for this.
        connection._create_connection = watch.connecting(connection._create_connection)  # type: ignore[attr-defined]
        return connection

    return make
