from __future__ import annotations

from typing import TYPE_CHECKING

import anndata as ad
import pytest

from scc2s.prompts._organism import guess_organism

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
    "name", ["pbmc3k", "kang_ifnb_labelled", "mouse_kidney", "mouse_dc_progenitors", "lung_merfish"]
)
def test_guess_agrees_with_what_real_data_say(shared_data: Path, name: str) -> None:
    adata = ad.read_h5ad(shared_data / f"{name}.h5ad", backed="r")
    assert guess_organism(adata.var_names) == adata.obs["organism"].iloc[0]
