"""Which tokens of an echoed text are the answer: found by spelling the text, not by the offsets of the server."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SPECIAL = re.compile(r"<[^<>\s]+>|\[[A-Za-z_]+\]")
_RAW_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_ESCAPED = re.compile(rb"\\x([0-9a-fA-F]{2})")
_UNKNOWN = "\N{REPLACEMENT CHARACTER}"
_MOST_BYTES_UNKNOWN = 3  # a broken character of UTF-8 has at most three bytes


def answer_span(tokens: list[str], prompt: str, answer: str) -> tuple[int, int]:
    r"""First token of the answer, and the one after its last.

    Tokens may show text as it is, with ``▁`` or ``Ġ`` for a space, without the space before a word, and parts of a
    character as ``<0xE2>``, ``bytes:\xe2``, ``�`` or nothing. Before the text may stand tokens that it does not show
    (``<bos>``), after it one new token, which every request asks for.

    Parameters
    ----------
    tokens
        Texts of the tokens that a server gave.
    prompt, answer
        What it was asked to read.

    Raises
    ------
    ValueError
        The tokens do not spell the text, do so in several ways that differ in the answer, or the answer does not begin
        with a token of its own.

    Examples
    --------
    >>> answer_span(["<bos>", "Type", ":", " B", " cell", "!"], "Type:", " B cell")
    (3, 5)
    >>> answer_span(["▁Type", ":", "▁", "<0xCE>", "<0xB3>", "▁cell", "."], "Type:", " γ cell")
    (2, 6)
    """
    text, start = _bytes(prompt + answer), len(_bytes(prompt))
    for spell in (_as_it_is, _sentencepiece, _byte_level, _without_space):
        for dummy in (b"", b" "):  # some tokenizers put a space before the text
            found = _spans(tokens, dummy + text, start + len(dummy), spell)
            if found:
                return _only(found, len(tokens), prompt, answer)
    msg = (
        f"the {len(tokens)} tokens that the server gave do not spell the text that it was asked to read "
        f"({(prompt + answer)[:30]!r}...), so none can be told to be of the answer; use backend='torch', or another "
        "server"
    )
    raise ValueError(msg)


def _only(found: set[tuple[int, int]], n_tokens: int, prompt: str, answer: str) -> tuple[int, int]:
    own = {(first, end) for first, end in found if first >= 0}
    if not own:
        msg = (
            f"the answer {answer[:30]!r} does not start with a token of its own after its prompt; end no prompt with a "
            "space, and begin every answer with one"
        )
        raise ValueError(msg)
    # One new token is asked for: a way to spell that leaves one is right where another leaves none.
    best = {span for span in found if span[1] == n_tokens - 1} or found
    if len(best) > 1 or best != best & own:
        msg = (
            f"the tokens that the server gave spell {(prompt + answer)[-30:]!r} in several ways, so those of the "
            "answer cannot be told; begin every answer with a space, or use backend='torch'"
        )
        raise ValueError(msg)
    return best.pop()


def _spans(
    tokens: list[str], text: bytes, start: int, spell: Callable[[str, bytes, int], Iterator[int]]
) -> set[tuple[int, int]]:
    """All pairs of the answer's first token (-1: no token begins where it does) and the one after its last."""
    found: set[tuple[int, int]] = set()
    ways: set[tuple[int, int | None]] = {(0, None)}
    for i, token in enumerate(tokens):
        after: set[tuple[int, int | None]] = set()
        for place, first in ways:
            if place == 0 and (token == "" or _SPECIAL.fullmatch(token)):
                after.add((0, None))  # not shown in the text
            for end in spell(token, text, place):
                if end == place and not _can_show_nothing(text, place, start):
                    continue
                begins = i if place == start else -1
                after.add((end, begins if first is None and place >= start else first))
        for place, first in after:
            if place == len(text) and _may_follow(tokens[i + 1 :]):
                found.add((-1 if first is None else first, i + 1))
        ways = {way for way in after if way[0] < len(text)}
        if not ways:
            break
    return found


def _may_follow(tokens: list[str]) -> bool:
    """Whether these can stand after the text: what the tokenizer appended, and one new token."""
    return all(_SPECIAL.fullmatch(token) for token in tokens[:-1])


def _can_show_nothing(text: bytes, place: int, start: int) -> bool:
    """Whether a token may show nothing here: as part of a character that a later token shows, if it matters whose."""
    return text[place] >= 0x80 if place == start else place > 0


def _as_it_is(token: str, text: bytes, place: int) -> Iterator[int]:
    """Ends of the ways to read a token at a place of the text."""
    for spelt in {_bytes(token), *_raw(token)}:
        if text.startswith(spelt, place):
            yield place + len(spelt)
    if n_unknown := token.count(_UNKNOWN):
        known = len(_bytes(token)) - 3 * n_unknown
        for end in range(place + known + n_unknown, place + known + _MOST_BYTES_UNKNOWN * n_unknown + 1):
            part = text[place:end]
            # Three bytes that are this character itself were found above.
            if end <= len(text) and part != _bytes(token) and part.decode("utf-8", "replace") == token:
                yield end


def _sentencepiece(token: str, text: bytes, place: int) -> Iterator[int]:
    return _as_it_is(token.replace("▁", " "), text, place)


def _byte_level(token: str, text: bytes, place: int) -> Iterator[int]:
    try:
        spelt = bytes(_BYTE_OF[character] for character in token)
    except KeyError:  # a special token, which stands as it is
        yield from _as_it_is(token, text, place)
        return
    if text.startswith(spelt, place):
        yield place + len(spelt)


def _without_space(token: str, text: bytes, place: int) -> Iterator[int]:
    """Decoding a token alone drops the space before a word with tokenizers of SentencePiece."""
    ends = set(_as_it_is(token, text, place))
    if text.startswith(b" ", place):
        ends.update(_as_it_is(token, text, place + 1))
    yield from ends


def _raw(token: str) -> Iterator[bytes]:
    if found := _RAW_BYTE.fullmatch(token):
        yield bytes([int(found[1], 16)])
    if token.startswith("bytes:") and _ESCAPED.search(rest := _bytes(token.removeprefix("bytes:"))):
        yield _ESCAPED.sub(lambda code: bytes([int(code[1], 16)]), rest)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _byte_characters() -> dict[str, int]:
    """Byte of each character in a vocabulary of byte-level BPE: printable ones as in Latin-1, others from U+0100 on."""
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return {chr(byte): byte for byte in shown} | {chr(256 + i): byte for i, byte in enumerate(hidden)}


_BYTE_OF = _byte_characters()
