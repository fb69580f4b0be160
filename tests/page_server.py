"""A server of cells on a free port, and a client that knows nothing of it."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        return self.json["error"]["message"]


class Page:
    """A running server."""

    def __init__(self, app: Any, port: int) -> None:
        self.app, self.port = app, port
        self.address = f"http://127.0.0.1:{port}/"

    @property
    def service(self) -> Any:
        return self.app.state.service

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        data = body
        if body is not None and not isinstance(body, bytes):
            data, sent = json.dumps(body).encode(), {"content-type": "application/json", **sent}
        try:
            connection.request(method, path, data, sent)
            found = connection.getresponse()
            return Reply(found.status, {k.lower(): v for k, v in found.getheaders()}, found.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Reply:
        return self.call("GET", path, **headers)

    def post(self, verb: str, body: Any, **headers: str) -> Reply:
        return self.call("POST", f"/api/{verb}", body, **headers)

    def events(self, verb: str, body: Any, *, leave_after: str | None = None) -> list[tuple[str, Any]]:
        """Events of an answer, until it ends, or until the client leaves after an event of that name."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        found: list[tuple[str, Any]] = []
        try:
            headers = {"content-type": "application/json", "accept": "text/event-stream"}
            connection.request("POST", f"/api/{verb}", json.dumps(body).encode(), headers)
            response = connection.getresponse()
            assert response.status == 200, response.read()
            assert response.getheader("content-type", "").startswith("text/event-stream")
            name = ""
            for line in response:
                text = line.decode().rstrip("\n")
                if text.startswith("event: "):
                    name = text.removeprefix("event: ")
                elif text.startswith("data: "):
                    found.append((name, json.loads(text.removeprefix("data: "))))
                    if name == leave_after:
                        return found
            return found
        finally:
            connection.close()


@contextmanager
def page(adata: Any, **options: Any) -> Iterator[Page]:
    """Serve cells in a thread of this process."""
    from scc2s.app import build

    app = build(adata, **options)
    with running(app) as port:
        yield Page(app, port)


@contextmanager
def running(app: Any) -> Iterator[int]:
    """Run an application; gives its port."""
    import uvicorn

    from scc2s.app._server import listen

    listening = listen("127.0.0.1", 0)
    config = uvicorn.Config(app, log_level="error", access_log=False, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])), daemon=True)
    thread.start()
    try:
        until(lambda: server.started)
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listening.close()


def until(is_so: Any, seconds: float = 30.0) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)
