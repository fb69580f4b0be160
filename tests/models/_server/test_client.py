"""Requests are repeated where that helps, for a bounded time, and the key is seen by the server alone."""

from __future__ import annotations

import base64
import logging
import time
import traceback
from email.utils import formatdate
from urllib.parse import quote

import hostile_server as bad
import numpy as np
import pytest
from hostile_server import hostile
from hypothesis import given, settings
from hypothesis import strategies as st
from server_script import Script, serving

import scc2s
from scc2s.models._server._client import Client

KEY = "sk-very/secret+key"


@pytest.fixture
def waited(monkeypatch):
    """Seconds that were waited between tries; none is."""
    found = []
    monkeypatch.setattr("scc2s.models._server._client.time.sleep", found.append)
    return found


def client(url="http://localhost:1/v1", **changes):
    return Client(
        **{"url": url, "api_key_env": "SCC2S_API_KEY", "n_concurrent": 1, "timeout": 5.0, "n_retries": 3, **changes}
    )


def busy(times, asked):
    """Answers 429 so often, with this ``Retry-After``."""

    def act(handler):
        n = sum(path == "/v1/completions" for _, path, *_ in handler.server.seen)
        if n > times:
            bad.good(handler)
        else:
            handler.say(429, b"", **({} if asked is None else {"Retry_After": asked}))

    return act


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [("7", 7.0), ("0", 0.0), (" 2.5 ", 2.5), ("30", 30.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0)],
)
def test_the_server_says_how_long_to_wait(waited, asked, seconds):
    with hostile(busy(1, asked)) as server:
        client(server.url).post("/completions", {})
    assert waited == [seconds]


def test_the_server_may_say_until_when_to_wait(waited):
    with hostile(busy(1, formatdate(time.time() + 20, usegmt=True))) as server:
        client(server.url).post("/completions", {})
    assert len(waited) == 1
    assert 15 < waited[0] <= 20


@pytest.mark.parametrize(
    "asked",
    ["3600", "31", "9" * 400, formatdate(time.time() + 86400, usegmt=True)],
    ids=["an hour", "half a minute", "very long", "a day by date"],
)
def test_a_wait_over_the_bound_is_told_and_not_waited(waited, asked):
    with hostile(busy(9, asked)) as server:
        with pytest.raises(
            ConnectionError, match=r"asks to wait for \w+ s \(status 429\), over the 30 s that are waited.*timeout="
        ):
            client(server.url).post("/completions", {})
        assert len(server.seen) == 1
    assert waited == []


def test_a_longer_timeout_waits_longer(waited):
    with hostile(busy(1, "100")) as server:
        client(server.url, timeout=120.0).post("/completions", {})
    assert waited == [100.0]


@pytest.mark.parametrize("asked", [None, "", "soon", "-5", "nan", "inf", "1e9", "²", "0x10", "Wed, 99 Oct 2015"])
def test_without_a_time_the_pauses_double_up_to_a_bound(waited, asked):
    with hostile(busy(99, asked)) as server:
        with pytest.raises(ConnectionError, match="no answer in 9 tries"):
            client(server.url, n_retries=8).post("/completions", {})
        assert len(server.seen) == 9
    longest = np.minimum(30.0, 0.5 * 2.0 ** np.arange(8))
    assert (np.array(waited) <= longest).all()
    assert (np.array(waited) >= longest / 2).all()


@pytest.mark.parametrize("status", [400, 402, 404, 413, 422, 501])
def test_what_does_not_pass_is_not_asked_again(waited, status):
    with hostile(lambda handler: handler.say(status, b'{"error": "said"}')) as server:
        with pytest.raises(ValueError, match=f"{status}: said"):
            client(server.url).post("/completions", {})
        assert len(server.seen) == 1
    assert waited == []


def repeats(status):
    """A server that repeats the key in every way it can."""

    def act(handler):
        key = handler.headers["Authorization"].removeprefix("Bearer ")
        told = f"no access for {key}, {quote(key, safe='')}"
        bodies = {
            200: f'"{told}" is not a JSON'.encode(),
            201: f'{{"{"x" * 60} {key}": 1}}'.encode(),
            307: b"",
        }
        body = bodies.get(status, f'{{"error": {{"message": "{told}"}}}}'.encode())
        code = 200 if status == 201 else status
        handler.say(
            code,
            body,
            **({"Location": f"http://elsewhere.example/{key}/{quote(key)}?key={key}"} if status == 307 else {}),
        )

    return act


