from __future__ import annotations

import subprocess
import sys
import time

import pytest
import scanpy as sc

import scc2s

PARTS = ("pp", "tl", "pl")


@pytest.mark.parametrize("part", PARTS)
def test_every_public_function_is_the_one_in_scanpy(part: str) -> None:
    ours, theirs = getattr(scc2s, part), getattr(sc, part)
    assert ours.__all__
    for name in ours.__all__:
        assert getattr(theirs, f"c2s_{name}") is getattr(ours, name)


def test_attaching_again_changes_nothing() -> None:
    first = scc2s.attach()
    before = {part: dict(vars(getattr(sc, part))) for part in PARTS}
    assert scc2s.attach() == first
    assert {part: dict(vars(getattr(sc, part))) for part in PARTS} == before


def test_a_name_that_is_taken_is_left_alone_and_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    taken = object()
    monkeypatch.setattr(sc.tl, "c2s_embed", taken)
    assert "tl.c2s_embed" not in scc2s.attach()
    assert sc.tl.c2s_embed is taken
    assert "scc2s.tl.embed" in caplog.text


def test_import_brings_in_neither_torch_nor_transformers() -> None:
    code = "import sys, scc2s; print([m for m in ('torch', 'transformers', 'tokenizers') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.slow
def test_import_adds_less_than_a_third_of_a_second_to_that_of_scanpy() -> None:
    def seconds(code: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return time.perf_counter() - start

    seconds("import scc2s")
    pairs = [(seconds("import scanpy"), seconds("import scanpy, scc2s")) for _ in range(7)]
    # The least of each: what runs beside this test only adds.
    assert min(with_ours for _, with_ours in pairs) - min(without for without, _ in pairs) < 0.3
