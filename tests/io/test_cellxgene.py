from __future__ import annotations

from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import scc2s

if TYPE_CHECKING:
    from pathlib import Path


def data(n: int = 12) -> ad.AnnData:
    """Laid out as schema 5 has it: counts in .raw, log-normalised X, ids as names."""
    rng = np.random.default_rng(0)
    counts = sparse.csr_matrix(rng.poisson(2.0, (n, 6)).astype(np.float32))
    symbols = ["CD3D", "MS4A1", "LYZ", "NKG7", "LYZ", "PPBP"]
    var = pd.DataFrame(
        {"feature_name": pd.Categorical(symbols), "feature_biotype": pd.Categorical(["gene"] * 6)},
        index=[f"ENSG0000000000{i}" for i in range(6)],
    )
    obs = pd.DataFrame(
        {
            "cell_type": pd.Categorical(["B cell"] * n),
            "donor_id": pd.Categorical(["D1", "D2"] * (n // 2)),
            "development_stage": pd.Categorical(["unknown"] * (n // 2) + ["adult stage"] * (n // 2)),
            "self_reported_ethnicity": pd.Categorical(["unknown"] * n),
            "organism": pd.Categorical(["Homo sapiens"] * n),
            "organism_ontology_term_id": pd.Categorical(["NCBITaxon:9606"] * n),
            "tissue": pd.Categorical(["blood"] * n),
        },
        index=[f"cell{i}" for i in range(n)],
    )
    out = ad.AnnData(counts, obs=obs, var=var, uns={"schema_version": "5.2.0"})
    out.raw = out
    out.X = counts.log1p()
    return out


def test_columns_and_genes_are_as_prompts_have_them(tmp_path: Path) -> None:
    source = data()
    with pytest.raises(ValueError, match="ensembl|Ensembl"):
        scc2s.pp.sentences(source)
    source.write_h5ad(tmp_path / "a.h5ad")
    for given in (source, tmp_path / "a.h5ad", str(tmp_path / "a.h5ad")):
        adata = scc2s.io.from_cellxgene(given)
        names = ["CD3D", "MS4A1", "LYZ", "NKG7", "ENSG00000000004", "PPBP"]
        assert adata.var_names.tolist() == adata.raw.var_names.tolist() == names
        assert adata.var["gene_ids"].tolist() == source.var_names.tolist()
        assert adata.obs["donor"].astype(str).tolist() == source.obs["donor_id"].astype(str).tolist()
        assert adata.obs["stage"].isna().sum() == 6
        assert adata.obs["ethnicity"].isna().all()
        assert adata.uns["organism"] == "Homo sapiens"
        scc2s.pp.sentences(adata)
        assert adata.uns["c2s"]["sentences"]["params"]["source"] == "raw.X"
        assert "CD3D" in " ".join(adata.obs["c2s_sentence"])
        adata.write_h5ad(tmp_path / "b.h5ad")
    assert source.var_names[0] == "ENSG00000000000"
    assert "donor" not in source.obs


def test_columns_of_the_user_stay() -> None:
    source = data()
    source.obs["donor"] = "mine"
    assert set(scc2s.io.from_cellxgene(source).obs["donor"]) == {"mine"}


@pytest.mark.parametrize(
    ("said", "expected"), [("NCBITaxon:10090", "Mus musculus"), ("NCBITaxon:9606", "Homo sapiens")]
)
def test_the_organism_of_newer_schemas_is_in_uns(said: str, expected: str) -> None:
    source = data()
    source.obs = source.obs.drop(columns=["organism", "organism_ontology_term_id"])
    source.uns["organism_ontology_term_id"] = said
    assert scc2s.io.from_cellxgene(source).uns["organism"] == expected


def test_several_organisms_stay_in_their_column() -> None:
    source = data()
    source.obs["organism"] = ["Homo sapiens", "Mus musculus"] * 6
    assert "organism" not in scc2s.io.from_cellxgene(source).uns


def test_what_is_no_such_data_set_is_refused(tmp_path: Path) -> None:
    source = data()
    del source.var["feature_name"]
    with pytest.raises(KeyError, match="feature_biotype.*gene_symbols="):
        scc2s.io.from_cellxgene(source)
    with pytest.raises(FileNotFoundError):
        scc2s.io.from_cellxgene(tmp_path / "none.h5ad")
    with pytest.raises(TypeError, match="pass an AnnData"):
        scc2s.io.from_cellxgene([source])  # type: ignore[arg-type]
