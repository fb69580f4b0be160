from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import scc2s


def written(valid: list[float], stem: str = "c2s") -> ad.AnnData:
    n = len(valid)
    obs = pd.DataFrame(
        {
            f"{stem}_valid": np.array(valid, dtype="float32"),
            f"{stem}_unique": np.linspace(0.5, 1, n, dtype="float32"),
            f"{stem}_complete": [True] * (n // 2) + [False] * (n - n // 2),
            f"{stem}_n_words": np.full(n, 20),
        },
        index=[str(i) for i in range(n)],
    )
    return ad.AnnData(np.ones((n, 1), dtype="float32"), obs=obs)


def heights(ax) -> list[list[float]]:
    return [[bar.get_height() for bar in bars] for bars in ax.containers]


def test_bars_are_the_means_of_the_columns_and_lines_their_range() -> None:
    adata = written([1.0, 0.8, 0.6, 0.4])
    ax = scc2s.pl.validity(adata, show=False)
    assert heights(ax) == [[pytest.approx(0.7), pytest.approx(0.75), 0.5]]
    low, high = ax.collections[0].get_segments()[0][:, 1]
    assert (low, high) == pytest.approx(np.percentile([1.0, 0.8, 0.6, 0.4], [5, 95]))


def test_free_and_constrained_stand_side_by_side_by_name() -> None:
    ax = scc2s.pl.validity({"constrained": written([1.0, 1.0]), "free": written([0.5, 0.7])}, show=False)
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["constrained (2 cells, 20 words each)", "free (2 cells, 20 words each)"]
    assert [h[0] for h in heights(ax)] == [1.0, pytest.approx(0.6)]


def test_two_results_of_one_data_set_and_cells_that_were_not_asked() -> None:
    adata = written([1.0, 0.8, np.nan], "c2s_a")
    adata.obs["c2s_a_complete"] = [True, True, False]
    for name in ("valid", "unique", "complete", "n_words"):
        adata.obs[f"c2s_b_{name}"] = adata.obs[f"c2s_a_{name}"]
    ax = scc2s.pl.validity(adata, key=["c2s_a", "c2s_b"], show=False)
    assert heights(ax)[0] == heights(ax)[1]
    assert heights(ax)[0][2] == 1.0
    assert "c2s_b (2 cells" in ax.get_legend().get_texts()[1].get_text()


def test_missing_results_name_the_call_that_makes_them() -> None:
    with pytest.raises(KeyError, match=r"c2s_other_valid.*sc\.tl\.c2s_generate"):
        scc2s.pl.validity(written([1.0]), key="c2s_other", show=False)


def test_the_legend_says_what_the_lines_are() -> None:
    legend = scc2s.pl.validity(written([1.0, 0.8]), show=False).get_legend()
    assert legend.get_title().get_text() == "bars: mean; lines: 5th to 95th percentile of the cells"
