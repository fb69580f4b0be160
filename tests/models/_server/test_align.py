"""Tokens of a server are told to be of the answer by what they spell: exactly, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from scc2s.models._server._align import _BYTE_OF, answer_span

CHARACTER_OF = {byte: character for character, byte in _BYTE_OF.items()}
ALPHABET = ["C", "D", "3", ":", ".", "-", "<", ">", " ", "\n", "γ", "é", "β", "€", "™", "細", "😀", "🧬"]
SPECIALS = [[], ["<bos>"], ["<s>"], ["<|begin_of_text|>"], ["[CLS]"], ["<pad>", "<pad>", "<bos>"], [""]]


def text(piece: bytes) -> str:
    return piece.decode("utf-8", "replace")


def is_whole(piece: bytes) -> bool:
    return "\N{REPLACEMENT CHARACTER}" not in text(piece)


def lossy(pieces: list[bytes]) -> list[str]:
    return [text(piece) for piece in pieces]


def escaped(pieces: list[bytes]) -> list[str]:
    return [text(p) if is_whole(p) else "bytes:" + "".join(f"\\x{byte:02x}" for byte in p) for p in pieces]


def byte_level(pieces: list[bytes]) -> list[str]:
    return ["".join(CHARACTER_OF[byte] for byte in piece) for piece in pieces]


def late(pieces: list[bytes]) -> list[str]:
    """As vLLM decodes: a token within a character shows nothing, the last one all of it."""
    out, held = [], b""
    for piece in pieces:
        held += piece
        try:
            out.append(held.decode())
            held = b""
        except UnicodeDecodeError as error:
            out.append(held[: error.start].decode())
            held = held[error.start :]
    return out


def fallback(pieces: list[bytes]) -> list[str]:
    """Pieces of SentencePiece; those within a character must be one byte each."""
    return [text(p).replace(" ", "▁") if is_whole(p) else f"<0x{p[0]:02X}>" for p in pieces]


def without_space(pieces: list[bytes]) -> list[str]:
    """Each piece of SentencePiece decoded alone: the first space is gone."""
    return [text(p).removeprefix(" ") for p in pieces]


def single_bytes(pieces: list[bytes]) -> list[bytes]:
    return [q for p in pieces for q in ([p] if is_whole(p) else [bytes([byte]) for byte in p])]


STYLES = {
    "lossy": (lossy, list),
    "escaped": (escaped, list),
    "byte_level": (byte_level, list),
    "late": (late, list),
    "fallback": (fallback, single_bytes),
    "without_space": (without_space, single_bytes),
}


def split(data: bytes, cuts: list[float]) -> list[bytes]:
    at = sorted({0, len(data), *(round(cut * len(data)) for cut in cuts)})
    return [data[a:b] for a, b in zip(at, at[1:], strict=False)]


words = st.text(st.sampled_from(ALPHABET), min_size=1, max_size=12)
cuts = st.lists(st.floats(0, 1), max_size=12)


@pytest.mark.parametrize("style", STYLES)
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    prompt=words.map(str.rstrip).filter(bool),
    answer=words.map(lambda word: " " + word),
    prompt_cuts=cuts,
    answer_cuts=cuts,
    special=st.sampled_from(SPECIALS),
    new=st.sampled_from([" CD3D", ".", "<eos>", "", " "]),
)
@example("Type:", " γδ T cell", [0.4], [0.1, 0.2, 0.3, 0.4], ["<bos>"], "!")
@example("Type:", " 🧬", [], [0.4, 0.6, 0.8], [], " x")
def test_any_splitting_of_any_text_gives_the_tokens_of_the_answer(
    style, prompt, answer, prompt_cuts, answer_cuts, special, new
):
    show, pieces_of = STYLES[style]
    before, inside = (
        pieces_of(split(part.encode(), at)) for part, at in ((prompt, prompt_cuts), (answer, answer_cuts))
    )
    tokens = [*special, *show(before + inside), new]
    first = len(special) + len(before)
    assert answer_span(tokens, prompt, answer) == (first, first + len(inside))


@pytest.mark.parametrize("style", STYLES)
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(prompt=words, answer=words, at=cuts, special=st.sampled_from(SPECIALS))
def test_where_text_does_not_tell_the_answer_is_refused_and_never_wrong(style, prompt, answer, at, special):
    show, pieces_of = STYLES[style]
    # Late: a token "x" that also holds the first bytes of "é" shows "x" there, nobody can see it; so none is in both.
    parts = [prompt, answer] if style == "late" else [prompt + answer]
    pieces = pieces_of([piece for part in parts for piece in split(part.encode(), at)])
    ends, size = [0], 0
    for piece in pieces:
        ends.append(size := size + len(piece))
    start = len(prompt.encode())
    tokens = [*special, *show(pieces), "."]
    try:
        found = answer_span(tokens, prompt, answer)
    except ValueError as error:
        assert any(word in str(error) for word in ("spell", "token of its own"))
    else:
        assert start in ends
        assert found == (len(special) + ends.index(start), len(tokens) - 1)


@pytest.mark.parametrize(
    "tokens",
    [
        ["Type", ":", " B", " cells", "."],  # another text
        ["Type", ":", " B", "."],  # ends early
        [" B", " cell", "."],  # the server cut the prompt
        ["Genes", "Type", ":", " B", " cell", "."],  # a word before it is not an invisible token
        ["Type", ":", "<x>", " B", " cell", "."],  # nor is one within
        ["Type", ":", "", " B", " cell", "."],  # not of a character: whose?
        ["Type", ":", " B", " cell", "", "."],
        ["Type", ":", " B", " cell", " and", " more"],  # more than was asked for
        ["token_id:5", "token_id:7", "token_id:9"],
        ["TYPE", ":", " B", " CELL", "."],
        ["�", "�", "�"],
        [],
    ],
)
def test_tokens_that_do_not_spell_the_text_are_refused(tokens):
    with pytest.raises(ValueError, match="do not spell the text .*backend='torch'"):
        answer_span(tokens, "Type:", " B cell")


@pytest.mark.parametrize("tokens", [["Type", ": B", " cell", "."], ["Type: B cell", "."], ["Type", ": ", "B", " cell"]])
def test_a_token_over_the_start_of_the_answer_is_refused(tokens):
    with pytest.raises(ValueError, match="does not start with a token of its own .*end no prompt with a space"):
        answer_span(tokens, "Type:", " B cell")


@pytest.mark.parametrize(
    ("tokens", "span"),
    [
        (["▁", "Type", ":", "▁B", "▁cell", "."], (3, 5)),  # a space before the text
        (["<s>", " Type", ":", " B", " cell", "</s>", "."], (3, 5)),  # an end that the tokenizer appends
        (["<bos>", "<bos>", "Type", ":", " B", " cell", "."], (4, 6)),
        (["Type", ":", " B", " cell"], (2, 4)),  # no new token shown
        (["Type", ":", "", "B", "cell", "."], (2, 5)),  # a token that is a space alone, and decoded shows nothing
        (["<｜begin▁of▁sentence｜>", "Type", ":", "ĠB", "Ġcell", "."], (3, 5)),
    ],
)
def test_habits_of_tokenizers_are_known(tokens, span):
    assert answer_span(tokens, "Type:", " B cell") == span


def test_two_ways_to_spell_that_differ_are_refused():
    # Five tokens for two times three bytes: cut as 2 + 3 or as 3 + 2.
    with pytest.raises(ValueError, match="in several ways.*begin every answer with a space"):
        answer_span(["�", "�", "�", "�", "�", "."], "€", "€")


def test_a_text_that_shows_a_special_token_has_it_counted():
    tokens = ["<bos>", "Type", ":", " B", "<eos>", "x"]
    assert answer_span(tokens, "Type:", " B<eos>") == (3, 5)
    assert answer_span(["<bos>", *tokens], "<bos>Type:", " B<eos>") == (4, 6)
