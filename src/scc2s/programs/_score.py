from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from scipy import sparse

from scc2s.sentences._blocks import refuse_damaged

from ._gene_index import GeneIndex

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._program import Program

LEAST = 3
"""Genes of a program that a data set must have: a mean of fewer is not a program."""


class Match(NamedTuple):
    """Where the genes of a program are in a data set."""

    columns: np.ndarray
    found: list[str]
    """As the data set writes them."""
    missing: list[str]


def match(program: Program, names: Sequence[str]) -> Match:
    """Columns of a program's genes: by their name as it stands, else in any capitals where only one gene fits.

    Parameters
    ----------
    program
        The program.
    names
        Genes of the data set.

    Raises
    ------
    ValueError
        Under 3 of its genes are there.

    Examples
    --------
    >>> from scc2s.programs import Program
    >>> found = match(Program("x", ["CD3D", "CD3E", "CD2", "CD5"]), ["Cd2", "Cd3d", "Cd3e"])
    >>> found.columns.tolist(), found.missing
    ([1, 2, 0], ['CD5'])
    """
    columns, missing = GeneIndex(names).find(program.genes)
    if len(columns) < LEAST:
        msg = (
            f"{len(columns)} of {len(program.genes)} genes of program {program.name!r} are in the data, {LEAST} are "
            f"needed (missing: {', '.join(missing[:5])}{', ...' if len(missing) > 5 else ''}); pass a program with "
            "genes of adata.var_names, or set gene symbols as names"
        )
        raise ValueError(msg)
    return Match(np.array(columns), [names[i] for i in columns], missing)


def check_method(method: str) -> None:
    """Raise for a way of scoring that there is not."""
    if method not in ("mean", "rank"):
        msg = f"method={method!r} is not known; pass 'mean' or 'rank'"
        raise ValueError(msg)


def score(X: Any, columns: np.ndarray, *, method: Literal["mean", "rank"] = "mean") -> np.ndarray:
    """Score of a program in each cell.

    Parameters
    ----------
    X
        Cells x genes, log-normalised; dense or sparse.
    columns
        Genes of the program.
    method
        ``"mean"``: mean expression of its genes. ``"rank"``: mean over its genes of the share of all genes that the
        cell expresses less (ties count half): 0.5 for a program like any other, free of the scale of expression.

    Returns
    -------
    float64, one a cell.

    Examples
    --------
    >>> X = np.array([[3.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 3.0]])
    >>> score(X, [0, 1]).tolist(), score(X, [0, 1], method="rank").tolist()
    ([2.0, 0.0], [0.75, 0.25])
    """
    check_method(method)
    columns = np.asarray(columns)
    if sparse.issparse(X):
        refuse_damaged(X)
    if method == "mean":
        some = X[:, columns]
        return np.asarray(some.mean(axis=1), dtype=np.float64).ravel()
    from scipy.stats import rankdata

    out = np.empty(X.shape[0])
    for row in range(X.shape[0]):
        cell = X[[row]].toarray().ravel() if sparse.issparse(X) else np.asarray(X[row]).ravel()
        out[row] = (rankdata(cell)[columns] - 0.5).mean() / len(cell)
    return out
