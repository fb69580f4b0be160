from __future__ import annotations

from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from scc2s.prompts._organism import guess_organism, organism_name

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("names", "organism"),
    [
        (["CD3E", "HLA-DRA", "C1orf56", "MT-CO1", "RP11-34P13.7"], "Homo sapiens"),
        (["Cd3e", "H2-Ab1", "mt-Co1", "Gm1234", "Rik"], "Mus musculus"),
        (["ENSG00000141510", "ENSG00000012048.7"], "Homo sapiens"),
        (["ENSMUSG00000059552"], "Mus musculus"),
        (["ENSDARG00000036008"], None),
        (["hlh-16", "msa-1", "ins-2"], None),
        (["1", "2"], None),
        ([], None),
    ],
)
def test_organism_is_told_by_how_genes_are_written(names: list[str], organism: str | None) -> None:
    assert guess_organism(names) == organism


@pytest.mark.parametrize(
    "given",
    [
        "Homo sapiens", "homo sapiens", "Homo_sapiens", "HOMO SAPIENS", "human", "Human", "hsapiens", "H. sapiens",
        "h_sapiens", "Homo sapiens (human)", "human (Homo sapiens)", "NCBITaxon:9606", "NCBITaxon_9606", "taxid:9606",
        "NCBI:txid9606",
        "http://purl.obolibrary.org/obo/NCBITaxon_9606", "9606", 9606, np.int64(9606), 9606.0, b"Homo sapiens",
        np.str_("human"), np.array(["Homo sapiens"]), np.array("human"), np.array([b"human"]), ["human"], ("Human",),
        ["human", "Homo_sapiens"], pd.Series(["human", "human"]), pd.Categorical(["NCBITaxon:9606"]),
        pd.Index(["human"]), " human ",
    ],
)  # fmt: skip
def test_all_ways_to_write_an_organism_give_one_name(given: object) -> None:
    assert organism_name(given) == "Homo sapiens"


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("mouse", "Mus musculus"),
        ("mmusculus", "Mus musculus"),
        ("NCBITaxon:10090", "Mus musculus"),
        ("zebrafish", "Danio rerio"),
        ("Rattus_norvegicus", "Rattus norvegicus"),
        ("Ambystoma_mexicanum", "Ambystoma mexicanum"),
        ("Ambystoma mexicanum", "Ambystoma mexicanum"),
        ("unknown", "unknown"),
        ("human and mouse", "human and mouse"),
    ],
)
def test_other_organisms_get_their_scientific_name_or_stay_as_they_are(given: str, name: str) -> None:
    assert organism_name(given) == name


@pytest.mark.parametrize(
    "given",
    [5, 5.5, "5", True, None, "", " ", "nan", "None", float("nan"), "NCBITaxon:1", {"name": "human"}, [], object(),
     ["human", "mouse"], np.array(["human", "mouse"]), "human\nmouse", "human\0"],
)  # fmt: skip
def test_what_names_no_organism_is_refused_with_what_to_pass(given: object) -> None:
    with pytest.raises((TypeError, ValueError), match=r"organism=.*pass organism="):
        organism_name(given)


@pytest.mark.parametrize(
    "name", ["pbmc3k", "kang_ifnb_labelled", "mouse_kidney", "mouse_dc_progenitors", "lung_merfish"]
)
def test_guess_agrees_with_what_real_data_say(shared_data: Path, name: str) -> None:
    adata = ad.read_h5ad(shared_data / f"{name}.h5ad", backed="r")
    assert guess_organism(adata.var_names) == adata.obs["organism"].iloc[0]
