from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scc2s._cells.access import get_adata
from scc2s._io import check_writable, write_text
from scc2s._logging import logger

if TYPE_CHECKING:
    from os import PathLike

    from anndata import AnnData
    from mudata import MuData

_ENDINGS = (".html", ".htm")


def report(adata: AnnData | MuData, path: str | PathLike[str], *, title: str | None = None, mod: str = "rna") -> None:
    """Write what is known of the cells as one HTML file, for experts and for others.

    It has what stands in `adata` and asks no model: data and quality, sentences and rank fit, the embedding
    with labels, confidence and abstentions, captions with their grounding, predictions and screens with controls,
    floors and ceilings, answers in words with what the cells say of them, comparisons, models, prompts, versions and
    caveats, and before all of it a summary in plain words. Each number has its slot beside it, and on pointing at it
    the expression that gives it in Python. Parts that are missing are named with the call that makes them.

    The file needs no network and runs no script; what comes from the data is text in it, whatever it holds. It follows
    the light or dark setting of the reader, and prints. Folders of the machine are not in it.

    Parameters
    ----------
    adata
        Cells with results; nothing in it is changed.
    path
        File to write, which ends in ``.html``.
    title
        Title of the report; ``None``: "Report on <number> cells".
    mod
        Modality, where `adata` is a MuData.

    Raises
    ------
    ValueError
        If the path does not end in ``.html``.
    FileNotFoundError, IsADirectoryError, PermissionError
        If it cannot be written.
    KeyError
        If there is no such modality.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> sc.pp.c2s_sentences(adata, n_genes=20)
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "report.html"
    >>> sc.tl.c2s_report(adata, path)
    >>> "The file holds" in path.read_text(encoding="utf-8")
    True
    """
    from ._build import html

    where = Path(path)
    check_ending(where)
    check_writable(where)
    data = get_adata(adata, mod)
    plural = "cell" if data.n_obs == 1 else "cells"
    name = f"Report on {data.n_obs:,} {plural}" if title is None else str(title)
    text = html(data, title=name, modality=None if data is adata else mod)
    write_text(text, where)
    logger.info("report of %d kB written", len(text.encode()) // 1000)


def check_ending(path: Path) -> None:
    """Raise where a path is not that of a page.

    Raises
    ------
    ValueError
        If it does not end in ``.html``.
    """
    if path.suffix.lower() not in _ENDINGS:
        msg = f"a report is an HTML file; pass a path that ends in .html, not {path}"
        raise ValueError(msg)
