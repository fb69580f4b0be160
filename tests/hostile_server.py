"""A real HTTP server that misbehaves: one way a name, for every request that is not for the list of models."""

from __future__ import annotations

import gzip
import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GOOD = json.dumps({"choices": [{"text": "fine", "finish_reason": "stop"}]}).encode()
MODELS = json.dumps({"data": [{"id": "mini", "max_model_len": 1024}]}).encode()


class Handler(BaseHTTPRequestHandler):
    """One request; ``server.seen`` keeps what came, ``server.act`` answers."""

    protocol_version = "HTTP/1.1"
    server: Any

    def log_message(self, *_: object) -> None: ...

    def do_GET(self) -> None:
        self.answer(b"")

    def do_POST(self) -> None:
        self.answer(self.rfile.read(int(self.headers["Content-Length"])))

    def answer(self, body: bytes) -> None:
        self.close_connection = True
        self.server.seen.append((self.command, self.path, dict(self.headers), body))
        if self.path == "/v1/models":
            self.say(200, MODELS)
            return
        try:
            self.server.act(self)
        except OSError:  # the client went away, as it should
            self.server.left.set()

    def start(self, status: int, **headers: Any) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def say(self, status: int, body: bytes, **headers: Any) -> None:
        self.start(status, Content_Length=len(body), **headers)
        self.wfile.write(body)


@contextmanager
def hostile(act: Callable[[Handler], None]) -> Iterator[Any]:
    """The server; ``server.url`` is its address."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.act, server.seen, server.left, server.daemon_threads = act, [], threading.Event(), True
    server.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def good(handler: Handler) -> None:
    handler.say(200, GOOD)


def drip(handler: Handler) -> None:
    """A body of a known length, a byte at a time, for as long as somebody listens."""
    handler.start(200, Content_Length=10**6)
    for _ in range(1000):
        handler.wfile.write(b" ")
        time.sleep(0.02)


def drip_chunks(handler: Handler) -> None:
    handler.start(200, Transfer_Encoding="chunked")
    for _ in range(1000):
        handler.wfile.write(b"1\r\n \r\n")
        time.sleep(0.02)


def drip_headers(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    for _ in range(1000):
        handler.wfile.write(b"a")
        time.sleep(0.02)


def drip_error(handler: Handler) -> None:
    handler.start(500, Content_Length=4000)
    for _ in range(1000):
        handler.wfile.write(b" ")
        time.sleep(0.02)


def never_begin(handler: Handler) -> None:
    """Says "100 Continue" for ever."""
    for _ in range(1000):
        handler.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.02)


def silent(handler: Handler) -> None:
    handler.server.left.wait(10)


def endless(handler: Handler) -> None:
    handler.start(200)
    while True:
        handler.wfile.write(b" " * 2**20)


def endless_chunks(handler: Handler) -> None:
    handler.start(200, Transfer_Encoding="chunked")
    while True:
        handler.wfile.write(b"100000\r\n" + b" " * 2**20 + b"\r\n")


def endless_redirect(handler: Handler) -> None:
    handler.start(307, Location="/v1/elsewhere")
    while True:
        handler.wfile.write(b" " * 2**20)


def endless_headers(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        handler.wfile.write(b"X-More: " + b"a" * 1000 + b"\r\n")


def bomb(handler: Handler) -> None:
    handler.say(200, gzip.compress(b" " * 2**28, 1), Content_Encoding="gzip")


def deep(handler: Handler) -> None:
    handler.say(200, b"[" * 10**6)
