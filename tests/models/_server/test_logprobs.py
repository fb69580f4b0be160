"""Sums of log-probabilities: of the tokens of the answer, from numbers that can be some."""

from __future__ import annotations

import itertools
import json

import pytest

from scc2s.models._server._logprobs import answer_logprob, is_logprob, token_texts

PROMPT, ANSWER = "Type: γδ", " β cell"
PIECES = ["Type", ":", " γ", "δ", " β", " cell", "!"]
VALUES = [None, -1.0, -1.0, -1.0, -2.0, -4.0, -8.0]


def told(**logprobs):
    return {"text": PROMPT + ANSWER + "!", "logprobs": {"token_logprobs": VALUES, **logprobs}}


def starts(sizes):
    return [0, *itertools.accumulate(sizes)][:-1]


IN_CHARACTERS = starts(len(piece) for piece in PIECES)
IN_BYTES = starts(len(piece.encode()) for piece in PIECES)


@pytest.mark.parametrize(
    "given",
    [
        {"tokens": PIECES},
        {"tokens": PIECES, "text_offset": [-1] * 7},
        {"tokens": PIECES, "text_offset": None},
        {"tokens": PIECES, "text_offset": [at + 5 for at in IN_CHARACTERS]},
        {"tokens": PIECES, "text_offset": IN_BYTES},
        {"text_offset": IN_CHARACTERS},
        {"tokens": None, "text_offset": IN_CHARACTERS},
        {"text_offset": IN_BYTES},
    ],
)
def test_tokens_count_and_offsets_only_where_there_are_none(given):
    assert answer_logprob(told(**given), PROMPT, ANSWER) == (-6.0, 2)


def test_offsets_that_leave_out_the_space_before_a_word_are_read():
    text = "Type: B cell !"
    found = {"text": text, "logprobs": {"token_logprobs": [None, -1, -2, -4, -8], "text_offset": [0, 4, 6, 8, 13]}}
    assert answer_logprob(found, "Type:", " B cell") == (-6.0, 2)


@pytest.mark.parametrize("pieces", [["", "", "γ"], ["γ"], ["", "γ"]])
def test_offsets_of_parts_of_a_character_are_those_of_the_character(pieces):
    parts = ["T", ":", " ", *pieces, "!"]
    values = [None, -1, -2, *[-4] * len(pieces), -8]
    found = {"text": "T: γ!", "logprobs": {"token_logprobs": values, "text_offset": starts(map(len, parts))}}
    assert answer_logprob(found, "T:", " γ") == (-2 - 4 * len(pieces), 1 + len(pieces))


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"tokens": PIECES[:-1]},
        {"tokens": [*PIECES[:-1], None]},
        {"tokens": "".join(PIECES)},
        {"tokens": {}, "text_offset": IN_CHARACTERS},
        {"text_offset": [at + 5 for at in IN_CHARACTERS]},
        {"text_offset": [0, *(at + 5 for at in IN_CHARACTERS[1:])]},
        {"text_offset": [-1] * 7},
        {"text_offset": IN_CHARACTERS[::-1]},
        {"text_offset": [float(at) for at in IN_CHARACTERS]},
        {"text_offset": IN_CHARACTERS[:-1]},
        {"tokens": PIECES, "token_logprobs": None},
        {"tokens": PIECES, "token_logprobs": {"a": 1}},
    ],
)
def test_tokens_or_offsets_of_another_text_are_refused(given):
    with pytest.raises(ValueError, match=r"no text and log-probability for each token.*backend='torch'"):
        answer_logprob(told(**given), PROMPT, ANSWER)


@pytest.mark.parametrize("logprobs", [None, [], "x", 3])
def test_logprobs_of_another_shape_are_refused(logprobs):
    with pytest.raises(ValueError, match="no text and log-probability"):
        answer_logprob({"text": PROMPT + ANSWER, "logprobs": logprobs}, PROMPT, ANSWER)


@pytest.mark.parametrize(
    "wrong", ["NaN", "Infinity", "-Infinity", "0.5", "1e999", "-9999.0", '"-1"', "true", "[-1]", "9" * 400]
)
def test_numbers_that_are_not_log_probabilities_are_refused(wrong):
    found = told(tokens=PIECES)
    found["logprobs"]["token_logprobs"] = [*VALUES[:4], json.loads(wrong), *VALUES[5:]]
    with pytest.raises(ValueError, match=r"as the log-probability of a token of ' β cell'.*another dtype"):
        answer_logprob(found, PROMPT, ANSWER)
    found["logprobs"]["token_logprobs"] = [None, json.loads(wrong), *VALUES[2:]]  # of the prompt
    assert answer_logprob(found, PROMPT, ANSWER) == (-6.0, 2)


def test_the_first_token_of_a_text_has_no_log_probability():
    found = {"text": " B cell.", "logprobs": {"tokens": [" B", " cell", "."], "token_logprobs": [None, -1, -2]}}
    with pytest.raises(ValueError, match="put a prompt before the answer"):
        answer_logprob(found, "", " B cell")
    found["logprobs"] = {"tokens": ["<bos>", " B", " cell", "."], "token_logprobs": [None, -4, -1, -2]}
    assert answer_logprob(found, "", " B cell") == (-5.0, 2)


def test_rounding_over_zero_and_certain_tokens_are_fine():
    assert is_logprob(0) and is_logprob(-0.0) and is_logprob(1e-6) and is_logprob(-1e3)


def test_offsets_without_a_text_cut_nothing():
    assert token_texts({"logprobs": {"text_offset": [0, 4]}}, "Type") is None
    assert token_texts({"text": "other", "logprobs": {"text_offset": [0, 4]}}, "Type") is None
