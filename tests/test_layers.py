"""The law of the layers: who may import whom, read from the import lines."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import scc2s

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(scc2s.__file__).parent
TOOLS = ("pp", "tl", "pl")
LAYERS = [
    ("cli", "_demo", "__main__"),
    ("report", "app", "atlas"),
    ("_accessor",),
    (*TOOLS, "datasets", "io", "_cite"),
    ("_cells",),
    ("train", "metrics"),
    ("prompts", "programs", "models"),
    ("ontology",),
    ("sentences",),
    ("_settings", "_logging", "_io"),
]
"""From the people down to the arrays. A package may import what stands on its own line or below."""
ROOMS = {
    "_asking": (),
    "_writing": ("_asking",),
    "_predicting": ("_asking", "_writing"),
    "_describing": ("_asking",),
    "_comparing": ("_asking",),
    "_labelling": ("_asking",),
    "_benchmarking": ("_asking", "_labelling"),
    "_spatial": ("_asking",),
    "_searching": ("_asking", "_describing"),
    "_talking": ("_asking", "_describing"),
}
"""Rooms below ``tl`` and those that each may use."""
KNOWS_ANNDATA = {"_cells", *TOOLS, "datasets", "io", "cli", "_demo", "atlas", "app", "report", "_io", "_accessor"}
KNOWS_TORCH = ("models/_torch/", "train/", "metrics/_bertscore.py")
KNOWS_TORCH_FOR_EXPORT = tuple(f"models/_onnx/{name}.py" for name in ("_blocks", "_export", "_graph", "_writing"))


def modules() -> list[Path]:
    return sorted(path for path in ROOT.rglob("*.py") if "__pycache__" not in path.parts)


def imports(path: Path) -> Iterator[str]:
    """Full names of all modules that run-time code of a file imports, also inside functions."""
    package = ["scc2s", *path.relative_to(ROOT).parent.parts]
    skipped: set[ast.AST] = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            skipped |= {inner for child in node.body for inner in ast.walk(child)}
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *(node.module.split(".") if node.module else [])])
            yield from (f"{stem}.{alias.name}" for alias in node.names)


def level(name: str) -> int | None:
    return next((i for i, layer in enumerate(LAYERS) if name in layer), None)


def first(path: Path) -> str:
    return path.relative_to(ROOT).with_suffix("").parts[0]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
class TestModule:
    def test_imports_only_from_its_own_layer_or_below(self, path: Path) -> None:
        own = level(first(path))
        if own is None:  # what is imported with the package itself
            assert first(path) in ("__init__", "_attach"), f"{first(path)} has no place in the layers"
            return
        for name in imports(path):
            parts = name.split(".")
            if parts[0] == "scc2s" and len(parts) > 1 and (other := level(parts[1])) is not None:
                assert other >= own, f"{path} imports {name} from a layer above"

    def test_knows_anndata_and_torch_only_where_it_may(self, path: Path) -> None:
        inside = path.relative_to(ROOT).as_posix()
        used = {name.split(".")[0] for name in imports(path)}
        if first(path) not in KNOWS_ANNDATA:
            assert not used & {"anndata", "mudata"}
        if not inside.startswith(KNOWS_TORCH) and inside not in KNOWS_TORCH_FOR_EXPORT:
            assert "torch" not in used

    def test_rooms_of_tl_build_on_each_other_in_order_and_never_on_a_tool(self, path: Path) -> None:
        parts = path.relative_to(ROOT).parts
        if parts[0] != "tl" or path.name == "__init__.py":
            return
        for name in imports(path):
            there = name.removeprefix("scc2s.tl.").split(".")[0] if name.startswith("scc2s.tl.") else None
            if there is None:
                continue
            assert there in ROOMS, f"{path} imports the tool {name}"
            if len(parts) > 2:
                assert there == parts[1] or there in ROOMS[parts[1]], f"{parts[1]} may not use {there}"


def test_no_module_imports_itself_in_a_circle() -> None:
    names = {"scc2s." + ".".join(p.relative_to(ROOT).with_suffix("").parts): p for p in modules()}
    graph = {
        name: {found for one in top_level_imports(path) for found in (one, one.rpartition(".")[0]) if found in names}
        for name, path in names.items()
    }
    done: set[str] = set()

    def walk(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, f"a circle of imports: {' -> '.join([*trail[trail.index(name) :], name])}"
        if name not in done:
            for other in graph[name]:
                walk(other, (*trail, name))
            done.add(name)

    for name in graph:
        walk(name, ())


def top_level_imports(path: Path) -> Iterator[str]:
    """Only lines that run when the module is imported."""
    package = ["scc2s", *path.relative_to(ROOT).parent.parts]
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *(node.module.split(".") if node.module else [])])
            yield from (f"{stem}.{alias.name}" for alias in node.names)
