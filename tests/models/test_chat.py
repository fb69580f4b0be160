from __future__ import annotations

import pytest

from scc2s.models._chat import checked, folded, plain_text

SYSTEM = {"role": "system", "content": "Genes: CD79A MS4A1"}
TURNS = [
    {"role": "user", "content": "Which cell?"},
    {"role": "assistant", "content": "A B cell."},
    {"role": "user", "content": " Why? "},
]


def test_messages_are_copied_and_only_role_and_content_are_taken():
    given = [SYSTEM | {"name": "me"}, *TURNS]
    assert checked(given) == [SYSTEM, *TURNS]
    assert given[0]["name"] == "me"


@pytest.mark.parametrize(
    "messages",
    [[], [SYSTEM], TURNS[:2], [TURNS[0], TURNS[0]], [TURNS[0], SYSTEM], [{"role": "tool", "content": "x"}], TURNS[1:]],
)
def test_a_conversation_ends_with_a_question_and_takes_turns(messages):
    with pytest.raises(ValueError, match="'user' last"):
        checked(messages)


@pytest.mark.parametrize("messages", ["Which cell?", {"role": "user", "content": "x"}, 3, None])
def test_something_else_than_a_list_is_refused(messages):
    with pytest.raises(TypeError, match="not a list of messages"):
        checked(messages)


@pytest.mark.parametrize("message", ["Which cell?", {"role": "user"}, {"role": "user", "content": None}, 3])
def test_something_else_than_a_message_is_refused(message):
    with pytest.raises(TypeError, match='pass \\[{"role": "user"'):
        checked([message])


def test_the_system_message_can_stand_at_the_head_of_the_first_question():
    assert folded([SYSTEM, *TURNS]) == [
        {"role": "user", "content": "Genes: CD79A MS4A1\n\nWhich cell?"},
        *TURNS[1:],
    ]
    assert folded(TURNS) == TURNS


def test_plain_text_ends_where_the_answer_begins():
    assert plain_text([SYSTEM, *TURNS]) == (
        "Genes: CD79A MS4A1\n\nQuestion: Which cell?\nAnswer: A B cell.\n\nQuestion: Why?\nAnswer:"
    )
    assert plain_text(TURNS[:1]) == "Question: Which cell?\nAnswer:"
