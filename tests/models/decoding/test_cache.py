"""Answers that were given once are never asked for again, whoever writes and whenever the process is killed."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time

import numpy as np
import pytest

from scc2s.models import CallableModel, ResponseCache, Sampling, answers


def counting(calls: list[str], **arguments) -> CallableModel:
    def generate(prompts, seeds=None):
        calls.extend(prompts)
        return [f"{prompt}!{seed}" for prompt, seed in zip(prompts, seeds or [None] * len(prompts), strict=True)]

    return CallableModel(generate=generate, **({"id": "counting"} | arguments))


def test_a_rerun_makes_no_call_and_gives_the_same(tmp_path):
    calls: list[str] = []
    model, prompts = counting(calls), [f"p{i}" for i in range(700)] + ["p0"]
    how = {"max_new_tokens": 3, "sampling": Sampling(), "cache": tmp_path / "c.sqlite"}
    first = answers(model, prompts, **how)
    assert len(calls) == 700  # the same question is asked once
    assert answers(model, prompts, **how) == first
    assert len(calls) == 700
    assert first == answers(model, prompts, **how | {"cache": None})


@pytest.mark.parametrize(
    "change",
    [{"random_state": 1}, {"draws": [1]}, {"max_new_tokens": 4}, {"sampling": Sampling(top_p=0.5)}, {"sampling": None}],
    ids=str,
)
def test_whatever_changes_the_answer_changes_its_name(tmp_path, change):
    calls: list[str] = []
    how = {"max_new_tokens": 3, "sampling": Sampling(), "cache": tmp_path / "c.sqlite"}
    answers(counting(calls), ["p"], **how)
    answers(counting(calls), ["p"], **how | change)
    answers(counting(calls, id="another"), ["p"], **how)
    assert len(calls) == 3


def test_a_model_without_a_name_is_refused(tmp_path):
    with pytest.raises(ValueError, match="id='my-model'"):
        answers(counting([], id="callable"), ["p"], max_new_tokens=1, cache=tmp_path / "c.sqlite")


WRITER = """
import sys
from scc2s.models import ResponseCache
path, name, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
cache = ResponseCache(path)
print("ready", flush=True)
for i in range(n):
    cache.put({f"{name}-{i}-{j}": "x" * 500 for j in range(20)})
    print(i, flush=True)
