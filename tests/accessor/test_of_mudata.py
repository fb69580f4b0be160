from __future__ import annotations

import mudata
import pytest
import scanpy as sc

from scc2s._accessor.of_mudata import C2S, register_mudata


@pytest.fixture
def mdata() -> mudata.MuData:
    return mudata.MuData({"rna": sc.datasets.pbmc68k_reduced()[:6].copy()})


def test_methods_take_the_modality(mdata: mudata.MuData) -> None:
    space = C2S(mdata)
    space.sentences(n_genes=5, mod="rna")
    assert "c2s_sentence" in mdata.mod["rna"].obs
    assert repr(space).startswith("<mdata.c2s: ")


def test_is_an_attribute_where_mudata_can_be_asked_for_one(mdata: mudata.MuData) -> None:
    if not hasattr(mudata, "register_mudata_namespace"):
        assert not register_mudata()
        pytest.skip("mudata takes attributes from 0.4")
    assert register_mudata()
    assert isinstance(mdata.c2s, C2S)
