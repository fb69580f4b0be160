"""The model that is asked is one that the server says it has."""

from __future__ import annotations

from typing import Any

import pytest
from server_script import Script, serving

from scc2s.models._server._client import Client
from scc2s.models._server._served import served


def ask(models: Any, model: str | None = None) -> tuple[str, int | None]:
    script = Script(lambda _: 404)
    script.models = models
    with serving(script) as url:
        return served(Client(url=url, api_key_env="SCC2S_API_KEY", n_concurrent=1, timeout=5.0, n_retries=0), model)


def listed(*names: str, **window: Any) -> dict[str, Any]:
    return {"data": [{"id": name, **window} for name in names]}


@pytest.mark.parametrize(
    ("models", "model", "found"),
    [
        (listed("mini", max_model_len=1024), None, ("mini", 1024)),
        (listed("mini"), "mini", ("mini", None)),
        (listed("a", "b", max_model_len=7), "b", ("b", 7)),
        (listed(), "mini", ("mini", None)),
        (404, "mini", ("mini", None)),
        (500, "mini", ("mini", None)),
    ],
)
def test_name_and_window_are_those_of_the_list(models: Any, model: str | None, found: tuple[str, int | None]) -> None:
    assert ask(models, model) == found


@pytest.mark.parametrize(
    ("models", "model", "said"),
    [
        (listed("a", "b"), None, r"serves 2 models \(a, b\); name one"),
        (listed(), None, "serves 0 models"),
        (listed("a", "b"), "c", "serves no 'c' but a, b; pass model="),
        ({"data": [{"name": "a"}]}, "a", "lists no models"),
        ({"data": "a"}, None, "lists no models"),
        ([], None, "lists no models"),
        (listed("a", max_model_len="long"), "a", "not a number of tokens"),
        (listed("a", max_model_len=-1), "a", "not a number of tokens"),
        (listed("a", max_model_len=True), "a", "not a number of tokens"),
    ],
)
def test_lists_that_do_not_tell_are_refused(models: Any, model: str | None, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ask(models, model)


def test_a_list_that_breaks_the_server_can_be_done_without() -> None:
    with pytest.raises(ConnectionError, match=r"status 500.*pass model= its name"):
        ask(500)
