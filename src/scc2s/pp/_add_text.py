from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from scc2s._cells.columns import column, opened
from scc2s._cells.results import claim
from scc2s._cells.texts import COLUMNS, DATASET, texts_of

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData


def add_text(
    adata: AnnData | MuData,
    text: str | Mapping[str, str],
    *,
    level: str = "dataset",
    source: str = "text",
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """Attach texts to a data set or to its samples: abstracts, notes, metadata in words.

    :func:`scc2s.tl.ask` and its kin take from them with ``use_text=True`` what fits the question, and name the source.
    A text stays what somebody wrote: it is not checked against the cells.

    Parameters
    ----------
    adata
        Cells.
    text
        A text about the whole data set; or, with `level` a column, texts by value of that column.
    level
        ``"dataset"``, or a column of ``.obs`` whose values are samples, donors, conditions, ...
    source
        Name that answers cite the text by. A text of the same source, level and value is replaced.
    mod
        Modality, where `adata` is a MuData.
    copy
        Return a changed copy; `adata` stays as it was.

    Returns
    -------
    ``None``, or the copy. Sets:

    `.uns['c2s']['text']` : :class:`dict`
        ``table``, a :class:`pandas.DataFrame` with a row for each text (``source``, ``level``, ``value``, ``text``),
        and versions.

    Raises
    ------
    KeyError
        If there is no such column.
    TypeError
        If something is not a text, or texts by value are given for the data set.
    ValueError
        If a text is empty, or a value is none of the column.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> sc.pp.c2s_add_text(adata, "Fresh blood of a healthy donor.", source="abstract")
    >>> sc.pp.c2s_add_text(adata, {"CD19+ B": "Sorted by CD19."}, level="bulk_labels", source="sorting")
    >>> adata.uns["c2s"]["text"]["table"]["source"].tolist()
    ['abstract', 'sorting']
    """
    out, data = opened(adata, mod=mod, copy=copy)
    rows = _rows(data, text, level, source)
    result = claim(data, "text")
    earlier = texts_of(data)
    kept = earlier[~_same(earlier, rows)]
    table = pd.DataFrame([*kept.to_numpy().tolist(), *rows], columns=COLUMNS, dtype=object)
    result.write({"n_texts": len(table)}, more={"table": table.set_axis(table.index.astype(str))})
    return out if copy else None


def _same(table: pd.DataFrame, rows: list[list[str]]) -> pd.Series[bool]:
    there = {tuple(row[:3]) for row in rows}
    return pd.Series([tuple(row[:3]) in there for row in table.to_numpy().tolist()], index=table.index, dtype=bool)


def _rows(data: AnnData, text: Any, level: str, source: str) -> list[list[str]]:
    _refuse_no_text("source", source)
    if level == DATASET:
        if not isinstance(text, str):
            msg = (
                f"text is {type(text).__name__}, and level='dataset' takes one text; pass level= the column of "
                "adata.obs whose values the texts are about"
            )
            raise TypeError(msg)
        _refuse_no_text("text", text)
        return [[source, level, "", text]]
    values = column(data, level, "level").dropna().astype(str).unique().tolist()
    if not isinstance(text, Mapping):
        shown = repr(values[0]) if values else "..."
        msg = f"text is {type(text).__name__}; with level={level!r} pass texts by value: {{{shown}: '...'}}"
        raise TypeError(msg)
    if absent := [str(value) for value in text if str(value) not in values]:
        msg = f"adata.obs[{level!r}] has no value {absent[0]!r}; pass texts for some of {', '.join(values[:10])}"
        raise ValueError(msg)
    for one in text.values():
        _refuse_no_text("text", one)
    return [[source, level, str(value), one] for value, one in text.items()]


def _refuse_no_text(name: str, value: object) -> None:
    if not isinstance(value, str):
        msg = f"{name} is {type(value).__name__}, not a text; pass {name}= a text"
        raise TypeError(msg)
    if not value.strip() or "\0" in value:
        msg = f"{name}={value[:20]!r} says nothing, or cannot be written to a file; pass {name}= a text"
        raise ValueError(msg)
