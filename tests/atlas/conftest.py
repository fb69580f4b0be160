from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from cell_files import blood_counts
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anndata import AnnData


@pytest.fixture(scope="session")
def client() -> Iterator[Any]:
    """A client whose two workers are threads of this process: tests of results, not of processes."""
    distributed = pytest.importorskip("distributed")
    with distributed.Client(
        processes=False, n_workers=1, threads_per_worker=2, dashboard_address=":0", set_as_default=False
    ) as found:
        yield found


@pytest.fixture(scope="session")
def blood() -> AnnData:
    """Counts of 120 blood cells; the matrix is CSR, and an empty cell is among them."""
    cells = blood_counts()[:120].copy()
    cells.obs["bulk_labels"] = cells.obs["cell_type"]
    X = sparse.csr_matrix(cells.X, dtype=np.float32).tolil()
    X[50] = 0
    cells.X = X.tocsr()
    cells.uns.clear()
    cells.raw = None
    return cells


@pytest.fixture
def store(blood: AnnData, tmp_path: Path) -> Path:
    """The same as a Zarr store."""
    blood.write_zarr(tmp_path / "cells.zarr")
    return tmp_path / "cells.zarr"
