from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import scc2s
from scc2s._cells.contexts import get_contexts


def layers(n: int = 200, seed: int = 0) -> ad.AnnData:
    rng = np.random.default_rng(seed)
    obs = pd.DataFrame(
        {
            "layer": rng.choice(["outer", "middle", "inner"], n),
            "type": rng.choice(["B", "T"], n, p=[0.7, 0.3]),
            "section": rng.choice(["s1", "s2"], n),
        },
        index=[f"cell{i}" for i in range(n)],
    )
    obs["split"] = np.where(obs["section"] == "s1", "train", "test")
    return ad.AnnData(np.ones((n, 2), dtype="float32"), obs=obs)


@pytest.mark.parametrize("n_cells", [2, 4])
def test_positives_are_of_one_niche_and_negatives_hold_the_centre_alone_of_it(n_cells: int) -> None:
    adata = layers()
    scc2s.pp.niches(adata, niche_key="layer", n_cells=n_cells, matched="type", groupby="section", n_contexts=40)
    contexts = get_contexts(adata, "niches")
    types = {}
    assert contexts.table["kind"].value_counts().to_dict() == {
        "same niche": 40, "negative": 40, "matched negative": 40,
    }  # fmt: skip
    for (_, context), rows in zip(contexts.table.iterrows(), contexts.rows(adata), strict=True):
        cells = adata.obs.iloc[rows]
        assert len(set(rows)) == n_cells
        assert context["center"] in cells.index
        assert set(cells["section"]) == {context["section"]}
        assert cells.loc[context["center"], "layer"] == context["niche"]
        same = (cells["layer"] == context["niche"]).sum()
        assert same == (n_cells if context["label"] == "yes" else 1)
        types.setdefault(context["center"], {})[context["kind"]] = sorted(cells["type"])
    assert all(one["same niche"] == one["matched negative"] for one in types.values())


def test_contexts_stay_within_a_part() -> None:
    adata = layers()
    adata.obs.loc["cell0", "split"] = "neither"
    scc2s.pp.niches(adata, niche_key="layer", split_key="split")
    contexts = get_contexts(adata, "niches")
    for part, rows in zip(contexts.table["split"], contexts.rows(adata), strict=True):
        assert set(adata.obs["split"].iloc[rows]) == {part}
    assert "cell0" not in {cell for some in contexts.cells for cell in some}


def test_the_order_of_rows_changes_nothing() -> None:
    adata = layers()
    other = adata[::-1].copy()
    for one in (adata, other):
        scc2s.pp.niches(one, niche_key="layer", matched="type", n_contexts=30)
    one, two = (a.uns["c2s"]["niches"] for a in (adata, other))
    pd.testing.assert_frame_equal(one["table"], two["table"])
    pd.testing.assert_frame_equal(one["cells"], two["cells"])


def test_what_cannot_be_drawn_is_refused_or_counted(caplog: pytest.LogCaptureFixture) -> None:
    adata = layers()
    with pytest.raises(KeyError, match="niche_key="):
        scc2s.pp.niches(adata, niche_key="nowhere")
    adata.obs["one"] = "all"
    with pytest.raises(ValueError, match="no section has 2 cells of one niche"):
        scc2s.pp.niches(adata, niche_key="one")
    adata.obs.loc[["cell1", "cell2"], "layer"] = None
    adata.obs["type"] = "T"
    adata.obs.loc["cell3", "type"] = "rare"
    scc2s.pp.niches(adata, niche_key="layer", matched="type", n_contexts=None, n_cells=5)
    assert "2 of 200 cells have no niche" in caplog.text
    table = adata.uns["c2s"]["niches"]["table"]["kind"].value_counts()
    assert table["matched negative"] < table["same niche"]
    assert f"{table['same niche'] - table['matched negative']} matched negatives could not be drawn" in caplog.text


@pytest.mark.parametrize("kind", ["h5ad", pytest.param("zarr", marks=pytest.mark.slow)])
def test_contexts_survive_files(kind: str, tmp_path) -> None:
    adata = layers()
    scc2s.pp.niches(adata, niche_key="layer")
    getattr(adata, f"write_{kind}")(tmp_path / f"x.{kind}")
    back = (ad.read_h5ad if kind == "h5ad" else ad.read_zarr)(tmp_path / f"x.{kind}")
    assert get_contexts(back, "niches").cells == get_contexts(adata, "niches").cells


def test_layers_of_a_real_olfactory_bulb(shared_data) -> None:
    adata = ad.read_h5ad(shared_data / "mouse_olfactory_bulb_st.h5ad")
    scc2s.pp.niches(adata, niche_key="region", n_contexts=100)
    contexts = get_contexts(adata, "niches")
    same = [adata.obs["region"].iloc[rows].nunique() == 1 for rows in contexts.rows(adata)]
    assert same == (contexts.table["label"] == "yes").tolist()
