"""Who may ask, and with how much: nothing else than the given cells can be reached."""

from __future__ import annotations

import http.client
import socket
import time

import pytest
from page_server import page, running

from scc2s.app import build


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8765", "localhost.evil.example", "", "[::1", "8.8.8.8"])
def test_other_names_of_the_server_are_refused(served, host):
    """A page that has its own name point to this machine (DNS rebinding) asks under that name."""
    found = served.get("/api/data", host=host)
    assert found.status == 421
    assert "open it by the address that it printed" in found.error


@pytest.mark.parametrize("host", ["localhost", "localhost:1", "127.0.0.1", "[::1]:80", "LOCALHOST"])
def test_this_machine_is_known_by_its_own_names(served, host):
    assert served.get("/api/data", host=host).status == 200


def test_pages_of_other_servers_may_not_ask(served):
    for headers in ({"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}):
        found = served.call("POST", "/api/ask", {"question": "?"}, **headers)
        assert found.status == 403, headers
    own = {"origin": served.address.rstrip("/"), "sec-fetch-site": "same-origin"}
    assert served.call("GET", "/api/data", **own).status == 200
    assert served.get("/", **{"sec-fetch-site": "cross-site"}).status == 200, "a link to the page may stand anywhere"


def test_no_header_opens_the_api_to_other_pages(served):
    asked = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    for found in (served.call("OPTIONS", "/api/ask", **asked), served.get("/api/data"), served.get("/")):
        assert not [name for name in found.headers if name.startswith("access-control")]
        assert "frame-ancestors 'none'" in found.headers["content-security-policy"]
        assert found.headers["x-content-type-options"] == "nosniff"
    assert served.get("/api/data").headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [
        "/static/../_server.py",
        "/static/..%2f_server.py",
        "/static/%2e%2e/_server.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/../../etc/passwd",
        "/static/..\\_server.py",
        "/api/../static/../../x",
    ],
)
def test_no_path_leads_to_a_file(served, path):
    found = served.get(path)
    assert found.status == 404
    assert b"root:" not in found.body
    assert b"import" not in found.body


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "http://127.0.0.1/"])
def test_names_in_requests_are_names_and_never_places(served, name):
    from urllib.parse import quote

    asked = quote(name, safe="")
    for path in (
        f"column?name={asked}",
        f"gene?name={asked}",
        f"coordinates.bin?basis={asked}",
        f"gene?name=CD3D&layer={asked}",
    ):
        assert served.get(f"/api/{path}").status == 404
    assert served.post("ask", {"question": "?", "key_added": name}).status == 422
    assert served.post("search", {"cells": {"rows": [1]}, "use_rep": name}).status == 422


def test_the_page_and_its_parts_are_served(served):
    found = served.get("/")
    assert found.status == 200
    assert b"<title>scc2s</title>" in found.body
    assert b"http://" not in found.body.replace(b"http://www.w3.org", b""), "no other server is asked"
    for name in ("main.js", "points.js", "style.css"):
        assert served.get(f"/static/{name}").status == 200


class TestToken:
    @pytest.fixture
    def guarded(self, cells):
        with page(cells, model="none", token="s3cret", local=False, hosts=["lab.example"]) as running:
            yield running

    def test_is_wanted_for_all_data(self, guarded):
        for headers in (
            {},
            {"authorization": "Bearer wrong"},
            {"authorization": "Bearer "},
            {"authorization": "s3cret!"},
        ):
            found = guarded.get("/api/data", **headers)
            assert found.status == 401
            assert "Authorization: Bearer TOKEN" in found.error
        assert guarded.get("/openapi.json").status == 401
        assert guarded.get("/api/data?token=s3cret").status == 401, "addresses are written to logs"
        assert guarded.get("/api/data", authorization="Bearer s3cret").status == 200

    def test_is_not_wanted_for_the_page_which_holds_no_data(self, guarded):
        assert guarded.get("/").status == 200
        assert guarded.get("/static/main.js").status == 200

    def test_names_are_looked_at_too(self, guarded):
        allowed = {"authorization": "Bearer s3cret"}
        assert guarded.get("/api/data", host="lab.example:80", **allowed).status == 200
        assert guarded.get("/api/data", host="192.168.1.7:80", **allowed).status == 200
        assert guarded.get("/api/data", host="evil.example", **allowed).status == 421

    def test_is_needed_where_others_can_reach_the_server(self, cells):
        with pytest.raises(ValueError, match="needs a token; pass token="):
            build(cells, local=False)


class TestSize:
    @pytest.fixture
    def small(self, cells):
        with page(cells, model="none", max_mb=0.01) as running:
            yield running

    def test_a_large_body_is_refused(self, small):
        found = small.post("ask", {"question": "?", "cells": {"rows": list(range(5000))}})
        assert found.status == 413
        assert "ask about fewer cells, or name a column" in found.error

    def test_a_body_that_does_not_say_how_large_it_is_is_counted(self, small):
        connection = http.client.HTTPConnection("127.0.0.1", small.port, timeout=30)
        parts = (b"x" * 1000 for _ in range(100))
        connection.request("POST", "/api/ask", parts, {"content-type": "application/json"}, encode_chunked=True)
        assert connection.getresponse().status in (400, 413)
        connection.close()
        assert small.get("/api/data").status == 200

    def test_a_body_that_does_not_come_is_not_waited_for(self, cells):
        app = build(cells, model="none")
        guard = next(one for one in app.user_middleware if one.cls.__name__ == "Guard")
        guard.kwargs["seconds"] = 0.2
        with running(app) as port, socket.create_connection(("127.0.0.1", port), timeout=20) as line:
            line.sendall(b"POST /api/ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{")
            begun = time.monotonic()
            assert b"408" in line.recv(1000).split(b"\r\n")[0]
            assert time.monotonic() - begun < 15


@pytest.mark.parametrize("argument", [{"timeout": 0}, {"queue": 0}, {"max_mb": -1}])
def test_limits_are_above_zero(cells, argument):
    with pytest.raises(ValueError, match="is not above 0; pass a number that is"):
        build(cells, **argument)
