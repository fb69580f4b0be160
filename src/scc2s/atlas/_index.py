from __future__ import annotations

from typing import TYPE_CHECKING

from scc2s._io import check_writable
from scc2s.atlas._folder import held
from scc2s.models._progress import bar
from scc2s.tl._searching.engine import need_faiss
from scc2s.tl._searching.index import folder_of, make
from scc2s.tl._searching.reference import Reference

if TYPE_CHECKING:
    from pathlib import Path


def index(
    store: str | Path,
    *,
    use_rep: str = "X_c2s",
    recall: float = 0.99,
    restart: bool = False,
    progress: bool = True,
) -> Path:
    """Make an index of an embedding, by which :func:`scc2s.atlas.search` and :func:`scc2s.tl.search` find cells fast.

    Cells are put into lists around some centres (an inverted file, by `faiss <https://faiss.ai>`_), and a search looks
    through the lists that are nearest to the query, by the cosine. How many is measured: so many that of the nearest
    cells of some cells, found by looking at all, the share `recall` is found.

    Parameters
    ----------
    store
        Zarr store or ``.h5ad`` file with the embedding, e.g. the `out` of :func:`scc2s.atlas.run`.
    use_rep
        Key of ``.obsm``.
    recall
        Share of the ten nearest cells that a search is to find, on average over 100 cells of the store.
    restart
        Make it anew, also where it is there or was cut off; else one that was cut off goes on.
    progress
        Show a bar.

    Returns
    -------
    Folder of the index, ``<store>.index/<use_rep>``: a ``manifest.json``, names of cells, and vectors in half precision
    (2 bytes a number). It may be removed at any time. A search refuses it where the embedding has changed.

    Raises
    ------
    ImportError
        If faiss is not installed: ``pip install 'scc2s[atlas]'``.
    FileNotFoundError, PermissionError
        If there is no store, or nothing can be written beside it.
    KeyError
        If it has no such embedding.
    ValueError
        If it is not an AnnData, the embedding is not an array of numbers, or `recall` not between 0 and 1.
    RuntimeError
        If another process makes the same index.

    Notes
    -----
    Beyond 4 million cells, which are one file each, memory grows by 24 bytes a cell, for the names. The recall that was
    measured and the number of lists are in the manifest. Lists: Jégou et al. 2011, Product quantization for nearest
    neighbor search, IEEE TPAMI 33, 117 (section IV, with the numbers themselves in place of codes); Douze et al. 2024,
    arXiv:2401.08281.

    Examples
    --------
    >>> import tempfile, scanpy as sc, scc2s
    >>> store = f"{tempfile.mkdtemp()}/cells.zarr"
    >>> sc.datasets.pbmc68k_reduced().write_zarr(store)
    >>> folder = scc2s.atlas.index(store, use_rep="X_pca")
    >>> found = scc2s.atlas.search(store, "AAAGCCTGGCTAAC-1", use_rep="X_pca", keys=["bulk_labels"], n_top=3)
    >>> found["bulk_labels"].tolist()
    ['Dendritic', 'CD14+ Monocyte', 'CD14+ Monocyte']
    """
    if not 0 < recall <= 1:
        msg = f"recall={recall!r} is a share; pass a number above 0 and up to 1, e.g. recall=0.99"
        raise ValueError(msg)
    reference = Reference(store, use_rep)
    folder = folder_of(store, use_rep)
    check_writable(folder.parent, folder=True)
    need_faiss()
    with (
        held(folder.parent),
        bar(reference.n_obs, "index", show=progress) as shown,
    ):
        return make(reference, recall=recall, restart=restart, told=shown.update)
