from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

import scc2s

POSITIVE = np.repeat([True, False], 20)


def adata(*, neutral=True):
    rng = np.random.default_rng(0)
    effects = np.array([np.where(POSITIVE, u, f) for u, f in ((0.9, 0), (0.5, 0.5), (0, 0))])
    effects = effects + rng.normal(0, 0.1, effects.shape)
    table = scc2s.metrics.screen_table(
        effects, ["amplifier", "everywhere", "nowhere"], positive=POSITIVE, neutral=~POSITIVE if neutral else None
    )
    controls = pd.DataFrame({"control": ["unperturbed regeneration"] + ["scrambled name"] * 60})
    controls["split"] = controls["effect_positive"] = [0.3, *np.linspace(-0.2, 0.2, 60)]
    controls["effect_neutral"] = [0.2] + [np.nan] * 60
    record = {"params": {"program": "ifn", "max_neutral": 0.1, "baseline": "cell"}}
    return ad.AnnData(
        np.ones((1, 1)), uns={"c2s": {"screen": table, "screen_controls": controls, "screen_record": record}}
    )


def test_points_are_the_effects_and_the_best_are_named():
    data = adata()
    ax = scc2s.pl.screen(data, show=False)
    points = np.concatenate([c.get_offsets() for c in ax.collections if len(c.get_offsets()) in (1, 2)])
    table = data.uns["c2s"]["screen"]
    assert {tuple(np.round(p, 6)) for p in points} >= {
        tuple(np.round(row, 6)) for row in table[["effect_neutral", "effect_positive"]].to_numpy()
    }
    assert [t.get_text() for t in ax.texts] == table["name"].tolist()
    assert "ifn" in ax.get_title()


def test_without_a_neutral_context_it_is_a_ranked_list_on_given_axes():
    data = adata(neutral=False)
    _, ax = plt.subplots()
    assert scc2s.pl.screen(data, ax=ax) is ax
    assert [t.get_text() for t in ax.get_yticklabels()] == data.uns["c2s"]["screen"]["name"].tolist()


def test_no_screen_names_the_call():
    with pytest.raises(KeyError, match=r"sc\.tl\.c2s_screen"):
        scc2s.pl.screen(ad.AnnData(np.ones((1, 1))), show=False)


def test_the_band_is_that_of_scrambled_names_and_the_regeneration_is_marked():
    ax = scc2s.pl.screen(adata(), show=False)
    band = next(c for c in ax.collections if c.get_label() == "95 % of scrambled names")
    corners = band.get_paths()[0].vertices
    height = np.ptp(corners[:, 1] - corners[:, 0])
    assert height == pytest.approx(0.38)  # the middle 95 % of -0.2 to 0.2, without the 0.3 of the regeneration
    mark = next(line for line in ax.lines if line.get_label() == "unperturbed regeneration")
    assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (0.2, 0.3)
    limits = [line.get_xdata()[0] for line in ax.lines if line.get_linestyle() == ":"]
    assert limits == [-0.1, 0.1]
    data = adata()
    data.uns["c2s"]["screen_record"]["params"]["baseline"] = "regeneration"
    assert "unperturbed regeneration" not in [line.get_label() for line in scc2s.pl.screen(data, show=False).lines]
