from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_WAIT_POLICY", "passive")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real data sets that CI has beside the repository; tests that need it skip elsewhere."""
    default = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SCC2S_SHARED_DATA", default))
    if not folder.is_dir():
        pytest.skip("needs the example data (SCC2S_SHARED_DATA)")
    return folder
