"""What an endpoint answered, checked: completions, vectors, and what a probe shows of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._logprobs import token_logprobs, token_texts


def completions(found: Any, n: int) -> list[dict[str, Any]] | None:
    """The `n` completions in the order of the prompts, or ``None`` if it is something else.

    Halves of a character (JSON can hold them, files cannot) become U+FFFD, as in texts of the other backends.
    """
    rows = found.get("choices") if isinstance(found, dict) else None
    if not isinstance(rows, list) or len(rows) != n:
        return None
    if not all(isinstance(row, dict) and isinstance(row.get("text"), str) for row in rows):
        return None
    places = [row.get("index", i) for i, row in enumerate(rows)]
    if n > 1:
        if not all(type(place) is int for place in places) or sorted(places) != list(range(n)):
            return None
        rows = [row for _, row in sorted(zip(places, rows, strict=True), key=lambda pair: pair[0])]
    return [row | {"text": whole_characters(row["text"])} for row in rows]


def whole_characters(text: str) -> str:
    r"""The text with pairs of surrogates joined, and single ones replaced.

    Examples
    --------
    >>> whole_characters("\ud83d\ude00 \ud83d") == "\U0001f600 \ufffd"
    True
    """
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def vectors(found: Any, n: int) -> np.ndarray | None:
    """The `n` vectors in the order of the texts (as sent: not yet float32), or ``None`` if it is something else."""
    rows = found.get("data") if isinstance(found, dict) else None
    if not isinstance(rows, list) or len(rows) != n or not all(isinstance(row, dict) for row in rows):
        return None
    by_place = {row["index"]: row.get("embedding") for row in rows if type(row.get("index")) is int}
    if by_place.keys() != set(range(n)):
        return None
    try:
        out = np.array([by_place[i] for i in range(n)])
    except ValueError:  # of several widths
        return None
    return out if out.ndim == 2 and out.shape[1] and out.dtype.kind in "iuf" else None


def shows_logprobs(found: Any) -> bool:
    """Whether an answer to one prompt has log-probabilities."""
    choices = completions(found, 1)
    return choices is not None and bool(token_logprobs(choices[0]))


def shows_echo(found: Any, text: str) -> bool:
    """Whether an answer gives back the text that was sent, and something for each of its tokens."""
    choices = completions(found, 1)
    if choices is None or not choices[0]["text"].startswith(text):
        return False
    tokens, values = token_texts(choices[0], text), token_logprobs(choices[0])
    return tokens is not None and values is not None and len(tokens) == len(values) >= 2


def shows_lists(found: Any) -> bool:
    """Whether two prompts in one request get an answer each."""
    return completions(found, 2) is not None


def shows_vectors(found: Any) -> bool:
    """Whether something like vectors came, right or not."""
    return isinstance(found, dict) and isinstance(found.get("data"), list) and bool(found["data"])
