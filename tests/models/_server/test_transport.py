"""A request ends: in time, in size, and at the server that it was meant for."""

from __future__ import annotations

import random
import resource
import socket
import ssl
import subprocess
import threading
import time
from urllib.request import Request

import hostile_server as bad
import numpy as np
import pytest
from hostile_server import hostile

from scc2s.models._server import _transport
from scc2s.models._server._client import Client
from scc2s.models._server._transport import Failed, Refused, fetch, is_local

KEY = "sk-very-secret"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("scc2s.models._server._client._FIRST_WAIT", 0.01)
    monkeypatch.setenv("SCC2S_API_KEY", KEY)


def client(url, **changes):
    return Client(
        **{"url": url, "api_key_env": "SCC2S_API_KEY", "n_concurrent": 2, "timeout": 5.0, "n_retries": 0, **changes}
    )


def ask(server, **changes):
    return client(server.url, **changes).post("/completions", {"prompt": "Genes: CD3D"})


@pytest.mark.parametrize(
    "act",
    [bad.drip, bad.drip_chunks, bad.drip_headers, bad.drip_error, bad.never_begin, bad.silent],
    ids=lambda act: act.__name__,
)
def test_an_answer_that_drips_ends_at_the_timeout(act):
    with hostile(act) as server:
        began = time.monotonic()
        with pytest.raises(ConnectionError, match=r"no answer in 2 tries \(it took more than 0.4 s\).*timeout="):
            ask(server, timeout=0.4, n_retries=1)
        assert 0.8 <= time.monotonic() - began < 3
        server.left.set()
    assert len(server.seen) == 2


def test_a_timeout_closes_the_connection_and_leaves_no_thread():
    before = threading.active_count()
    with hostile(bad.drip) as server:
        with pytest.raises(TimeoutError):
            fetch(Request(f"{server.url}/completions"), 0.2)
        assert server.left.wait(5)
    time.sleep(0.1)
    assert threading.active_count() <= before


@pytest.mark.parametrize("act", [bad.endless, bad.endless_chunks], ids=lambda act: act.__name__)
def test_an_endless_answer_is_given_up_at_a_size_and_not_asked_for_again(act):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with hostile(act) as server, pytest.raises(ValueError, match="more than 64 MiB, .*see to the address"):
        ask(server, timeout=30.0, n_retries=3)
    assert len(server.seen) == 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**18  # KiB


def test_an_answer_just_within_the_size_is_taken(monkeypatch):
    monkeypatch.setattr(_transport, "MOST_BYTES", len(bad.GOOD))
    with hostile(bad.good) as server:
        assert ask(server)["choices"][0]["text"] == "fine"
        monkeypatch.setattr(_transport, "MOST_BYTES", len(bad.GOOD) - 1)
        with pytest.raises(Refused):
            ask(server)


def test_endless_headers_end():
    with hostile(bad.endless_headers) as server, pytest.raises(ConnectionError, match="headers"):
        ask(server)


def test_the_body_of_a_redirect_is_not_read():
    with hostile(bad.endless_redirect) as server, pytest.raises(Refused, match="more than 5 times"):
        ask(server, timeout=30.0)


def test_what_was_compressed_unasked_is_refused_before_it_is_unpacked():
    with hostile(bad.bomb) as server, pytest.raises(ValueError, match="compressed .*turn compression off"):
        ask(server)
    assert server.seen[0][2]["Accept-Encoding"] == "identity"


def test_json_without_a_bottom_is_told_from_an_answer():
    with hostile(bad.deep) as server, pytest.raises(ValueError, match="does not answer in JSON"):
        ask(server)


@pytest.mark.parametrize("status", [401, 404, 500])
def test_the_status_counts_where_the_page_of_an_error_breaks_off(status):
    def act(handler):
        handler.start(status, Transfer_Encoding="chunked")
        handler.wfile.write(b"zz\r\n")

    with hostile(act) as server, pytest.raises(Failed, match=f"status {status}"):
        fetch(Request(f"{server.url}/completions"), 5.0)


def sends_on(place, status=307):
    def act(handler):
        if handler.path == "/v1/other":
            bad.good(handler)
        else:
            handler.say(status, b"", Location=place)

    return act


