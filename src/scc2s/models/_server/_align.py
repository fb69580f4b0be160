"""Which tokens of an echoed text belong to the answer: found by walking the text, not by the server's offsets."""

from __future__ import annotations

import math
import re
from typing import Any

_RAW = re.compile(r"<0x([0-9A-Fa-f]{2})>|bytes:((?:\\x[0-9a-fA-F]{2})+)")
_UNKNOWN = "�"
_MOST_INVISIBLE = 4


def answer_logprob(choice: dict[str, Any], prompt: str, answer: str) -> tuple[float, int]:
    """Log-likelihood of an answer in an echoed text, and the number of its tokens.

    Parameters
    ----------
    choice
        What the server gave for prompt and answer: ``text`` and ``logprobs``.
    prompt, answer
        What it was asked to read.

    Raises
    ------
    ValueError
        The tokens do not spell the text, the answer does not begin with a token of its own, or a log-probability is
        not a number that one can be.

    Examples
    --------
    >>> told = {"tokens": ["<bos>", "Type", ":", " B", " cell", "!"], "token_logprobs": [None, -1, -1, -2, -3, -1]}
    >>> answer_logprob({"text": "Type: B cell!", "logprobs": told}, "Type:", " B cell")
    (-5.0, 2)
    """
    told, whole = choice.get("logprobs"), prompt + answer
    told = told if isinstance(told, dict) else {}
    values = told.get("token_logprobs")
    tokens = token_texts(choice, whole)
    if not isinstance(values, list) or tokens is None or len(tokens) != len(values):
        msg = "the server gave no text and log-probability for each token; use backend='torch', or another server"
        raise ValueError(msg)
    places = align(tokens, whole)
    if places is None:
        msg = (
            f"the tokens that the server gave ({', '.join(map(repr, tokens[:4]))}, ...) do not spell the text that it "
            f"was asked to read ({whole[:30]!r}...), so none can be told to be of the answer; use backend='torch', or "
            "another server"
        )
        raise ValueError(msg)
    start = len(prompt)
    # Offsets alone, of some servers, do not count the space before a word as part of it.
    first = start if "tokens" in told else start + (len(answer) - len(answer.lstrip()))
    inside = [(place, value) for place, value in zip(places, values, strict=False) if place >= start]
    if not inside or inside[0][0] not in (start, first):
        msg = (
            f"the answer {answer[:30]!r} does not start with a token of its own after its prompt; end no prompt with a "
            "space, and begin every answer with one"
        )
        raise ValueError(msg)
    numbers = [value for _, value in inside]
    if wrong := [value for value in numbers if not is_logprob(value)]:
        msg = (
            f"the server gave {wrong[0]!r} as the log-probability of a token of {answer[:30]!r}; serve the model with "
            "another dtype (bfloat16 or float32), or use backend='torch'"
        )
        raise ValueError(msg)
    return float(sum(numbers)), len(numbers)


def is_logprob(value: Any) -> bool:
    """Whether this can be the logarithm of a probability that is not 0; rounding may put it a little over 0."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value <= 1e-4


def token_texts(choice: dict[str, Any], whole: str) -> list[str] | None:
    """Texts of the tokens; where the server gives offsets alone, cut from its text, if they meet its end."""
    told = choice.get("logprobs")
    if not isinstance(told, dict):
        return None
    tokens, at = told.get("tokens"), told.get("text_offset")
    if isinstance(tokens, list):
        return tokens if all(isinstance(token, str) for token in tokens) else None
    text = choice.get("text")
    if not isinstance(at, list) or not isinstance(text, str) or not all(isinstance(i, int) for i in at):
        return None
    # The one new token stands where the text that was sent ends: offsets that count more than the text do not.
    if not at or at[0] != 0 or at != sorted(at) or at[-1] != len(whole) or not text.startswith(whole):
        return None
    return [text[a:b] for a, b in zip(at, [*at[1:], len(text)], strict=True)]


def align(tokens: list[str], text: str) -> list[int] | None:
    """Where each token that spells the text begins in it; ``None`` if they do not spell it.

    Tokens before the text that it does not show (``<bos>``) stand at -1. Those after it are left out.

    Examples
    --------
    >>> align(["<s>", "CD3", "E", " LYZ", "."], "CD3E LYZ")
    [-1, 0, 3, 4]
    >>> align(["CD3", "X"], "CD3E LYZ") is None
    True
    """
    for n_invisible in range(min(_MOST_INVISIBLE, len(tokens)) + 1):
        places = _walk(tokens[n_invisible:], text)
        if places is not None:
            return [-1] * n_invisible + places
    return None


def _walk(tokens: list[str], text: str) -> list[int] | None:
    places: list[int] = []
    at, open_character = 0, False
    for token in tokens:
        if at >= len(text) and not open_character:
            break
        step = _step(token, text, at, open_character=open_character)
        if step is None:
            return None
        begin, at, open_character = step
        if begin >= len(text):
            break
        places.append(begin)
    if open_character:  # the bytes of the last character
        at = at + 1
    return places if at == len(text) else None


def _step(token: str, text: str, at: int, *, open_character: bool) -> tuple[int, int, bool] | None:
    """Begin and end of a token, and whether it ends within a character; `at` is that character's place if so."""
    if open_character:
        if token == "" or _of_bytes(token):
            return at, at, True
        # Bytes that were given as unknown stand for one or more characters that are not ASCII.
        for end in range(at + 1, len(text)):
            found = _step(token, text, end, open_character=False)
            if found is not None or text[end].isascii():
                return found
        return len(text), len(text), False
    if token == "":
        return at, at, False
    for spelt in (token, token.replace("▁", " "), token.replace("Ġ", " ").replace("Ċ", "\n"), _ascii_byte(token)):
        if text.startswith(spelt, at):
            return at, at + len(spelt), False
        if at == 0 and spelt.strip() and text.startswith(spelt.lstrip(" ")):
            return 0, len(spelt.lstrip(" ")), False
        # Decoding a token alone drops the space before a word with some tokenizers.
        spaces = len(text[at:]) - len(text[at:].lstrip(" "))
        if spaces and text.startswith(spelt, at + spaces):
            return at, at + spaces + len(spelt), False
    known = token.split(_UNKNOWN)[0] if _UNKNOWN in token else "" if _of_bytes(token) else None
    if known is None or not text.startswith(known, at):
        return None
    at_character = at + len(known)
    if at_character >= len(text) or text[at_character].isascii():
        return None
    return at, at_character, True


def _of_bytes(token: str) -> bool:
    return token.startswith(_UNKNOWN) or _RAW.fullmatch(token) is not None


def _ascii_byte(token: str) -> str:
    """The character of ``<0x0A>``; other tokens as they are."""
    found = _RAW.fullmatch(token)
    return chr(int(found[1], 16)) if found and found[1] and int(found[1], 16) < 128 else token
