"""Places of the genes of a program in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scc2s.metrics import rank_values
from scc2s.programs import as_program
from scc2s.sentences import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from scc2s.programs import Program


def genes_of(genes: str | Program | Sequence[str]) -> list[str]:
    """Names of a program's genes, two at least.

    Raises
    ------
    ValueError
        Fewer than two: they have no order.
    """
    found = list(as_program(genes).genes)
    if len(found) < 2:
        msg = f"the program has one gene, {found[0]!r}, and no order to be right about; pass at least two"
        raise ValueError(msg)
    return found


def minus_places(texts: Sequence[str], genes: list[str]) -> np.ndarray:
    """Minus the place of each gene in each text, repeats counted once; NaN where it is absent.

    Parameters
    ----------
    texts
        Sentences.
    genes
        Names; other words of a sentence take up places, too.

    Returns
    -------
    Texts x genes, float64.
    """
    return rank_values(parse(list(texts), genes, duplicates="mean").ranks, len(genes))


def as_texts(values: Sequence[object], column: str) -> list[str]:
    """Texts of a column.

    Raises
    ------
    TypeError
        Something else, e.g. a missing value.
    """
    for at, value in enumerate(values):
        if not isinstance(value, str):
            msg = f"column {column!r} holds {value!r} in row {at}, not a sentence; leave the row out, or fill it"
            raise TypeError(msg)
    return [str(value) for value in values]
