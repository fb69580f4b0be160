from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from scc2s._cells.fields import prompt_fields


@pytest.fixture
def adata() -> AnnData:
    obs = pd.DataFrame({"tissue": ["blood", "lung"], "organism": ["mouse", "human"]}, index=["a", "b"])
    return AnnData(np.ones((2, 2), dtype=np.float32), obs=obs, var=pd.DataFrame(index=["CD3D", "LYZ"]))


def fields(adata: AnnData, *names: str, **kwargs: object) -> dict[str, list[str]]:
    return {name: values.tolist() for name, values in prompt_fields(adata, names, **kwargs).items()}


def test_columns_fill_fields_and_what_sentences_write_is_left_out(adata: AnnData) -> None:
    assert fields(adata, "cell_sentence", "n_genes", "perturbed_sentence", "tissue") == {"tissue": ["blood", "lung"]}
    assert fields(adata, "where", columns={"where": "tissue"}) == {"where": ["blood", "lung"]}


def test_organism_comes_from_the_argument_then_obs_then_uns_then_the_genes(adata: AnnData) -> None:
    assert fields(adata, "organism", organism="Danio rerio") == {"organism": ["Danio rerio"] * 2}
    assert fields(adata, "organism") == {"organism": ["Mus musculus", "Homo sapiens"]}
    del adata.obs["organism"]
    adata.uns["organism"] = "mouse"
    assert fields(adata, "organism") == {"organism": ["Mus musculus"] * 2}
    del adata.uns["organism"]
    assert fields(adata, "organism") == {"organism": ["Homo sapiens"] * 2}


def test_a_field_without_a_column_or_with_gaps_is_refused_with_the_mend(adata: AnnData) -> None:
    with pytest.raises(KeyError, match=r"set adata.obs\['dose'\]"):
        prompt_fields(adata, ["dose"])
    adata.obs["tissue"] = ["blood", np.nan]
    with pytest.raises(ValueError, match="missing for 1 cells"):
        prompt_fields(adata, ["tissue"])


@pytest.mark.parametrize(
    "values", [["NCBITaxon:10090", "9606"], [10090, 9606], [b"mouse", b"human"], ["Mus_musculus", "hsapiens"]]
)
@pytest.mark.parametrize("dtype", [object, "category"])
def test_organisms_of_cells_are_named_as_prompts_name_them(adata: AnnData, values: list, dtype: object) -> None:
    adata.obs["organism"] = pd.Series(values, index=adata.obs_names, dtype=object).astype(dtype)
    assert fields(adata, "organism") == {"organism": ["Mus musculus", "Homo sapiens"]}


@pytest.mark.parametrize("value", [np.array(["Homo sapiens"]), "Homo_sapiens", "NCBITaxon:9606", "hsapiens", b"human"])
def test_organism_of_the_data_set_as_other_tools_keep_it(adata: AnnData, value: object) -> None:
    del adata.obs["organism"]
    adata.var_names = ["Cd3d", "Lyz2"]
    adata.uns["organism"] = value
    assert fields(adata, "organism") == {"organism": ["Homo sapiens"] * 2}


@pytest.mark.parametrize("value", [5, "", np.array(["human", "mouse"]), {"name": "human"}])
def test_an_organism_that_is_none_is_refused_wherever_it_stands(adata: AnnData, value: object) -> None:
    with pytest.raises((TypeError, ValueError), match="pass organism="):
        fields(adata, "organism", organism=value)
    adata.uns["organism"] = value
    del adata.obs["organism"]
    with pytest.raises((TypeError, ValueError), match="pass organism="):
        fields(adata, "organism")
