from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from report_small import cells, labelled_cells

if TYPE_CHECKING:
    from collections.abc import Callable

    import anndata as ad


@pytest.fixture
def make() -> Callable[..., ad.AnnData]:
    return cells


@pytest.fixture
def labelled() -> ad.AnnData:
    return labelled_cells()
