"""The queue: one after another, few wait, nobody is worked for who has left."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from page_server import page, until
from talking_cells import saying

from scc2s.app._jobs import Full, Job, Lane
from scc2s.models._listening import Stopped, listener, stop_if_gone


class Told(list[tuple[str, Any]]):
    """Events of a job."""

    def __call__(self, name: str, data: Any) -> None:
        self.append((name, data))

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self]


def job(work: Any, *, client: str = "me", seconds: float = 60.0) -> tuple[Job, Told]:
    told = Told()
    return Job(work, told, client=client, seconds=seconds), told


@pytest.fixture
def lane():
    found = Lane(2, 2)
    yield found
    found.close()


class Slow:
    """Work that lasts until it may end."""

    def __init__(self) -> None:
        self.begun, self.may_end, self.stopped = threading.Event(), threading.Event(), False

    def __call__(self) -> str:
        self.begun.set()
        while not self.may_end.wait(0.005):
            try:
                stop_if_gone()
            except Stopped:
                self.stopped = True
                raise
        return "done"


def test_jobs_run_in_the_order_in_which_they_came(lane):
    slow, order = Slow(), []
    lane.submit(job(slow)[0])
    slow.begun.wait(10)
    one, told = job(lambda: order.append(1))
    two, told_two = job(lambda: order.append(2))
    lane.submit(one)
    lane.submit(two)
    assert told_two[0] == ("queued", {"ahead": 2})
    slow.may_end.set()
    until(lambda: "done" in told_two.names)
    assert order == [1, 2]
    assert ("queued", {"ahead": 1}) in told_two, "it is told that it moves up"


def test_a_full_queue_says_when_to_come_again(lane):
    slow = Slow()
    lane.submit(job(slow)[0])
    slow.begun.wait(10)
    lane.submit(job(int)[0])
    lane.submit(job(int)[0])
    with pytest.raises(Full, match="2 questions wait already; ask again in") as caught:
        lane.submit(job(int)[0])
    assert caught.value.retry_after >= 1
    assert not caught.value.own
    slow.may_end.set()
    until(lambda: not lane.n_waiting)
    lane.submit(job(int)[0])


def test_one_client_does_not_fill_the_queue_of_others():
    lane, slow = Lane(4, 1), Slow()
    lane.submit(job(slow, client="a")[0])
    slow.begun.wait(10)
    lane.submit(job(int, client="a")[0])
    with pytest.raises(Full, match="1 of your questions wait") as caught:
        lane.submit(job(int, client="a")[0])
    assert caught.value.own
    lane.submit(job(int, client="b")[0])
    slow.may_end.set()
    lane.close()


def test_a_client_that_left_is_not_worked_for(lane):
    slow, worked = Slow(), []
    lane.submit(job(slow)[0])
    slow.begun.wait(10)
    left, _ = job(lambda: worked.append("left"))
    stays, told = job(lambda: worked.append("stays"))
    lane.submit(left)
    lane.submit(stays)
    left.cancel()
    assert lane.n_waiting == 1
    slow.may_end.set()
    until(lambda: "done" in told.names)
    assert worked == ["stays"]


def test_work_stops_when_its_client_leaves(lane):
    slow = Slow()
    one, told = job(slow)
    lane.submit(one)
    slow.begun.wait(10)
    one.cancel()
    until(lambda: "failed" in told.names)
    assert slow.stopped


def test_work_that_takes_too_long_stops(lane):
    one, told = job(Slow(), seconds=0.05)
    lane.submit(one)
    until(lambda: "failed" in told.names)
    error = told[-1][1]
    assert isinstance(error, TimeoutError)
    assert "ask about fewer cells" in str(error)


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(3), MemoryError()])
def test_an_error_does_not_end_the_lane(lane, error):
    def fail() -> None:
        raise error

    one, told = job(fail)
    lane.submit(one)
    until(lambda: "failed" in told.names)
    assert told[-1][1] is error
    two, told = job(lambda: 7)
    lane.submit(two)
    until(lambda: ("done", 7) in told)


def test_warnings_of_the_work_are_notes_of_its_own_job(lane):
    from scc2s._logging import logger

    def warn() -> None:
        logger.warning("look: %d", 3)

    one, told = job(warn)
    lane.submit(one)
    logger.warning("of another thread")
    until(lambda: "done" in told.names)
    assert one.notes == ["look: 3"]


def test_a_stopped_client_in_the_middle_leaves_the_cells_as_they_were(cells):
    """The model writes word by word, the client leaves after the first words."""
    state = {"stopped": False}

    def reply(messages: list[dict[str, str]]) -> str:
        for n in range(2000):
            listener().written("word " * (n + 1))
            try:
                stop_if_gone()
            except Stopped:
                state["stopped"] = True
                raise
            time.sleep(0.01)
        return "never"

    with page(cells, model=saying(reply)) as served:
        before = list(cells.obs)
        body = {"question": "Which?", "cells": {"rows": [1, 2]}}
        events = served.events("ask", body, leave_after="text")
        assert events[-1][0] == "text"
        until(lambda: state["stopped"])
        until(lambda: not served.service.lane.is_busy)
        assert list(cells.obs) == before
        assert "ask_1" not in cells.uns["c2s"]


def test_a_client_that_wants_one_json_may_leave_as_well(cells):
    import http.client
    import json

    slow = Slow()
    with page(cells, model=saying(lambda messages: slow())) as served:
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
        connection.request("POST", "/api/ask", json.dumps({"question": "?"}), {"content-type": "application/json"})
        assert slow.begun.wait(20)
        connection.close()
        until(lambda: slow.stopped)


def test_a_full_queue_and_a_late_answer_have_their_status(cells):
    slow = Slow()
    with page(cells, model=saying(lambda messages: slow()), queue=1, timeout=1.0) as served:
        until(lambda: served.service.asker.state == "ready")
        until(lambda: not served.service.lane.is_busy)
        found: list[Any] = []
        ask = lambda: found.append(served.post("ask", {"question": "?", "controls": False}))  # noqa: E731
        threads = [threading.Thread(target=ask)]
        threads[0].start()
        assert slow.begun.wait(20)
        threads.append(threading.Thread(target=ask))
        threads[1].start()
        until(lambda: served.service.lane.n_waiting == 1)
        full = served.post("ask", {"question": "?"})
        assert full.status == 503
        assert int(full.headers["retry-after"]) >= 1
        assert "ask again in" in full.error
        assert served.get("/api/data").json["queue"] == {"waiting": 1, "busy": True}
        assert served.get("/api/column?name=type").status == 200, "reading waits for no tool"
        for thread in threads:
            thread.join(30)
        assert [one.status for one in found] == [504, 504]
        assert "took longer than 1 s" in found[0].error


@pytest.mark.slow
def test_200_calls_at_once_are_all_answered(cells):
    """Readers get their data, tools an answer or the time to come again; the server stays whole."""
    with page(cells, model=saying(lambda messages: "CD79A is high."), queue=20) as served:
        until(lambda: served.service.asker.state == "ready")
        found: list[tuple[str, int]] = []

        def call(n: int) -> None:
            if n % 2:
                found.append(("read", served.get(f"/api/cells/{n % 96}").status))
            else:
                reply = served.post("ask", {"question": f"Which {n}?", "cells": {"rows": [n % 96]}, "controls": False})
                if reply.status == 503:
                    assert int(reply.headers["retry-after"]) >= 1
                found.append(("ask", reply.status))

        threads = [threading.Thread(target=call, args=(n,)) for n in range(200)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert len(found) == 200
        assert {status for kind, status in found if kind == "read"} == {200}
        asked = [status for kind, status in found if kind == "ask"]
        assert set(asked) <= {200, 503}
        assert asked.count(200) >= 20
        answered = [key for key in cells.uns["c2s"] if key.startswith("ask_")]
        assert len(answered) == asked.count(200)
        # the last answer goes out a moment before its place in the queue is free
        until(lambda: served.get("/api/data").json["queue"] == {"waiting": 0, "busy": False})
