"""Log-probabilities of an answer within a text that a server gave back."""

from __future__ import annotations

from typing import Any, AnyStr, TypeGuard

from ._align import answer_span

# vLLM writes this for the logarithm of 0, which JSON does not have (its `serving_completion.py`).
_STANDS_FOR_ZERO = -9999.0
_ROUNDING = 1e-4


def answer_logprob(choice: dict[str, Any], prompt: str, answer: str) -> tuple[float, int]:
    """Log-likelihood of an answer in an echoed text, in nats, and the number of its tokens.

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
    tokens, values = token_texts(choice, prompt + answer), token_logprobs(choice)
    if tokens is None or values is None or len(tokens) != len(values):
        msg = (
            "the server gave no text and log-probability for each token that it read; use backend='torch', or another "
            "server"
        )
        raise ValueError(msg)
    first, end = answer_span(tokens, prompt, answer)
    numbers = values[first:end]
    if None in numbers:
        msg = (
            f"the server gave no log-probability for a token of {answer[:30]!r}: the first of a text has none; put a "
            "prompt before the answer"
        )
        raise ValueError(msg)
    if wrong := [value for value in numbers if not is_logprob(value)]:
        msg = (
            f"the server gave {_shown(wrong[0])} as the log-probability of a token of {answer[:30]!r}; serve the "
            "model with another dtype (bfloat16 or float32), or use backend='torch'"
        )
        raise ValueError(msg)
    return float(sum(numbers)), len(numbers)


def is_logprob(value: Any) -> bool:
    """Whether this can be the logarithm of a probability that is not 0; rounding may put it a little over 0."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return _STANDS_FOR_ZERO < value <= _ROUNDING


def _shown(value: Any) -> str:
    return f"{value:.6g}" if type(value) is float else f"a {type(value).__name__}"


def token_logprobs(choice: dict[str, Any]) -> list[Any] | None:
    """What the server gave for the tokens, unchecked."""
    told = choice.get("logprobs")
    values = told.get("token_logprobs") if isinstance(told, dict) else None
    return values if isinstance(values, list) else None


def token_texts(choice: dict[str, Any], whole: str) -> list[str] | None:
    """Texts of the tokens; where a server gives offsets alone, cut from the text at these.

    Offsets count characters or bytes: the one new token must stand where the text that was sent ends.
    """
    told = choice.get("logprobs")
    if not isinstance(told, dict):
        return None
    tokens, offsets = told.get("tokens"), told.get("text_offset")
    if isinstance(tokens, list):
        return tokens if all(isinstance(token, str) for token in tokens) else None
    text = choice.get("text")
    if tokens is not None or not isinstance(text, str) or not text.startswith(whole) or not _are_offsets(offsets):
        return None
    cut = _cut(text, len(whole), offsets)
    if cut is None:
        parts = _cut(text.encode("utf-8", "surrogatepass"), len(whole.encode("utf-8", "surrogatepass")), offsets)
        cut = None if parts is None else [part.decode("utf-8", "replace") for part in parts]
    return None if cut is None else _with_spaces(cut)


def _are_offsets(found: Any) -> TypeGuard[list[int]]:
    return (
        isinstance(found, list) and all(type(at) is int for at in found) and found[:1] == [0] and found == sorted(found)
    )


def _cut(text: AnyStr, length: int, offsets: list[int]) -> list[AnyStr] | None:
    """The text at these offsets, if the last is where the first `length` of it end (or spaces after it)."""
    if offsets[-1] < length or text[length : offsets[-1]].strip():
        return None
    return [text[a:b] for a, b in zip(offsets, [*offsets[1:], len(text)], strict=True)]


def _with_spaces(tokens: list[str]) -> list[str]:
    """Tokens with the space before a word, where no offset counts it and it is cut off with the token before."""
    if any(token.startswith(" ") for token in tokens):
        return tokens
    out, spaces = [], ""
    for token in tokens:
        bare = token.rstrip(" ")
        out.append(spaces + bare)
        spaces = token[len(bare) :]
    return out
