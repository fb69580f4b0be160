"""What an endpoint answered, checked: completions and vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._transport import Refused


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


def chat_reply(found: Any, page: str, max_new_tokens: int) -> str:
    """The text of an answer in a conversation.

    Raises
    ------
    Refused
        There is none, or it is empty.
    """
    rows = found.get("choices") if isinstance(found, dict) else None
    first = rows[0] if isinstance(rows, list) and rows else None
    message = first.get("message") if isinstance(first, dict) else None
    if not isinstance(message, dict) or not isinstance(message.get("content", ""), str | None):
        msg = f"{page} answers with something that is not a message; see to the address"
        raise Refused(msg, 200)
    text = whole_characters(message.get("content") or "").strip()
    if not text:
        cut = isinstance(first, dict) and first.get("finish_reason") == "length"
        why = (
            f"all of max_new_tokens={max_new_tokens} went to what it does not show; pass more"
            if cut
            else ("ask in other words, or see to the chat template of the server")
        )
        msg = f"{page} gave an empty answer; {why}"
        raise Refused(msg, 200)
    return text


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


def finite_vectors(found: Any, n: int, page: str) -> np.ndarray:
    """The `n` vectors in the order of the texts, in float32.

    Raises
    ------
    Refused
        There are others, fewer or more, or not all values are finite.
    """
    out = vectors(found, n)
    if out is None:
        msg = f"{page} gave no vector for each of {n} texts; use backend='torch'"
        raise Refused(msg, 200)
    with np.errstate(over="ignore"):
        out = out.astype(np.float32)
    if not np.isfinite(out).all():
        msg = (
            f"{page} gave vectors with NaN or infinite values; serve the model with another dtype (bfloat16 or "
            "float32), or use backend='torch'"
        )
        raise Refused(msg, 200)
    return out
