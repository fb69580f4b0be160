"""One result has one name in every figure, with `c2s_` before it or without."""

from __future__ import annotations

import numpy as np
import pytest
import scanpy as sc

import scc2s
from scc2s.pl._keys import either_name


@pytest.mark.parametrize(
    ("key", "known", "found"),
    [
        ("perturbed", {"perturbed"}, "perturbed"),
        ("c2s_perturbed", {"perturbed"}, "perturbed"),
        ("perturbed", {"c2s_perturbed"}, "c2s_perturbed"),
        ("c2s_x", {"c2s_x", "x"}, "c2s_x"),
        ("x", {"c2s_x", "x"}, "x"),
        ("nothing", {"x"}, "nothing"),
    ],
)
def test_a_name_is_taken_as_it_stands_and_else_with_or_without_the_prefix(key, known, found):
    assert either_name(key, known) == found


@pytest.fixture(scope="module")
def adata():
    out = sc.datasets.pbmc68k_reduced()[:12].copy()
    scc2s.pp.sentences(out, n_genes=12)
    scc2s.pp.rank_fit(out)
    scc2s.tl.attention(out)
    scc2s.tl.annotate(out, labels=["B cell", "T cell"])
    scc2s.tl.caption(out, groupby="phase")
    names = ["CD74", "HLA-DRA", "IRF8"]
    scc2s.tl.perturb(out, "IFN-beta", program=names, n_genes=12)
    scc2s.tl.screen(out, ["IFN-beta", "TNF"], program=names, n_genes=12, n_cells=3, n_null=0)
    return out


@pytest.mark.parametrize("name", ["perturbation", "validity", "attention", "captions", "rank_fit", "screen"])
def test_both_names_draw_the_same(adata, name):
    plain = {"perturbation": "perturbed", "validity": "perturbed"}.get(name, name)
    drawn = [getattr(scc2s.pl, name)(adata, key=key, show=False) for key in (plain, f"c2s_{plain}")]
    for ax in drawn:
        ax.figure.canvas.draw()
    first, second = (np.asarray(ax.figure.canvas.buffer_rgba()) for ax in drawn)
    assert np.array_equal(first, second)


def test_both_names_of_columns_draw_the_same(adata):
    for key in ("cell_type", "c2s_cell_type"):
        assert scc2s.pl.labels(adata, "phase", key=key, show=False).get_xlabel() == "c2s_cell_type"
    for key in ("sentence", "c2s_sentence"):
        assert scc2s.pl.sentence(adata, 0, sentence_key=key, show=False).get_ylabel() == "expression"
