"""What is released is whole and says one version; the recipes need what the package needs."""

from __future__ import annotations

import importlib.util
import io
import re
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from packaging.requirements import Requirement

import scc2s

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[1]
CONDA_NAMES = {"torch": "pytorch"}

if not (ROOT / "scripts" / "check_release.py").is_file():
    pytest.skip("a source distribution has no scripts", allow_module_level=True)


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_release", ROOT / "scripts" / "check_release.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


release = _script()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def recipe() -> dict[str, Any]:
    jinja2, yaml = pytest.importorskip("jinja2"), pytest.importorskip("yaml")
    text = (ROOT / "recipe" / "meta.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(jinja2.Template(text).render(PYTHON="$PYTHON"))
    return found


class TestVersion:
    def test_is_the_same_everywhere(self) -> None:
        assert release.version_problems(ROOT) == []
        assert scc2s.__version__ == PROJECT["version"]

    def test_a_copy_that_differs_is_told(self, tmp_path: Path) -> None:
        for name in ("pyproject.toml", *release.COPIES):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
        changed = (tmp_path / "CITATION.cff").read_text(encoding="utf-8")
        (tmp_path / "CITATION.cff").write_text(changed.replace("version: ", "version: 9."), encoding="utf-8")
        (tmp_path / "scverse" / "meta.yaml").write_text("name: scc2s\n")
        found = release.version_problems(tmp_path)
        assert len(found) == 2
        assert f"CITATION.cff says version 9.{PROJECT['version']}" in found[0]
        assert "scverse/meta.yaml says version None" in found[1]

    def test_a_tag_is_refused_until_the_changelog_is_cut_and_the_addresses_are_there(self, tmp_path: Path) -> None:
        (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n')
        (tmp_path / "changelog.d").mkdir()
        (tmp_path / "changelog.d" / "+x.added.md").write_text("x")
        (tmp_path / "changelog.d" / "README.md").write_text("x")
        (tmp_path / "CHANGELOG.md").write_text("# Changelog\n")
        for name in ("recipe", "scverse"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "meta.yaml").write_text("home: https://scc2s.invalid")
        found = release.tag_problems(tmp_path, "v1.2.2")
        assert len(found) == 5
        assert found[0] == "the tag is v1.2.2, the version 1.2.3"
        assert "1 entries are still in changelog.d" in found[2]
        (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## [1.2.3] - 2030-01-01\n")
        (tmp_path / "changelog.d" / "+x.added.md").unlink()
        for name in ("recipe", "scverse"):
            (tmp_path / name / "meta.yaml").write_text("home: https://example.org")
        assert release.tag_problems(tmp_path, "v1.2.3") == []


class TestContents:
    def wheel(self, path: Path, names: list[str]) -> Path:
        file = path / "scc2s-1-py3-none-any.whl"
        with zipfile.ZipFile(file, "w") as archive:
            for name in names:
                archive.writestr(name, "x")
        return file

    def whole(self) -> tuple[list[str], set[str]]:
        ours = {*release.NEEDED, "scc2s/__init__.py"}
        about = ["METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"]
        return [*sorted(ours), *(f"scc2s-1.dist-info/{name}" for name in about)], ours

    def test_of_a_whole_wheel(self, tmp_path: Path) -> None:
        names, tracked = self.whole()
        assert release.wheel_problems(self.wheel(tmp_path, names), tracked) == []

    @pytest.mark.parametrize(
        ("more", "told"),
        [
            ("tests/test_x.py", "outside the package"),
            ("scc2s/notes.sqlite", "not in the commit"),
            ("scc2s/tests/test_x.py", "not in the commit"),
        ],
    )
    def test_what_a_wheel_should_not_hold_is_told(self, tmp_path: Path, more: str, told: str) -> None:
        names, tracked = self.whole()
        found = release.wheel_problems(self.wheel(tmp_path, [*names, more]), tracked)
        assert any(told in problem and more in problem for problem in found)

    def test_data_and_tests_are_told_even_where_they_are_in_the_commit(self, tmp_path: Path) -> None:
        names, tracked = self.whole()
        more = ["scc2s/cells.h5ad", "scc2s/tests/test_x.py"]
        found = release.wheel_problems(self.wheel(tmp_path, [*names, *more]), tracked | set(more))
        assert found == [f"the wheel holds {name}, which no user needs" for name in more]

    @pytest.mark.parametrize("less", ["scc2s/models/mini/model.safetensors", "scc2s-1.dist-info/licenses/LICENSE"])
    def test_what_a_wheel_lacks_is_told(self, tmp_path: Path, less: str) -> None:
        names, tracked = self.whole()
        names.remove(less)
        (problem,) = release.wheel_problems(self.wheel(tmp_path, names), tracked)
        assert less.rpartition("dist-info/")[2] in problem

    def test_of_a_source_distribution(self, tmp_path: Path) -> None:
        file = tmp_path / "scc2s-1.tar.gz"
        held = [*release.SOURCES[1:], "tests/__pycache__/x.pyc", "x.sqlite", ".gitignore"]
        with tarfile.open(file, "w:gz") as archive:
            for name in held:
                archive.addfile(tarfile.TarInfo(f"scc2s-1/{name}"), io.BytesIO())
        found = release.sdist_problems(file)
        assert found[0] == f"the source distribution lacks {release.SOURCES[0]}"
        assert len(found) == 3


class TestRecipe:
    def test_needs_what_the_package_needs(self) -> None:
        found = recipe()
        needed = {}
        for line in PROJECT["dependencies"]:
            one = Requirement(line)
            needed[CONDA_NAMES.get(one.name, one.name.lower())] = str(one.specifier)
        run = dict(line.partition(" ")[::2] for line in found["requirements"]["run"])
        assert run.pop("python") == PROJECT["requires-python"]
        assert run == needed
        build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
        host = {line.replace(" ", "") for line in found["requirements"]["host"]}
        assert set(build) <= host

    def test_says_of_the_package_what_it_says_of_itself(self) -> None:
        found = recipe()
        assert found["package"] == {"name": PROJECT["name"], "version": PROJECT["version"]}
        assert found["about"]["license"] == PROJECT["license"]
        assert (ROOT / found["about"]["license_file"]).is_file()
        assert found["about"]["summary"] == PROJECT["description"]
        (script,) = found["build"]["entry_points"]
        assert script == f"scc2s = {PROJECT['scripts']['scc2s']}"
        assert PROJECT["version"] in found["source"]["url"]
        assert re.fullmatch("[0-9a-f]{64}", found["source"]["sha256"])

    def test_has_the_parts_that_conda_forge_asks_for(self) -> None:
        found = recipe()
        assert list(found) == ["package", "source", "build", "requirements", "test", "about", "extra"]
        assert found["build"]["noarch"] == "python"
        assert found["build"]["number"] == 0
        assert "pip check" in found["test"]["commands"]
        low = PROJECT["requires-python"].removeprefix(">=")
        assert f"python {low}" in found["requirements"]["host"]
        assert f"python {low}" in found["test"]["requires"]
        assert all(hasattr(scc2s, name.partition(".")[2] or "__all__") for name in found["test"]["imports"])


def test_the_entry_for_scverse_has_what_its_schema_asks_for() -> None:
    yaml = pytest.importorskip("yaml")
    found = yaml.safe_load((ROOT / "scverse" / "meta.yaml").read_text(encoding="utf-8"))
    texts = ("name", "description", "project_home", "documentation_home", "license", "primary_category", "language",
             "category", "version")  # fmt: skip
    assert all(isinstance(found[key], str) for key in texts)
    assert found["name"] == PROJECT["name"]
    assert found["license"] == PROJECT["license"]
    assert found["install"] == {"pypi": PROJECT["name"]}
    assert found["category"] == "ecosystem"
    assert 1 <= len(set(found["tags"])) == len(found["tags"]) <= 10
    assert found["test_command"] in " ".join((ROOT / "README.md").read_text(encoding="utf-8").split()).replace(
        "pip install -c constraints.txt", "pip install"
    )


def test_the_changelog_holds_nothing_but_releases_and_can_be_cut() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "[Unreleased]" not in text
    assert "<!-- entries of the next release stand in changelog.d -->\n" in text
    kinds = {kind["directory"] for kind in _towncrier()["type"]}
    for path in (ROOT / "changelog.d").glob("*.md"):
        if path.name != "README.md":
            name = re.fullmatch(r"\+[\w-]+\.(\w+)\.md", path.name)
            assert name is not None, path.name
            assert name[1] in kinds, path.name
            assert path.read_text(encoding="utf-8").strip()


def _towncrier() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["towncrier"]
    return found
