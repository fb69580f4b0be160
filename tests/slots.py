"""Slots of an AnnData as all versions of anndata have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import anndata as ad


def layer_names(adata: ad.AnnData) -> list[str]:
    """Names of the layers; anndata 0.13 lists .X as one without a name."""
    return [name for name in adata.layers if name is not None]
