from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from scc2s._cells.results import claim, name_of_result, refuse_name, stored


@pytest.fixture
def adata() -> ad.AnnData:
    return ad.AnnData(
        np.ones((2, 2), dtype="float32"),
        obs=pd.DataFrame({"mine": ["x", "y"]}, index=["c0", "c1"]),
        var=pd.DataFrame(index=["A", "B"]),
    )


@pytest.mark.parametrize(
    "name", ["", " ", "a/b", "_index", ".", "..", "a\0", "a\nb", "\ud800", " a", "a" * 300, None, 5, ["a"]]
)
def test_a_name_that_no_file_can_hold_is_refused(name: object) -> None:
    with pytest.raises(ValueError, match="pass key_added="):
        refuse_name(name)


@pytest.mark.parametrize("name", ["a", "a b", "ä", "CD4+ T|x", "X_c2s"])
def test_other_names_pass(name: str) -> None:
    refuse_name(name)


def test_value_and_record_are_written_together_and_read_back(adata: ad.AnnData, tmp_path) -> None:
    result = claim(adata, "annotate_x", obs=["x", "x_prob"], obsm=["x_probs"])
    result.write({"a": 1}, obs={"x": ["p", "q"], "x_prob": [0.1, 0.2]}, uns=None, more={"share": 0.5})
    for write, read in ((adata.write_h5ad, ad.read_h5ad), (adata.write_zarr, ad.read_zarr)):
        path = tmp_path / write.__name__
        write(path)
        back = read(path)
        assert back.obs["x"].tolist() == ["p", "q"]
        record = stored(back, "annotate_x", call="f()")
        assert record["params"]["a"] == 1
        assert record["share"] == 0.5
        assert sorted(record["written"]) == ["obs:x", "obs:x_prob"]


def test_what_an_earlier_call_wrote_and_this_one_does_not_is_removed(adata: ad.AnnData) -> None:
    claim(adata, "t", obs=["x", "x_prob"]).write({}, obs={"x": [1, 2], "x_prob": [1, 2]})
    adata.obs["x_raw"] = ["user", "user"]
    claim(adata, "t", obs=["x", "x_prob", "x_raw"]).write({}, obs={"x": [3, 4]})
    assert adata.obs.columns.tolist() == ["mine", "x", "x_raw"]


def test_places_of_another_result_are_refused(adata: ad.AnnData) -> None:
    claim(adata, "annotate", obs=["x", "x_prob"]).write({}, obs={"x": [1, 2], "x_prob": [1, 2]})
    claim(adata, "perturb", "p", layers=["c2s_p"]).write({}, layers={"c2s_p": np.ones((2, 2))})
    with pytest.raises(ValueError, match=r"obs\['x_prob'\] belongs to uns\['c2s'\]\['annotate'\]"):
        claim(adata, "annotate_x_prob", obs=["x_prob", "x_prob_prob"])
    with pytest.raises(ValueError, match="belongs to"):
        claim(adata, "reconstructed_p", layers=["c2s_p"])
    claim(adata, "annotate", obs=["x", "x_prob"])
    claim(adata, "perturb", "p", layers=["c2s_p"])
    del adata.obs["x_prob"]
    claim(adata, "annotate_x_prob", obs=["x_prob", "x_prob_prob"])


@pytest.mark.parametrize(
    "places",
    [
        {"obs": ["c2s_sentence"]},
        {"obs": ["c2s_n_genes"]},
        {"uns": ["sentences"]},
        {"uns": ["rank_fit"]},
        {"obs": ["top_sentence"]},
    ],
)
def test_sentences_and_fits_are_reserved(adata: ad.AnnData, places: dict) -> None:
    adata.obs["c2s_sentence"] = adata.obs["c2s_n_genes"] = adata.obs["top_sentence"] = "A"
    adata.uns["c2s"] = {name: {"params": {}} for name in ("sentences", "sentences_top", "rank_fit")}
    with pytest.raises(ValueError, match="pass key_added= another name"):
        claim(adata, "new", **places)


def test_columns_of_the_user_may_be_replaced_as_in_scanpy(adata: ad.AnnData) -> None:
    claim(adata, "t", obs=["mine"]).write({}, obs={"mine": [1, 2]})
    assert adata.obs["mine"].tolist() == [1, 2]


def test_a_name_twice_in_one_result_is_refused(adata: ad.AnnData) -> None:
    with pytest.raises(ValueError, match="twice"):
        claim(adata, "annotate", obs=["x", "x_prob", "x_prob"])


def test_prefix_does_not_change_the_name_of_a_result(adata: ad.AnnData) -> None:
    assert name_of_result(None, "usual") == "usual"
    assert name_of_result("c2s_a", "usual") == name_of_result("a", "usual") == "a"
    with pytest.raises(ValueError, match="key_added"):
        name_of_result("c2s_", "usual")
    claim(adata, "perturb", "a").write({})
    assert stored(adata, "perturb", "c2s_a", call="f()") is stored(adata, "perturb", "a", call="f()")


def test_what_is_not_there_is_named_with_the_call_that_makes_it(adata: ad.AnnData) -> None:
    with pytest.raises(KeyError, match=r"call sc.tl.c2s_screen\(adata\) first"):
        stored(adata, "screen", call="sc.tl.c2s_screen(adata)")
