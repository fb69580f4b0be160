from __future__ import annotations

import anndata as ad
import pytest
from talking_cells import MARKERS, saying, talking_cells

import scc2s
from scc2s._cells.contexts import get_contexts
from scc2s.models import ReplayModel


@pytest.fixture
def adata():
    return talking_cells()


def abstract(adata, **kwargs):
    kwargs = {"groupby": ["donor", "condition"], "model": saying("ACTB is high."), "markers": MARKERS} | kwargs
    scc2s.tl.abstract(adata, **kwargs)
    return adata.uns["c2s"]["abstract"]


def test_each_sample_has_an_abstract_from_its_own_cells(adata):
    found = abstract(adata)
    assert found["table"].index.tolist() == ["d1 | ctrl", "d1 | stim", "d2 | ctrl", "d2 | stim"]
    contexts = get_contexts(adata, "abstract")
    for name, rows in zip(contexts.table.index, contexts.rows(adata), strict=True):
        assert len(rows) == 10
        assert set(
            adata.obs["donor"].iloc[rows].astype(str) + " | " + adata.obs["condition"].iloc[rows].astype(str)
        ) == {name}
    assert set(found["genes"].query("context == 'd1 | stim'")["gene"]) >= {"ISG15", "IFI6"}


@pytest.mark.parametrize("n_cells", [4, 21, 0, 5.5, True])
def test_five_to_twenty_cells_stand_for_a_sample(adata, n_cells):
    with pytest.raises(ValueError, match="pass n_cells= 5 to 20"):
        abstract(adata, n_cells=n_cells, model="/no/such/model")


@pytest.mark.parametrize("n_cells", [5, 20])
def test_the_bounds_themselves_are_fine(adata, n_cells):
    found = abstract(adata, n_cells=n_cells, groupby="donor")
    assert found["cells"].groupby("context").size().tolist() == [n_cells] * 2


def test_small_samples_are_left_out_and_told(adata, caplog):
    adata.obs["donor"] = adata.obs["donor"].cat.add_categories(["d3"])
    adata.obs.loc[adata.obs_names[:4], "donor"] = "d3"
    adata.obs.loc[adata.obs_names[5:7], "donor"] = None
    assert abstract(adata, groupby=["donor"])["table"].index.tolist() == ["d1", "d2"]
    assert "1 samples have under 5 cells with a sentence: d3" in caplog.text
    with pytest.raises(ValueError, match="no sample has 5 cells"):
        abstract(adata[:4].copy(), groupby="donor")


def test_columns_that_are_not_there_are_refused(adata):
    with pytest.raises(KeyError, match="no column 'tissue'"):
        abstract(adata, groupby=["donor", "tissue"], model="/no/such/model")
    with pytest.raises(ValueError, match="names no column"):
        abstract(adata, groupby=[], model="/no/such/model")


def test_recorded_abstracts_come_back_and_survive_a_file(adata, tmp_path):
    tables = []
    for live in (saying("ACTB is high. QXZ9 too."), None):
        tables.append(abstract(adata, model=ReplayModel(tmp_path / "a.jsonl", model=live)))
    assert tables[0]["table"].equals(tables[1]["table"])
    assert tables[0]["claims"]["holds"].tolist() == ["yes", "no"] * 4
    adata.write_h5ad(tmp_path / "a.h5ad")
    again = ad.read_h5ad(tmp_path / "a.h5ad")
    assert get_contexts(again, "abstract").cells == get_contexts(adata, "abstract").cells
