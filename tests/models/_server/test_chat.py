"""The chat route of an endpoint, with the faults that servers have."""

from __future__ import annotations

import pytest
from server_script import Script, serving

import scc2s
from scc2s.models import Sampling, Talks

MESSAGES = [{"role": "system", "content": "Genes: CD79A"}, {"role": "user", "content": "Which cell?"}]
FAST = {"backend": "server", "n_retries": 1, "timeout": 5.0}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr("scc2s.models._server._client._FIRST_WAIT", 0.01)


def says(text, **more):
    return lambda body: {"choices": [{"index": 0, "message": {"role": "assistant", "content": text}, **more}]}


def test_messages_go_to_the_chat_route_and_the_text_comes_back():
    script = Script(says("\n A B cell. "))
    with serving(script) as url:
        model = scc2s.models.load(url, **FAST)
        assert isinstance(model, Talks)
        assert model.reply(MESSAGES, max_new_tokens=9) == "A B cell."
        model.reply(MESSAGES, max_new_tokens=9, sampling=Sampling(temperature=0.5, top_k=3), seed=7)
        assert model.count_message_tokens(MESSAGES) >= 12
    (kind, body, _), (_, drawn, _) = [one for one in script.requests if one[0].startswith("POST")]
    assert kind == "POST /v1/chat/completions"
    assert body == {"model": "mini", "messages": MESSAGES, "max_tokens": 9, "stream": False, "temperature": 0.0}
    assert (drawn["temperature"], drawn["top_k"], drawn["seed"]) == (0.5, 3, 7)


@pytest.mark.parametrize("fault", ["drop", "cut", 503])
def test_an_answer_that_breaks_off_is_asked_for_again_and_then_told(fault):
    with serving(Script(says("whole"), [fault])) as url:
        assert scc2s.models.load(url, **FAST).reply(MESSAGES, max_new_tokens=9) == "whole"
    with serving(Script(says("whole"), [fault] * 2)) as url:
        model = scc2s.models.load(url, **FAST)
        with pytest.raises(ConnectionError, match=r"chat/completions gave no answer in 2 tries"):
            model.reply(MESSAGES, max_new_tokens=9)


@pytest.mark.parametrize("text", ["", None, "  \n"])
def test_an_empty_answer_is_an_error(text):
    with serving(Script(says(text))) as url, pytest.raises(ValueError, match="gave an empty answer"):
        scc2s.models.load(url, **FAST).reply(MESSAGES, max_new_tokens=9)
    with (
        serving(Script(says(text, finish_reason="length"))) as url,
        pytest.raises(ValueError, match=r"empty answer; all of max_new_tokens=9 went .* pass more"),
    ):
        scc2s.models.load(url, **FAST).reply(MESSAGES, max_new_tokens=9)


@pytest.mark.parametrize(
    "found", [{}, {"choices": []}, {"choices": [{"text": "A B cell"}]}, [], {"choices": [{"message": {"content": 3}}]}]
)
def test_something_that_is_no_message_is_an_error(found):
    with serving(Script(lambda body: found)) as url, pytest.raises(ValueError, match="not a message"):
        scc2s.models.load(url, **FAST).reply(MESSAGES, max_new_tokens=9)


def test_a_server_without_the_route_or_that_refuses_is_told_in_its_own_words():
    with (
        serving(Script(lambda body: 404)) as url,
        pytest.raises(ValueError, match=r"has no /chat/completions \(404: said the server\)"),
    ):
        scc2s.models.load(url, **FAST).reply(MESSAGES, max_new_tokens=9)
    with (
        serving(Script(lambda body: 400)) as url,
        pytest.raises(ValueError, match="refuses the request .400: said the server"),
    ):
        scc2s.models.load(url, **FAST).reply(MESSAGES, max_new_tokens=9)
