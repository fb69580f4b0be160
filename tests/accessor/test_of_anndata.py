from __future__ import annotations

import copy
import pickle
import pydoc
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
import scanpy as sc

import scc2s
from scc2s.models import CallableModel

if TYPE_CHECKING:
    import anndata as ad


@pytest.fixture
def adata() -> ad.AnnData:
    return sc.datasets.pbmc68k_reduced()[:6].copy()


def lengths() -> CallableModel:
    return CallableModel(embed=lambda prompts: np.array([[len(prompt)] for prompt in prompts]))


def test_methods_do_what_the_functions_do(adata: ad.AnnData) -> None:
    other = adata.copy()
    assert adata.c2s.sentences(n_genes=5) is None
    adata.c2s.embed(model=lengths(), prompt="{cell_sentence}")
    scc2s.pp.sentences(other, n_genes=5)
    scc2s.tl.embed(other, model=lengths(), prompt="{cell_sentence}")
    assert np.array_equal(adata.obsm["X_c2s"], other.obsm["X_c2s"])
    assert adata.obs["c2s_sentence"].tolist() == other.obs["c2s_sentence"].tolist()


def test_one_positional_argument_goes_where_the_function_has_its_second(adata: ad.AnnData) -> None:
    adata.c2s.sentences(n_genes=5)
    adata.c2s.tl.program_score(["CD3D", "LYZ", "CST3"])
    assert [name for name in adata.obs if name.startswith("c2s_score")]


def test_copy_gives_a_changed_copy(adata: ad.AnnData) -> None:
    changed = adata.c2s.sentences(n_genes=5, copy=True)
    assert "c2s_sentence" in changed.obs
    assert "c2s_sentence" not in adata.obs


def test_views_and_copies_have_their_own(adata: ad.AnnData) -> None:
    assert adata.c2s is not None  # asked for before the copies are made
    shallow = copy.copy(adata)  # shares obs with the first
    assert shallow.c2s._data is shallow
    for other in (adata[:3], adata[:3].copy(), adata.copy(), copy.deepcopy(adata)):
        other.c2s.sentences(n_genes=5)
        assert "c2s_sentence" in other.obs
    assert "c2s_sentence" not in adata.obs


def test_a_pickle_of_cells_does_not_need_this_package(adata: ad.AnnData) -> None:
    assert "names" in repr(adata.c2s)
    assert b"scc2s" not in pickle.dumps(adata)


def test_completion_and_help_tell_the_functions(adata: ad.AnnData) -> None:
    names = dir(adata.c2s)
    assert {"embed", "sentences", "captions", "pp", "tl", "pl"} <= set(names)
    assert "screen" in dir(adata.c2s.pl)
    assert "embed" not in dir(adata.c2s.pl)
    assert all(callable(getattr(adata.c2s, name)) for name in names if name not in ("pp", "tl", "pl"))
    assert "Embed each cell with a language model" in pydoc.render_doc(adata.c2s.embed)
    assert repr(adata.c2s).endswith("on 6 x 765 AnnData>")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("embedd", r"adata\.c2s has no 'embedd'; did you mean adata\.c2s\.embed\?"),
        ("evaluate", r"call scc2s\.tl\.evaluate\(\.\.\.\)"),
        ("qqqq", r"dir\(adata\.c2s\) lists"),
    ],
)
def test_a_name_that_is_not_there_says_what_to_do(adata: ad.AnnData, name: str, message: str) -> None:
    with pytest.raises(AttributeError, match=message):
        getattr(adata.c2s, name)
    with pytest.raises(AttributeError, match=r"adata\.c2s\.pl has no 'embed'"):
        adata.c2s.pl.embed  # noqa: B018


@pytest.mark.slow
def test_is_there_whatever_is_imported_first_and_after_a_second_import() -> None:
    code = """
import {first}, {second}
import importlib, sys, warnings, anndata, numpy as np
warnings.simplefilter("error")
importlib.reload(sys.modules["scc2s"])
for name in [name for name in sys.modules if name.split(".")[0] == "scc2s"]:
    del sys.modules[name]
import scc2s
adata = anndata.AnnData(np.ones((2, 3), dtype="float32"))
adata.var_names = ["CD3D", "LYZ", "NKG7"]
assert adata.c2s.sentences(n_genes=1, copy=True).obs["c2s_n_genes"].tolist() == [1, 1]
assert not [finder for finder in sys.meta_path if getattr(finder, "package", None) == "anndata"]
"""
    for first, second in (("anndata", "scc2s"), ("scc2s", "anndata")):
        subprocess.run([sys.executable, "-c", code.format(first=first, second=second)], check=True)
