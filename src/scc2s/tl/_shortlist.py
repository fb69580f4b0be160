from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scc2s._cells.access import get_adata
from scc2s._cells.results import stored
from scc2s._io import write_text
from scc2s.tl._predicting.perturbations import name_of
from scc2s.tl._predicting.screen_run import NOTICE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from anndata import AnnData
    from mudata import MuData

_NOTE = "text of a language model, not a measurement; research use only"


def shortlist(
    adata: AnnData | MuData | pd.DataFrame,
    *,
    n: int = 10,
    only_hits: bool = False,
    max_neutral: float | None = None,
    min_validity: float | None = None,
    min_agreement: float | None = None,
    max_q: float | None = None,
    known: Sequence[str] = (),
    path: str | PathLike[str] | None = None,
    key: str = "screen",
    mod: str = "rna",
) -> pd.DataFrame:
    """The best perturbations of a screen, with the reasons for and against each, to choose what to test at the bench.

    Ranked by the lower end of the interval of the split, so that a large effect of few cells or donors does not pass a
    certain one.

    Parameters
    ----------
    adata
        With the table of :func:`scc2s.tl.screen`, or that table.
    n
        Most rows.
    only_hits
        Only hits of the screen.
    max_neutral
        Largest effect, up or down, in the neutral context.
    min_validity
        Smallest share of valid words.
    min_agreement
        Smallest share of donors (or cells) that agree with the direction.
    max_q
        Largest false discovery rate.
    known
        Perturbations that are known for this effect, in any capitals: the others are marked ``novel`` - to you, not
        to the literature.
    path
        File to write the list to as CSV.
    key
        Name of the table.
    mod
        Modality, where `adata` is a MuData.

    Returns
    -------
    Rows of the screen that pass, best first, with ``novel`` and ``note``; ``reasons`` says why a row is not a hit.
    ``attrs["notice"]`` and the column ``note``, which goes into the file too, say what the list is not.

    Raises
    ------
    KeyError
        There is no such screen.
    ValueError
        `n` is under 1.

    Examples
    --------
    >>> table = pd.DataFrame({"name": ["a", "b"], "split": [1.0, 2.0], "low": [0.5, -0.1], "hit": [True, False],
    ...                       "reasons": ["", "interval reaches 0"]})
    >>> shortlist(table, known=["A"])[["name", "novel", "reasons"]].to_numpy().tolist()
    [['a', False, ''], ['b', True, 'interval reaches 0']]
    """
    if n < 1:
        msg = f"n={n} leaves an empty list; pass n= a number from 1"
        raise ValueError(msg)
    table = adata if isinstance(adata, pd.DataFrame) else _read(get_adata(adata, mod), key)
    kept = np.ones(len(table), dtype=bool)
    if only_hits:
        kept &= table["hit"].to_numpy(dtype=bool)
    if max_neutral is not None:
        kept &= ~(np.abs(table["effect_neutral"].to_numpy(dtype=float)) > max_neutral)
    for column, least in (("validity", min_validity), ("agreement", min_agreement)):
        if least is not None:
            kept &= table[column].to_numpy(dtype=float) >= least
    if max_q is not None:
        kept &= table["q"].to_numpy(dtype=float) <= max_q
    some = table[kept].sort_values(["low", "split"], ascending=False, kind="stable").head(n).reset_index(drop=True)
    mine = {(name_of(name) or "").casefold() for name in known}
    out = some.assign(novel=[str(name).casefold() not in mine for name in some["name"]], note=_NOTE)
    out.attrs["notice"] = NOTICE
    if path is not None:
        write_text(out.to_csv(index=False), str(path))
    return out


def _read(adata: AnnData, key: str) -> pd.DataFrame:
    call = "sc.tl.c2s_screen(adata, perturbations, program=...)"
    table: pd.DataFrame = stored(adata, key, call=call, kind=pd.DataFrame)
    return table
