from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import scc2s
from scc2s._cells.recorded import recorded_expression


@pytest.fixture
def adata() -> ad.AnnData:
    var = pd.DataFrame({"symbol": ["A", "B"]}, index=["ENSG00000000001", "ENSG00000000002"])
    out = ad.AnnData(np.ones((2, 2), dtype="float32"), var=var)
    out.layers["twice"] = 2 * out.X
    out.layers["thrice"] = 3 * out.X
    return out


def test_expression_of_a_step_is_found_by_its_record(adata: ad.AnnData) -> None:
    scc2s.pp.sentences(adata, layer="twice", gene_symbols="symbol")
    found = recorded_expression(adata, "sentences")
    assert (found.source, found.names) == ("layers['twice']", ["A", "B"])


def test_other_place_keeps_the_recorded_choice_of_genes(adata: ad.AnnData) -> None:
    scc2s.pp.sentences(adata, layer="twice", gene_symbols="symbol")
    found = recorded_expression(adata, "sentences", layer="thrice")
    assert (found.source, found.names) == ("layers['thrice']", ["A", "B"])
    assert recorded_expression(adata, "sentences", use_raw=False).source == "X"


def test_default_expression_is_taken_without_a_record(adata: ad.AnnData) -> None:
    adata.var_names = ["A", "B"]
    assert recorded_expression(adata, "nothing").source == "X"
