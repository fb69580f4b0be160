from __future__ import annotations

import math
import subprocess
import sys
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
import scanpy as sc

import scc2s
from scc2s._attach import _show

if TYPE_CHECKING:
    from pathlib import Path

PARTS = ("pp", "tl", "pl")


@pytest.mark.parametrize("part", PARTS)
def test_every_public_function_is_the_one_in_scanpy(part: str) -> None:
    ours, theirs = getattr(scc2s, part), getattr(sc, part)
    assert ours.__all__
    for name in ours.__all__:
        assert getattr(theirs, f"c2s_{name}") is getattr(ours, name)


@pytest.mark.parametrize(
    "imports",
    [
        "import scanpy as sc, scc2s",
        "import scc2s, scanpy as sc",
        *(
            pytest.param(imports, marks=pytest.mark.slow)
            for imports in (
                "import scc2s.tl; import scanpy as sc",
                "from scc2s.pp import sentences; from scc2s import pl, tl; import scanpy as sc; import scc2s",
                "import importlib.util, scc2s; importlib.util.find_spec('scanpy'); import scanpy.tools, scanpy as sc",
                "import scc2s.cli; import scanpy as sc",
            )
        ),
    ],
)
def test_names_are_there_whatever_is_imported_first(imports: str) -> None:
    code = f"""{imports}
import sys, scc2s
assert sc.tl.c2s_embed is scc2s.tl.embed
assert all(hasattr(getattr(sc, part), "c2s_" + name) for part in {PARTS} for name in getattr(scc2s, part).__all__)
waiting = [finder.package for finder in sys.meta_path if type(finder).__module__.startswith("scc2s")]
assert waiting in ([], ["mudata"]), waiting
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_part_of_the_package_waits_for_scanpy() -> None:
    code = """
import sys, scc2s
light = [name for name in ("anndata", "numba", "numpy", "scanpy") if name in sys.modules]
import scc2s.pp, scc2s.tl, scc2s.pl, scc2s.models, scc2s.metrics, scc2s.prompts, scc2s.programs, scc2s.train
print(light, "scanpy" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[] False\n"


@pytest.mark.slow
def test_scanpy_that_cannot_be_imported_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "scanpy.py").write_text("import nothing_of_this_name")
    code = f"""
import sys, scc2s
sys.path.insert(0, {str(tmp_path)!r})
try: import scanpy
except ImportError as error: assert error.name == "nothing_of_this_name"
sys.path.pop(0)
sys.path_importer_cache.clear()
import scanpy
assert scanpy.tl.c2s_embed is scc2s.tl.embed
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_package_names_its_parts_and_no_others() -> None:
    assert set(scc2s.__all__) == set(dir(scc2s))
    assert all(getattr(scc2s, name) is not None for name in scc2s.__all__)
    with pytest.raises(AttributeError, match="it has .*attach"):
        scc2s.nothing  # noqa: B018


def test_attaching_again_changes_nothing() -> None:
    first = scc2s.attach()
    before = {part: dict(vars(getattr(sc, part))) for part in PARTS}
    assert scc2s.attach() == first
    assert {part: dict(vars(getattr(sc, part))) for part in PARTS} == before


@pytest.mark.parametrize("part", PARTS)
def test_completion_shows_every_name(part: str) -> None:
    assert {f"c2s_{name}" for name in getattr(scc2s, part).__all__} <= set(dir(getattr(sc, part)))


def test_completion_shows_names_in_a_module_that_lists_its_own() -> None:
    module = ModuleType("plotting")  # scanpy.pl is such a module from 1.13
    module.__dir__ = lambda: ["umap"]  # type: ignore[method-assign]
    module.c2s_embed = 1  # type: ignore[attr-defined]
    for _ in range(2):
        _show(module, ["c2s_embed"])
        assert dir(module) == ["c2s_embed", "umap"]


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
def test_import_adds_less_than_a_seventh_to_that_of_scanpy() -> None:
    # Of a processor, and both in one process: what runs beside this test slows one as it slows the other.
    code = """
import time, scanpy
alone = time.process_time()
import scc2s
print(alone, time.process_time() - alone)
"""
    alone, added = math.inf, math.inf
    for n in range(1, 12):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        # The least of each: what runs beside this test only adds.
        alone, added = (min(pair) for pair in zip((alone, added), map(float, done.stdout.split()), strict=True))
        if n >= 3 and added < alone / 7:
            break
    assert added < alone / 7  # 0.3 s where scanpy takes two
