from __future__ import annotations

from typing import TYPE_CHECKING

from scc2s import pl
from scc2s._io import replacing

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData
    from matplotlib.figure import Figure


def draw(adata: AnnData, held_out: AnnData, truth: str, out: Path) -> list[str]:
    """The figures of the demo; returns the names of their files."""
    import scanpy as sc
    from matplotlib import pyplot as plt

    same = dict(zip(adata.obs[truth].cat.categories, adata.uns[f"{truth}_colors"], strict=True))
    adata.uns["c2s_cell_type_colors"] = [same[label] for label in adata.obs["c2s_cell_type"].cat.categories]
    figures = {
        "rank_fit.png": pl.rank_fit(adata, show=False).figure,
        "sentence.png": pl.sentence(adata, adata.obs_names[0], show=False).figure,
        "labels_held_out.png": pl.labels(held_out, truth, show=False).figure,
        "probabilities_held_out.png": pl.labels(held_out, truth, kind="probability", show=False).figure,
        "umap.png": sc.pl.umap(
            adata, color=[truth, "c2s_cell_type", "c2s_cell_type_prob"], ncols=1, show=False, return_fig=True
        ),
    }
    for name, figure in figures.items():
        _save(figure, out / name)
        plt.close(figure)
    return list(figures)


def _save(figure: Figure, path: Path) -> None:
    with replacing(path) as new:
        figure.savefig(new, dpi=150, bbox_inches="tight")