@pytest.mark.parametrize("status", [200, 201, 307, 400, 401, 403, 404, 429, 500])
def test_a_server_that_repeats_the_key_does_not_get_it_into_an_error_or_a_log(status, waited, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("SCC2S_API_KEY", KEY)
    with hostile(repeats(status)) as server:
        model = scc2s.models.load(server.url, backend="server", n_retries=1)
        with pytest.raises((ValueError, OSError)) as caught:
            model.generate(["a"], max_new_tokens=1, progress=False)
    assert server.seen[-1][2]["Authorization"] == f"Bearer {KEY}"
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(model) + repr(model._client)
    for secret in (KEY, quote(KEY, safe=""), "very/secret", base64.b64encode(KEY.encode()).decode()):
        assert secret not in shown


def test_tokens_and_names_that_repeat_the_key_are_not_shown(monkeypatch):
    monkeypatch.setenv("SCC2S_API_KEY", KEY)

    def told(body):
        known = body["prompt"] == "CD3D CD3E CD2"
        tokens = ["CD3D", " CD3E", " CD2", "."] if known else [KEY] * 4
        values = [None, -1.0, -1.0, -1.0] if known else [KEY] * 4
        text = f"{body['prompt']}." if body.get("echo") else "."
        return {"choices": [{"text": text, "logprobs": {"tokens": tokens, "token_logprobs": values}}]}

    script = Script(told)
    with serving(script) as url:
        model = scc2s.models.load(url, backend="server", n_retries=0)
        with pytest.raises(ValueError, match="do not spell") as spelt:
            model.score(["a"], [" b"], progress=False)
        script.models = {"data": [{"id": KEY}, {"id": "b"}]}
        with pytest.raises(ValueError, match="serves 2 models") as named:
            scc2s.models.load(url, backend="server", n_retries=0)
    assert KEY not in str(spelt.value) + str(named.value)


def test_a_redirect_is_not_taken_for_a_lack_of_the_server():
    with hostile(lambda handler: handler.say(307, b"", Location="http://elsewhere.example/")) as server:
        model = scc2s.models.load(server.url, backend="server", n_retries=0)
        with pytest.raises(ValueError, match=r"sends requests on to http://elsewhere.example/"):
            model.score(["a"], [" b"], progress=False)
        with pytest.raises(ValueError, match=r"sends requests on to http://elsewhere.example/"):
            model.embed(["a"], progress=False)


@pytest.mark.parametrize("key", ["two\nlines", "schlüssel", "tab\tkey"])
def test_a_key_that_cannot_be_sent_is_told_without_it(key, monkeypatch):
    monkeypatch.setenv("SCC2S_API_KEY", key)
    with (
        hostile(bad.good) as server,
        pytest.raises(PermissionError, match="set it again: export SCC2S_API_KEY=") as caught,
    ):
        client(server.url).post("/completions", {})
    assert key not in str(caught.value)
    assert server.seen == []


def test_spaces_around_a_key_are_not_sent(monkeypatch):
    monkeypatch.setenv("SCC2S_API_KEY", f" {KEY}\n")
    with hostile(bad.good) as server:
        client(server.url).post("/completions", {})
    assert server.seen[0][2]["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    "url",
    ["localhost:8000/v1", "ftp://a/v1", "http://", "http:///v1", "http://[::1/v1", "http://a:99999/v1", "http://a:b/v1",
     "http://a:0/v1", "http://a b/v1", "http://a/v 1", "http://a/v1\n", "http://a/größe", "file:///etc", ""],
)  # fmt: skip
def test_what_is_not_an_address_is_refused(url):
    with pytest.raises(ValueError, match="is not an address of a server; give one such as"):
        client(url)


@pytest.mark.parametrize("url", ["http://me:x@a/v1", "http://me@a/v1", "http://a/v1?key=x", "http://a/v1#x"])
def test_an_address_with_more_in_it_is_refused(url):
    with pytest.raises(ValueError, match=r"put the key into \$SCC2S_API_KEY"):
        client(url)


@pytest.mark.parametrize(
    "changes",
    [{"n_concurrent": 0}, {"n_concurrent": 2.5}, {"n_concurrent": "8"}, {"timeout": 0}, {"timeout": float("nan")},
     {"timeout": float("inf")}, {"timeout": None}, {"timeout": "5"}, {"n_retries": -1}, {"n_retries": 1.0}],
)  # fmt: skip
def test_options_that_make_no_request_are_refused(changes):
    with pytest.raises(ValueError, match=f"{next(iter(changes))}=.* make no request; pass an integer from 1"):
        client(**changes)


def test_numbers_of_numpy_are_fine():
    assert client(n_concurrent=np.int64(2), timeout=np.float32(3), n_retries=np.int8(0)).n_concurrent == 2


@pytest.mark.parametrize(
    ("models", "match"),
    [
        ({"data": [{"id": 3}]}, "lists no models"),
        ({"data": [{"id": ["a"]}]}, "lists no models"),
        ({"data": ["a"]}, "lists no models"),
        ({"data": {"id": "a"}}, "lists no models"),
        ([{"id": "a"}], "lists no models"),
        ({"data": []}, "serves 0 models"),
        ({"data": [{"id": "a", "max_model_len": "long"}]}, "which is not a number of tokens"),
        ({"data": [{"id": "a", "max_model_len": -1}]}, "which is not a number of tokens"),
        ({"data": [{"id": "a", "max_model_len": [1]}]}, "which is not a number of tokens"),
        ({"data": [{"id": "a", "max_model_len": 1e309}]}, "which is not a number of tokens"),
    ],
)
def test_lists_of_models_that_are_none_are_refused(models, match):
    script = Script(lambda _: 404)
    script.models = models
    with serving(script) as url, pytest.raises(ValueError, match=match):
        scc2s.models.load(url, backend="server", n_retries=0)


@pytest.mark.parametrize("said", [{}, {"max_model_len": None}, {"max_model_len": 0}])
def test_a_context_window_may_be_unknown(said):
    script = Script(lambda _: 404)
    script.models = {"data": [{"id": "a", **said}]}
    with serving(script) as url:
        assert scc2s.models.load(url, backend="server", n_retries=0).max_tokens is None


words = st.sampled_from(["choices", "text", "logprobs", "tokens", "token_logprobs", "text_offset", "data", "index",
                         "embedding", "id", "max_model_len", "error", "CD3D CD3E CD2", " a", "x"])  # fmt: skip
numbers = st.integers() | st.floats() | st.booleans() | st.none()
anything = st.recursive(
    numbers | words | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=5),
    max_leaves=25,
)


