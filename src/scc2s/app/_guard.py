"""What is looked at before a request is answered: who asks from where, with which token, and how much it brings."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ._errors import answer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class Guard:
    """Refuses requests for other hosts, of other pages, without the token, or with more than may be brought.

    Parameters
    ----------
    app
        What answers.
    local
        Whether the server can be reached from this machine alone; then only names of this machine are served.
    hosts
        Other names that the server is known by. Addresses are always taken: a page of another server that has its own
        name point here (DNS rebinding) can only come with a name.
    token
        What a client has to know; ``None``: nothing.
    most_bytes
        Of the body of a request.
    seconds
        In which the body has to come.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        local: bool,
        hosts: Iterable[str] = (),
        token: str | None = None,
        most_bytes: int = 16 * 2**20,
        seconds: float = 30.0,
    ) -> None:
        self.app, self.local, self.token = app, local, token
        self.hosts = {host.lower() for host in hosts}
        self.most_bytes, self.seconds = most_bytes, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
                return
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        path: str = scope["path"]

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                more = dict(_HEADERS)
                if path.startswith("/api/"):
                    more["cache-control"] = "no-store"
                there = {name.lower() for name, _ in message["headers"]}
                extra = [(name.encode(), value.encode()) for name, value in more.items() if name.encode() not in there]
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        refused = self._refused(headers, path)
        if refused is not None:
            await answer(*refused)(scope, receive, sending)
            return
        try:
            body = await self._body(headers, receive)
        except _TooMuch:
            said = f"the request is larger than {self.most_bytes // 2**20} MB; ask about fewer cells, or name a column"
            await answer(413, "TooLarge", said)(scope, receive, sending)
            return
        except TimeoutError:
            said = f"the request did not arrive within {self.seconds:g} s; send it again"
            await answer(408, "TimeoutError", said)(scope, receive, sending)
            return
        if body is None:
            return
        await self.app(scope, _again(body, receive), sending)

    def _refused(self, headers: dict[str, str], path: str) -> tuple[int, str, str] | None:
        host = headers.get("host", "")
        if not self._is_ours(host):
            return 421, "Host", f"this server is not {host!r}; open it by the address that it printed when it started"
        origin = headers.get("origin")
        foreign = origin is not None and urlsplit(origin).netloc.lower() != host.lower()
        shown = path == "/" or path.startswith("/static/")
        if foreign or (not shown and headers.get("sec-fetch-site") in ("cross-site", "same-site")):
            return 403, "Origin", "pages of other servers may not ask here; call the API from Python, R or curl"
        if self.token is None or shown:
            return None
        given = headers.get("authorization", "").removeprefix("Bearer ").strip()
        if hmac.compare_digest(given.encode(), self.token.encode()):
            return None
        said = (
            "this server wants its token; open the whole address that it printed, or send Authorization: Bearer TOKEN"
        )
        return 401, "Token", said

    def _is_ours(self, host: str) -> bool:
        try:
            name = (urlsplit(f"//{host}").hostname or "").lower().rstrip(".")
        except ValueError:
            return False
        if name == "localhost" or name in self.hosts:
            return True
        try:
            address = ipaddress.ip_address(name.split("%")[0])
        except ValueError:
            return False
        return address.is_loopback or not self.local

    async def _body(self, headers: dict[str, str], receive: Receive) -> bytes | None:
        """The body of a request; ``None`` where the client left before its end."""
        said = headers.get("content-length", "0")
        if not said.isdigit() or int(said) > self.most_bytes:
            raise _TooMuch
        parts: list[bytes] = []
        n = 0
        async with asyncio.timeout(self.seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                part = message.get("body", b"")
                n += len(part)
                if n > self.most_bytes:
                    raise _TooMuch
                parts.append(part)
                if not message.get("more_body", False):
                    return b"".join(parts)


class _TooMuch(Exception):
    pass


def _again(body: bytes, receive: Receive) -> Receive:
    """Receives a body that has come already, and then whether the client leaves."""
    given = False

    async def receiving() -> Message:
        nonlocal given
        if not given:
            given = True
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return receiving
