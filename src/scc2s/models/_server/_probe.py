"""What an endpoint really does, by what it answers to small requests: servers ignore what they do not know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._answers import completions
from ._client import Client, Refused
from ._logprobs import token_logprobs, token_texts

if TYPE_CHECKING:
    from collections.abc import Callable

PROBE = "CD3D CD3E CD2"


def capabilities(client: Client, model: str) -> dict[str, bool]:
    """Whether a model there gives ``logprobs``, an ``echo`` with them, ``lists`` of answers, ``embeddings``."""
    asked = {"model": model, "prompt": PROBE, "max_tokens": 1}

    def completes(shows: Callable[[Any], bool], **changes: Any) -> bool:
        return _shows(client, "/completions", asked | changes, shows)

    try:
        embeddings = _shows(client, "/embeddings", {"model": model, "input": [PROBE]}, _shows_vectors)
    except PermissionError:
        embeddings = False
    return {
        "logprobs": completes(_shows_logprobs, logprobs=1),
        "echo": completes(_shows_echo, logprobs=1, echo=True),
        "lists": completes(_shows_lists, prompt=[PROBE, PROBE]),
        "embeddings": embeddings,
    }


def _shows(client: Client, path: str, body: dict[str, Any], shows: Callable[[Any], bool]) -> bool:
    try:
        return shows(client.post(path, body))
    except Refused as error:
        if 300 <= error.status < 400:  # a wrong address, which tells nothing of the server
            raise
        return False


def _shows_logprobs(found: Any) -> bool:
    """Whether an answer to one prompt has log-probabilities."""
    choices = completions(found, 1)
    return choices is not None and bool(token_logprobs(choices[0]))


def _shows_echo(found: Any) -> bool:
    """Whether an answer gives back the text that was sent, and something for each of its tokens."""
    choices = completions(found, 1)
    if choices is None or not choices[0]["text"].startswith(PROBE):
        return False
    tokens, values = token_texts(choices[0], PROBE), token_logprobs(choices[0])
    return tokens is not None and values is not None and len(tokens) == len(values) >= 2


def _shows_lists(found: Any) -> bool:
    """Whether two prompts in one request get an answer each."""
    return completions(found, 2) is not None


def _shows_vectors(found: Any) -> bool:
    """Whether something like vectors came, right or not."""
    return isinstance(found, dict) and isinstance(found.get("data"), list) and bool(found["data"])
