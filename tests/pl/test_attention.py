from __future__ import annotations

import numpy as np
import pytest
import scanpy as sc

import scc2s


@pytest.fixture(scope="module")
def adata():
    out = sc.datasets.pbmc68k_reduced()[:6].copy()
    scc2s.pp.sentences(out, n_genes=12)
    scc2s.tl.attention(out)
    scc2s.tl.attention(out, groupby="phase", key_added="by_phase")
    return out


def test_genes_stand_in_the_order_of_the_sentence_with_their_weights(adata):
    ax = scc2s.pl.attention(adata, adata.obs_names[2], n_genes=5, show=False)
    words = adata.obs["c2s_sentence"].iloc[2].split()[:5]
    assert [label.get_text() for label in ax.get_yticklabels()] == words
    shown = np.asarray(ax.images[0].get_array().filled(np.nan))
    table = adata.uns["c2s"]["attention"]
    row = table[(table["cell"] == adata.obs_names[2]) & (table["gene"] == words[4]) & (table["attends_to"] == words[1])]
    assert shown[4, 1] == pytest.approx(row["weight"].iloc[0])
    assert np.isnan(shown[1, 4])


def test_groups_can_be_drawn_into_axes_of_a_figure(adata):
    from matplotlib import pyplot as plt

    _, ax = plt.subplots()
    assert scc2s.pl.attention(adata, key="by_phase", n_genes=4, ax=ax) is ax
    assert ax.get_title() in set(adata.obs["phase"].astype(str))


def test_what_is_not_there_is_named(adata):
    with pytest.raises(KeyError, match=r"call sc.tl.c2s_attention"):
        scc2s.pl.attention(adata, key="nothing")
    with pytest.raises(KeyError, match="pass name= a cell"):
        scc2s.pl.attention(adata, "nobody")


def test_pairs_without_a_weight_have_a_color_of_their_own_that_is_explained(adata):
    from matplotlib.colors import to_rgba

    for key, said in (("attention", "a gene that is read later"), ("by_phase", "genes read later")):
        ax = scc2s.pl.attention(adata, key=key, n_genes=5, show=False)
        (text,) = ax.get_legend().get_texts()
        assert text.get_text().startswith(f"no weight: {said}")
        (patch,) = ax.get_legend().get_patches()
        assert patch.get_facecolor() == ax.get_facecolor() != to_rgba("white")
