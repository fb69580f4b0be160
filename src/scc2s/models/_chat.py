"""Conversations: what they are made of, and how one is written for a model that was not trained to talk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_SHAPE = '[{"role": "user", "content": "..."}]'


def checked(messages: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """The messages as plain dictionaries, each with a role and a content.

    Raises
    ------
    TypeError
        Something else than a list of messages, or a content that is not a text.
    ValueError
        Roles that do not take turns, or a last message that is not a question.

    Examples
    --------
    >>> checked(({"role": "user", "content": "Which cell?"},))
    [{'role': 'user', 'content': 'Which cell?'}]
    """
    out = [_message(one) for one in _as_list(messages)]
    roles = [one["role"] for one in out]
    turns = roles[1:] if roles[:1] == ["system"] else roles
    expected = ["user", "assistant"] * len(turns)
    if not turns or turns != expected[: len(turns)] or turns[-1] != "user":
        msg = (
            f"the roles of the messages are {', '.join(roles) or 'none'}; pass at most one 'system' first, then 'user' "
            f"and 'assistant' in turns, and a question of 'user' last: {_SHAPE}"
        )
        raise ValueError(msg)
    return out


def folded(messages: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    r"""The same with the system's message at the head of the first question, for templates that know no such role.

    Examples
    --------
    >>> folded([{"role": "system", "content": "Be short."}, {"role": "user", "content": "Who?"}])
    [{'role': 'user', 'content': 'Be short.\n\nWho?'}]
    """
    first, *rest = checked(messages)
    if first["role"] != "system":
        return [first, *rest]
    question = {"role": "user", "content": f"{first['content']}\n\n{rest[0]['content']}"}
    return [question, *rest[1:]]


def plain_text(messages: Sequence[Mapping[str, str]]) -> str:
    r"""A conversation as a text to go on from, for a model that was not trained to talk (scc2s definition).

    Examples
    --------
    >>> plain_text([{"role": "system", "content": "Genes: CD79A"}, {"role": "user", "content": "Which cell?"}])
    'Genes: CD79A\n\nQuestion: Which cell?\nAnswer:'
    """
    parts = []
    for message in checked(messages):
        content = message["content"].strip()
        if message["role"] == "system":
            parts.append(f"{content}\n")
        elif message["role"] == "user":
            parts.append(f"Question: {content}\nAnswer:")
        else:
            parts[-1] += f" {content}\n"
    return "\n".join(parts)


def _as_list(messages: Any) -> list[Any]:
    if isinstance(messages, str | bytes | Mapping) or not hasattr(messages, "__iter__"):
        msg = f"messages is {type(messages).__name__}, not a list of messages; pass {_SHAPE}"
        raise TypeError(msg)
    return list(messages)


def _message(one: Any) -> dict[str, str]:
    if not isinstance(one, Mapping) or not {"role", "content"} <= set(one):
        msg = f"{one!r} is not a message; pass {_SHAPE}"
        raise TypeError(msg)
    role, content = one["role"], one["content"]
    if not isinstance(role, str) or not isinstance(content, str):
        msg = (
            f"role and content of a message are {type(role).__name__} and {type(content).__name__}, not texts; pass "
            f"{_SHAPE}"
        )
        raise TypeError(msg)
    return {"role": role, "content": content}