"""


def start(path, name, n) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", WRITER, str(path), name, str(n)], stdout=subprocess.PIPE, text=True)


def test_two_processes_write_at_once_and_nothing_is_lost(tmp_path):
    path = tmp_path / "c.sqlite"
    writers = [start(path, name, 25) for name in "ab"]
    assert [writer.wait(120) for writer in writers] == [0, 0]
    assert len(ResponseCache(path)) == 2 * 25 * 20


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_kill_at_any_moment_leaves_whole_batches_and_a_usable_file(tmp_path):
    path = tmp_path / "c.sqlite"
    for attempt in range(3):
        writer = start(path, f"w{attempt}", 100_000)
        assert writer.stdout is not None
        told = [writer.stdout.readline() for _ in range(3 + attempt)]
        time.sleep(0.003 * attempt)
        writer.send_signal(signal.SIGKILL)
        writer.wait(60)
        n_before = int(told[-1])
        cache = ResponseCache(path)
        kept = [i for i in range(n_before + 20) if cache.get([f"w{attempt}-{i}-{j}" for j in range(20)])]
        assert kept[: n_before + 1] == list(range(n_before + 1))  # what was reported as written is there
        assert all(len(cache.get([f"w{attempt}-{i}-{j}" for j in range(20)])) == 20 for i in kept)
        cache.put({"after": "kill"})


def test_files_that_are_no_cache_or_of_another_version_are_refused_and_not_changed(tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("my notes, " * 200)
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE mine (x)")
    old = tmp_path / "old.sqlite"
    ResponseCache(old)
    with sqlite3.connect(old) as db:
        db.execute("PRAGMA user_version = 99")
    for path, said in ((text, "delete the file"), (other, "no cache of scc2s"), (old, "version 99")):
        before = path.read_bytes()
        with pytest.raises(ValueError, match=said):
            ResponseCache(path)
        assert path.read_bytes() == before
    with pytest.raises(FileNotFoundError, match="mkdir -p"):
        ResponseCache(tmp_path / "nowhere" / "c.sqlite")


@pytest.mark.parametrize("harm", ["cut", "overwritten", "cut and grown"])
def test_a_file_damaged_at_head_or_end_says_what_to_do(tmp_path, harm):
    path = tmp_path / "c.sqlite"
    expected = {f"k{i}": str(i) * 2000 for i in range(60)}
    ResponseCache(path).put(expected)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(25):
        at = int(rng.integers(1, len(whole) - 2000))
        noise = rng.bytes(1500)
        path.write_bytes(
            {"cut": whole[:at], "overwritten": noise + whole[1500:], "cut and grown": whole[:at] + noise}[harm]
        )
        try:
            found = ResponseCache(path).get(list(expected))
        except ValueError as error:
            assert "delete the file" in str(error) or "pass another cache=" in str(error)
            refused += 1
        else:
            assert found.items() <= expected.items()
    assert refused > 12


def test_a_folder_that_cannot_be_written_is_not_told_to_be_deleted(tmp_path):
    with pytest.raises(OSError, match="see to rights and space"):
        ResponseCache(tmp_path)


def test_an_answer_that_has_changed_on_the_disk_is_never_taken(tmp_path, caplog):
    path = tmp_path / "c.sqlite"
    expected = {f"key {i}": f"answer {i}, " + "x" * (i % 90) for i in range(200)}
    ResponseCache(path).put(expected)
    whole = path.read_bytes()
    rng = np.random.default_rng(1)
    damaged = 0
    for _ in range(60):
        at = int(rng.integers(whole.index(b"key "), len(whole)))
        path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << int(rng.integers(8)))]) + whole[at + 1 :])
        try:
            cache = ResponseCache(path)
            found = cache.get(list(expected))
            assert found.items() <= expected.items()
            cache.put(expected)
            again = ResponseCache(path).get(list(expected))
        except (OSError, ValueError) as error:
            assert "pass another cache=" in str(error)
            continue
        assert again.items() <= expected.items()
        damaged += "are damaged, and are asked for again" in caplog.text
        caplog.clear()
    assert damaged > 20


def test_an_answer_under_the_key_of_another_is_not_taken(tmp_path):
    path = tmp_path / "c.sqlite"
    cache = ResponseCache(path)
    cache.put({"a": "one", "b": "two"})
    with sqlite3.connect(path) as db:
        db.execute("UPDATE answers SET answer = (SELECT answer FROM answers WHERE key = 'b'), "
                   "sum = (SELECT sum FROM answers WHERE key = 'b') WHERE key = 'a'")  # fmt: skip
    db.close()
    assert cache.get(["a", "b"]) == {"b": "two"}
    cache.put({"a": "one"})
    assert cache.get(["a", "b"]) == {"a": "one", "b": "two"}


def test_a_damaged_answer_is_said_and_asked_for_again(tmp_path, caplog):
    calls: list[str] = []
    how = {"max_new_tokens": 3, "cache": tmp_path / "c.sqlite"}
    first = answers(counting(calls), ["p", "q"], **how)
    n = len(calls)
    with sqlite3.connect(tmp_path / "c.sqlite") as db:
        db.execute("UPDATE answers SET answer = 'another' WHERE key IN (SELECT key FROM answers LIMIT 1)")
    db.close()
    assert answers(counting(calls), ["p", "q"], **how) == first
    assert "1 entries" in caplog.text
    assert len(calls) > n
    again = len(calls)
    assert answers(counting(calls), ["p", "q"], **how) == first
    assert len(calls) == again


def test_a_file_of_the_first_version_keeps_its_answers(tmp_path):
    path = tmp_path / "c.sqlite"
    ResponseCache(path).put({"key": "an answer"})
    with sqlite3.connect(path) as db:
        db.execute("ALTER TABLE answers DROP COLUMN sum")
        db.execute("PRAGMA user_version = 1")
    db.close()
    assert ResponseCache(path).get(["key"]) == {"key": "an answer"}
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (2,)
    db.close()
