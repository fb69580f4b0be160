"""What is wrong with the arguments or the cells is said before anything is changed, by scc2s itself."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from sentence_cases import adata_of
from slots import layer_names

import scc2s

if TYPE_CHECKING:
    from collections.abc import Callable

FIT = scc2s.sentences.RankFit(slope=-1, intercept=3)


def cells(n: int = 30) -> ad.AnnData:
    adata = adata_of(np.random.default_rng(0).poisson(1.0, (n, 20)).astype(np.float32))
    adata.obs["drug"] = ["none", "IFN"] * (n // 2)
    return adata


CALLS: dict[str, Callable[..., object]] = {
    "check": scc2s.pp.check,
    "sentences": scc2s.pp.sentences,
    "rank_fit": scc2s.pp.rank_fit,
    "recipe": lambda adata, **kw: scc2s.pp.recipe(adata, **{"min_genes": 1, **kw}),
    "reconstruct": lambda adata, **kw: scc2s.pp.reconstruct(adata, **{"fit": FIT, **kw}),
    "pairs": lambda adata, **kw: scc2s.pp.pairs(adata, **{"key": "drug", "control": "none", **kw}),
    "samples": lambda adata, **kw: scc2s.pp.samples(
        adata, **{"task": "cell_type", "columns": {"cell_type": "drug"}, **kw}
    ),
}

NUMBERS = {
    "n_genes": (["sentences", "samples"], [2.5, 0, -1, True, "5", np.nan, 2.0]),
    "n_jobs": (["sentences", "reconstruct"], [0, -2, 1.5, "all", True]),
    "random_state": (["sentences", "rank_fit", "pairs", "samples"], [0.5, "seed", True]),
    "copies": (["samples"], [0, 1.5, None, True]),
    "min_genes": (["recipe"], [-1, 1.5, None, True]),
    "key_added": (["sentences", "rank_fit", "reconstruct"], [None, 5, "", " x", "a/b", "a\0b", ".", b"x"]),
    "organism": (["sentences", "samples"], [5, "", 2.5, ["human", "mouse"], True]),
}
WRONG = [
    pytest.param(call, name, value, id=f"{call}-{name}-{value!r}")
    for name, (calls, values) in NUMBERS.items()
    for call in calls
    for value in values
]
WRONG += [
    pytest.param(call, name, value, id=f"{call}-{name}-{value!r}")
    for call, name, value in [
        *((call, "layer", "none") for call in ("check", "sentences", "rank_fit", "samples")),
        *((call, "gene_symbols", "none") for call in ("check", "sentences", "rank_fit", "reconstruct", "samples")),
        *((call, "mod", "atac") for call in CALLS),
        ("sentences", "store", "arrow"),
        ("sentences", "tie_break", "best"),
        ("sentences", "on_duplicate", "mean"),
        ("sentences", "key_added", "c2s"),
        ("sentences", "var_mask", "none"),
        ("sentences", "var_mask", [True]),
        ("pairs", "key", "none"),
        ("pairs", "match", ["none"]),
        ("pairs", "order", "none"),
        ("samples", "task", 5),
        ("samples", "task", "none"),
        ("samples", "augment", "much"),
        ("samples", "columns", {"cell_type": "none"}),
        ("samples", "pairs", np.zeros((2, 2))),
        ("samples", "pairs", np.array([[0, 99]])),
        ("samples", "pairs", np.array([[0, -1]])),
        ("samples", "pairs", np.zeros((2, 3), int)),
        ("samples", "pairs", pd.DataFrame({"a": [1]})),
    ]
]


def refused(call: Callable[[], object]) -> str:
    with pytest.raises((TypeError, ValueError, KeyError)) as error:
        call()
    assert "/scc2s/" in traceback.extract_tb(error.value.__traceback__)[-1].filename
    return str(error.value)


@pytest.mark.parametrize(("call", "name", "value"), WRONG)
def test_a_bad_argument_is_named_and_nothing_is_changed(call: str, name: str, value: Any) -> None:
    from mudata import MuData

    adata = cells()
    if call == "reconstruct":
        adata.obs["c2s_sentence"] = "G1"
    data = MuData({"rna": adata}) if name == "mod" else adata
    before = adata.copy()
    assert name in refused(lambda: CALLS[call](data, **{name: value})) or name in ("gene_symbols", "var_mask")
    assert adata.shape == before.shape
    assert adata.obs.equals(before.obs)
    assert adata.uns == {}
    assert len(adata.obsm) == len(layer_names(adata)) == 0


@pytest.mark.parametrize("value", [np.int64(5), np.int32(5), np.uint8(5)])
def test_whole_numbers_of_numpy_are_taken(value: Any) -> None:
    adata = cells()
    scc2s.pp.sentences(adata, n_genes=value, random_state=value, n_jobs=-1)
    assert adata.uns["c2s"]["sentences"]["params"]["n_genes"] == 5
    assert len(scc2s.pp.samples(adata, "cell_type", columns={"cell_type": "drug"}, n_genes=value, copies=value)) == 150


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0)])
@pytest.mark.parametrize("call", ["rank_fit", "recipe", "samples"])
def test_nothing_to_work_on_is_refused(shape: tuple[int, int], call: str) -> None:
    adata = adata_of(np.zeros(shape, np.float32))
    adata.obs["drug"] = "none"
    refused(lambda: CALLS[call](adata))
    assert adata.shape == shape
    assert adata.uns == {}


def test_what_needs_no_cells_works_without_and_pairs_are_refused() -> None:
    for shape in [(0, 5), (5, 0), (0, 0)]:
        adata = adata_of(np.zeros(shape, np.float32))
        assert scc2s.pp.check(adata)["values"] == "empty"
        for store in ("text", "ranks"):
            scc2s.pp.sentences(adata, store=store)
            scc2s.pp.reconstruct(adata, fit=FIT)
            assert adata.layers["c2s_reconstructed"].shape == shape
    refused(lambda: CALLS["pairs"](cells()[:0].copy()))


def test_cells_without_genes_give_no_samples() -> None:
    adata = cells()
    adata.X[:] = 0
    assert "no cell expresses a gene" in refused(lambda: CALLS["samples"](adata))


@pytest.mark.parametrize("write", ["write_h5ad", pytest.param("write_zarr", marks=pytest.mark.slow)])
@pytest.mark.parametrize("call", ["sentences", "ranks", "rank_fit", "reconstruct", "recipe"])
def test_numbers_as_names_of_cells_can_be_written_and_read_again(tmp_path: Any, write: str, call: str) -> None:
    adata = cells()
    adata.obs.index = pd.RangeIndex(adata.n_obs)
    scc2s.pp.sentences(adata, store="ranks" if call == "ranks" else "text")
    if call not in ("sentences", "ranks"):
        CALLS[call](adata)
    getattr(adata, write)(tmp_path / "a")
    again = ad.read_h5ad(tmp_path / "a") if write == "write_h5ad" else ad.read_zarr(tmp_path / "a")
    assert set(again.obs) == set(adata.obs)
    assert set(again.uns["c2s"]) == set(adata.uns["c2s"])
    assert len(CALLS["pairs"](adata)) > 0
    scc2s.pp.check(adata)


@pytest.mark.parametrize("name", ["c2s_cell_type", "mine_sentence"])
def test_sentences_do_not_replace_another_result(name: str) -> None:
    from scc2s._cells.results import claim

    adata = cells()
    claim(adata, "annotate", obs=[name]).write({}, obs={name: ["B"] * 30})
    assert "belongs to" in refused(lambda: scc2s.pp.sentences(adata, key_added=name))
    assert adata.obs[name].tolist() == ["B"] * 30


def test_sentences_of_the_user_are_replaced_whatever_is_stored() -> None:
    """Text that stands in no record would be read in place of new ranks."""
    from scc2s._cells.access import get_sentences

    adata = cells()
    want = get_sentences(scc2s.pp.sentences(adata, copy=True))
    adata.obs["c2s_sentence"] = "mine"
    scc2s.pp.sentences(adata, store="ranks")
    assert "c2s_sentence" not in adata.obs
    assert get_sentences(adata) == want
    record = adata.uns["c2s"]["sentences"]
    assert sorted(record["written"]) == ["obs:c2s_gene_list", "obs:c2s_n_genes", "obsm:c2s_ranks"]


@pytest.mark.parametrize("names", [("top", "top_sentence"), ("top_sentence", "top")])
def test_two_names_of_the_same_slots_do_not_share_them(names: tuple[str, str]) -> None:
    adata = cells()
    first, second = names
    scc2s.pp.sentences(adata, key_added=first, n_genes=5)
    before = adata.obs.copy()
    assert first in refused(lambda: scc2s.pp.sentences(adata, key_added=second, n_genes=2))
    assert adata.obs.equals(before)
    scc2s.pp.sentences(adata, key_added=first, n_genes=2)
    assert adata.obs["top_n_genes"].max() == 2
    adata.obs["drug"] = "a column of the user"
    for _ in range(2):
        scc2s.pp.sentences(adata, key_added="drug_sentence")
