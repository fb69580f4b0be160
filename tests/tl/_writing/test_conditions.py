from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from scc2s import prompts
from scc2s.tl._writing.conditions import condition_fields

TASK = prompts.custom("{n_genes} genes of {organism}:", response=" {cell_sentence}")


def data(organisms: list[object]) -> AnnData:
    obs = pd.DataFrame({"organism": pd.Series(organisms, dtype=object).to_numpy()}, index=["a", "b"])
    return AnnData(np.ones((2, 2), dtype=np.float32), obs=obs, var=pd.DataFrame(index=["CD3D", "LYZ"]))


def test_one_organism_written_in_two_ways_is_one() -> None:
    for organisms in (["human", "Homo_sapiens"], ["NCBITaxon:9606", "9606"], [b"human", "Human"]):
        fields = condition_fields(data(organisms), TASK, pd.DataFrame(index=[0]), n_genes=5, n_cells=1, organism=None)
        assert fields["organism"] == ["Homo sapiens"]


def test_two_organisms_are_named_and_one_is_asked_for() -> None:
    with pytest.raises(ValueError, match=r"2 organisms \(Homo sapiens, Mus musculus\); pass organism="):
        condition_fields(data(["human", "mouse"]), TASK, pd.DataFrame(index=[0]), n_genes=5, n_cells=1, organism=None)
