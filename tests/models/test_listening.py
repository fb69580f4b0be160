"""Whoever waits for answers is told what is written, and can leave."""

from __future__ import annotations

from contextvars import copy_context

import numpy as np
import pytest
from tiny_gene_model import write_tiny_model

from scc2s.models import CallableModel, load, replies
from scc2s.models._answers import answers
from scc2s.models._listening import Stopped, listener, listening
from scc2s.models._numbers import embeddings


class Ear:
    """Notes what it hears, and leaves after so many things."""

    def __init__(self, leave_after: int = 10**9) -> None:
        self.heard: list[tuple] = []
        self._leave_after = leave_after

    def begins(self) -> None:
        self.heard.append(("begins",))

    def written(self, text: str) -> None:
        self.heard.append(("written", text))

    def done(self, task: str, n: int, total: int) -> None:
        self.heard.append(("done", n, total))

    def gone(self) -> bool:
        return len(self.heard) >= self._leave_after


def asks(*questions):
    return [[{"role": "user", "content": question}] for question in questions]


def test_nobody_listens_outside():
    with listening(Ear()):
        assert listener() is not None
    assert listener() is None
    assert copy_context().run(listener) is None


def test_conversations_are_told_one_by_one():
    ear = Ear()
    with listening(ear):
        replies(CallableModel(reply=lambda messages: messages[-1]["content"].upper()), asks("a", "b"), max_new_tokens=3)
    assert ear.heard == [
        ("begins",), ("written", "A"), ("done", 1, 2), ("begins",), ("written", "B"), ("done", 2, 2),
    ]  # fmt: skip


def test_a_listener_that_leaves_stops_the_next_question():
    asked = []

    def reply(messages):
        asked.append(messages[-1]["content"])
        return "x"

    with listening(Ear(leave_after=2)), pytest.raises(Stopped):
        replies(CallableModel(reply=reply), asks("a", "b", "c"), max_new_tokens=3)
    assert asked == ["a"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return load(write_tiny_model(tmp_path_factory.mktemp("tiny"), ["CD3D", "CD79A", "ACTB", "LYZ"]))


def test_torch_tells_an_answer_while_it_is_written(tiny):
    ear = Ear()
    with listening(ear):
        (text,) = answers(tiny, ["CD3D CD79A is"], max_new_tokens=8)
    told = [what[1] for what in ear.heard if what[0] == "written"]
    assert len(told) > 3
    assert told[-1] == text.strip()
    assert all(text.strip().startswith(part.strip()) for part in told)
    assert answers(tiny, ["CD3D CD79A is"], max_new_tokens=8) == [text], "listening changes no word"


def test_torch_stops_in_the_middle_of_an_answer(tiny):
    ear = Ear(leave_after=4)
    with listening(ear), pytest.raises(Stopped):
        answers(tiny, ["CD3D CD79A is"], max_new_tokens=200)
    assert len(ear.heard) <= 5


def test_vectors_are_told_as_steps(tiny):
    ear = Ear()
    with listening(ear):
        embeddings(tiny, ["CD3D", "CD79A"])
    assert ear.heard[-1] == ("done", 2, 2)
    assert np.isfinite(embeddings(tiny, ["CD3D"])).all()