@pytest.mark.parametrize("place", ["/v1/other", "other", "{url}/other", "//{host}/v1/other"])
@pytest.mark.parametrize("status", [307, 308])
def test_a_redirect_within_the_server_is_followed_with_key_and_prompt(place, status):
    with hostile(bad.good) as server:
        server.act = sends_on(place.format(url=server.url, host=server.url.split("/")[2]), status)
        assert ask(server)["choices"][0]["text"] == "fine"
    assert [path for _, path, *_ in server.seen] == ["/v1/completions", "/v1/other"]
    assert {headers["Authorization"] for *_, headers, _ in server.seen} == {f"Bearer {KEY}"}
    assert server.seen[0][3] == server.seen[1][3] == b'{"prompt": "Genes: CD3D"}'


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    "place",
    [
        "{other}/other",
        "//{other_host}/v1/other",
        "http://localhost:{port}/v1/other",
        "https://127.0.0.1:{port}/v1/other",
        "http://user:pass@127.0.0.1:{port}/v1/other",
        "http://127.0.0.1:{port}\\@{other_host}/v1/other",
        "http://127.0.0.1/v1/other",
        "ftp://127.0.0.1:{port}/v1/other",
        "file:///etc/passwd",
    ],
)
def test_a_redirect_to_another_place_carries_nothing_there(status, method, place):
    with hostile(bad.good) as other, hostile(bad.good) as server:
        host = other.url.split("/")[2]
        to = place.format(other=other.url, other_host=host, port=server.server_address[1])
        server.act = sends_on(to, status)
        one = client(server.url)
        with pytest.raises(
            ValueError, match="where neither key nor prompts are sent unasked.*give its address"
        ) as caught:
            one.get("/page") if method == "get" else one.post("/completions", {"prompt": "a"})
        assert len(server.seen) == 1
        assert other.seen == []
        assert "pass@" not in str(caught.value)


@pytest.mark.parametrize("place", ["http://[::1/v1", "http://127.0.0.1:99999999/v1", "http://127.0.0.1:x/", "//["])
def test_a_redirect_to_no_address_is_refused(place):
    with hostile(sends_on(place)) as server, pytest.raises(Refused, match="address that is not one"):
        ask(server)


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_redirect_that_would_lose_the_prompt_is_refused(status):
    with hostile(sends_on("/v1/other", status)) as server, pytest.raises(Refused, match="without what they ask"):
        ask(server)
    assert len(server.seen) == 1


def test_redirects_in_a_circle_end():
    with hostile(sends_on("/v1/completions")) as server, pytest.raises(Refused, match="more than 5 times"):
        ask(server)
    assert len(server.seen) == 6


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("localhost", True),
        ("LOCALHOST:8000", True),
        ("localhost.", True),
        ("my.localhost:1", True),
        ("127.0.0.1", True),
        ("127.255.3.4:99", True),
        ("127.1", True),
        ("0.0.0.0:8000", True),
        ("[::1]", True),
        ("[::1]:8000", True),
        ("[::ffff:127.0.0.1]:1", True),
        ("example.org", False),
        ("localhost.example.org", False),
        ("127.0.0.1.example.org", False),
        ("10.0.0.1", False),
        ("[2001:db8::1]", False),
        ("128.0.0.1", False),
    ],
)
def test_addresses_of_this_machine_are_known(host, local):
    assert is_local(host) is local


def test_a_proxy_stands_before_other_addresses_only(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with hostile(bad.good) as proxy, hostile(bad.good) as server:
        monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/v1"))
        port = server.server_address[1]
        for host in ("127.0.0.1", "localhost", "127.0.0.1"):
            assert client(f"http://{host}:{port}/v1").post("/completions", {})["choices"]
        assert proxy.seen == []
        client("http://models.example/v1").post("/completions", {})
        assert [path for _, path, *_ in proxy.seen] == ["http://models.example/v1/completions"]


def test_tls_that_never_shakes_hands_ends_at_the_timeout():
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip():
            found, _ = listening.accept()
            with found:
                try:
                    found.sendall(b"\x16\x03\x03\x40\x00")  # a record of 16 KiB, a byte at a time
                    for _ in range(500):
                        found.sendall(b"\x02")
                        time.sleep(0.02)
                except OSError:
                    pass

        threading.Thread(target=drip, daemon=True).start()
        began = time.monotonic()
        with pytest.raises(TimeoutError, match=r"more than 0.4 s"):
            fetch(Request(f"https://127.0.0.1:{listening.getsockname()[1]}/v1/models"), 0.4)
        assert time.monotonic() - began < 3


def test_tls_is_watched_and_its_certificate_checked(tmp_path, monkeypatch):
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem",
         "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        cwd=tmp_path, capture_output=True, check=False,
    )  # fmt: skip
    if made.returncode:
        pytest.skip("needs openssl")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with hostile(bad.good) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        url = f"https://localhost:{server.server_address[1]}/v1"
        with pytest.raises(ConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
            client(url).post("/completions", {})
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        assert client(url).post("/completions", {})["choices"]
        server.act = bad.drip
        with pytest.raises(ConnectionError, match="more than 0.4 s"):
            client(url, timeout=0.4).post("/completions", {})


def test_the_random_numbers_of_the_session_stay_as_they_were():
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    before, array_before = random.getstate(), np.random.get_state()  # noqa: NPY002
    with hostile(lambda handler: handler.say(503, b"")) as server, pytest.raises(ConnectionError):
        ask(server, n_retries=3)
    assert len(server.seen) == 4
    assert random.getstate() == before
    after = np.random.get_state()  # noqa: NPY002
    assert all(np.array_equal(a, b) for a, b in zip(array_before, after, strict=True))