@pytest.mark.slow
def test_whatever_is_answered_only_errors_of_python_come_out():
    script = Script(lambda _: 404)
    with serving(script) as url:
        model = scc2s.models.load(url, backend="server", n_retries=0)
        shape = {
            "choices": st.lists(st.fixed_dictionaries({"text": anything, "logprobs": anything}), min_size=1, max_size=2)
        }

        @settings(max_examples=150, deadline=None)
        @given(found=anything | st.fixed_dictionaries(shape))
        def ask(found):
            answer = [found] if isinstance(found, int) else found  # an integer is a status in this script
            script.models, script.complete, script.embed = answer, lambda _: answer, lambda _: answer
            one = (
                scc2s.models._server._model.ServerModel(model._client, "mini", None) if "mini" in str(answer) else model
            )
            one.__dict__["capabilities"] = {"logprobs": True, "echo": True, "lists": True, "embeddings": True}
            for call in (
                lambda: scc2s.models.load(url, backend="server", n_retries=0),
                lambda: one.generate(["CD3D"], max_new_tokens=1, progress=False),
                lambda: one.score(["CD3D"], [" a"], progress=False),
                lambda: one.embed(["CD3D"], progress=False),
                lambda: type(one).capabilities.func(one),
            ):
                try:
                    call()
                except (ValueError, ConnectionError, PermissionError) as error:
                    assert type(error).__module__ == "builtins" or isinstance(error, ValueError)

        ask()
