from __future__ import annotations

from typing import TYPE_CHECKING

import anndata as ad
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

mpl.use("Agg")


@pytest.fixture(autouse=True)
def figures_closed() -> Iterator[None]:
    from matplotlib import pyplot as plt

    yield
    plt.close("all")


@pytest.fixture
def annotated() -> ad.AnnData:
    """Six cells of two types, one wrong, one without a label; probabilities that fit."""
    adata = ad.AnnData(np.ones((6, 2), dtype="float32"))
    adata.obs["truth"] = pd.Categorical(["b", "b", "b", "a", "a", "a"], categories=["b", "a", "never"])
    adata.obs["c2s_cell_type"] = pd.Categorical(["B/x", "B/x", "A", "A", "A", None], categories=["B/x", "A"])
    probs = [[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.1, 0.9], [0.3, 0.7], [np.nan, np.nan]]
    adata.obsm["c2s_cell_type_probs"] = pd.DataFrame(probs, index=adata.obs_names, columns=["B|x", "A"])
    adata.uns["truth_colors"] = ["#ff0000", "#00ff00", "#0000ff"]
    return adata
