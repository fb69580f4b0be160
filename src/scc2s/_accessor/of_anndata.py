from __future__ import annotations

from anndata import AnnData, register_anndata_namespace

from .bound import OfAll, register


class C2S(OfAll):
    """Functions of scc2s with this AnnData in the first place: ``adata.c2s.embed()`` is ``scc2s.tl.embed(adata)``.

    All functions of :mod:`scc2s.tl`, :mod:`scc2s.pp` and :mod:`scc2s.pl` that take ``adata`` first are there, with
    their own arguments and docstrings. Where two have one name, it is that of ``tl``, then of ``pp``:
    ``adata.c2s.screen(...)`` screens. Each part also stands under its own name, so the plot is
    ``adata.c2s.pl.screen()``. Functions about two data sets, such as :func:`scc2s.tl.evaluate`, are not there.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()[:4].copy()
    >>> adata.c2s.sentences(n_genes=3)
    >>> adata.obs["c2s_sentence"].iloc[0]
    'FTL CD74 JUNB'
    >>> adata.c2s.pl
    <adata.c2s.pl: 11 names, on 4 x 765 AnnData>
    """

    def __init__(self, adata: AnnData) -> None:
        self._data = adata


def register_anndata() -> bool:
    """Make ``adata.c2s``; see :func:`scc2s._accessor.bound.register`."""
    return register(AnnData, C2S, register_anndata_namespace)
