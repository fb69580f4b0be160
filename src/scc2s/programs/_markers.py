from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd


@dataclass(frozen=True)
class Markers:
    """Genes that tell a cell type from others.

    Parameters
    ----------
    label
        The cell type.
    genes
        Genes that its cells express and most others do not; repeats are dropped.
    absent
        Genes that its near relatives express and its own cells do not.
    source
        Where the lists come from.
    kind_of
        The broader type that it belongs to, where that has markers too.

    Raises
    ------
    TypeError
        A gene is not text.
    ValueError
        No genes, or one that is both.

    Examples
    --------
    >>> Markers("NK cell", ["GNLY", "NKG7", "GNLY"], absent=["CD3D"]).genes
    ('GNLY', 'NKG7')
    """

    label: str
    genes: Sequence[str]
    absent: Sequence[str] = ()
    source: str = "given by the user"
    kind_of: str = ""

    def __post_init__(self) -> None:
        for name in ("genes", "absent"):
            object.__setattr__(self, name, _names(self.label, getattr(self, name)))
        if not self.genes:
            msg = f"{self.label!r} has no markers; pass some, or leave it out: markers={{'B cell': ['CD79A', 'MS4A1']}}"
            raise ValueError(msg)
        if both := sorted(set(self.genes) & set(self.absent)):
            msg = f"{both[0]!r} is both a marker of {self.label!r} and absent from it; leave one out"
            raise ValueError(msg)


def markers(labels: Iterable[str] | None = None) -> dict[str, Markers]:
    """Marker genes of human cell types that come with the package; the ``source`` of each says whence.

    Types of blood and bone marrow, and the commonest of other tissues: textbook markers, chosen by us from the reviews
    and atlases that are named, and looked over on the data sets of blood that `benchmarks/annotation_baselines.py`
    names, on a breast tumour, a lung tumour and mouse kidney: on these they are a little better than on others.

    Parameters
    ----------
    labels
        Cell types; ``None``: all of them, broad ones (``"T cell"``) as well as their subtypes, whose ``kind_of`` names
        the broad one.

    Raises
    ------
    KeyError
        A label has no markers here.

    Examples
    --------
    >>> list(markers(["B cell", "NK cell"]))
    ['B cell', 'NK cell']
    >>> "CD79A" in markers()["B cell"].genes
    True
    """
    table = _table()
    wanted = list(table) if labels is None else list(labels)
    if unknown := [label for label in wanted if label not in table]:
        msg = (
            f"no markers of {unknown[0]!r} come with the package (there are those of {', '.join(table)}); pass "
            "markers= of your own, e.g. markers={'B cell': ['CD79A', 'MS4A1']}"
        )
        raise KeyError(msg)
    return {label: table[label] for label in wanted}


def as_markers(given: Mapping[str, Any] | pd.DataFrame) -> dict[str, Markers]:
    """Markers by label, of a dictionary of lists, or of a table.

    Parameters
    ----------
    given
        Lists of genes (or :class:`Markers`) by label; or a DataFrame with a column of genes for each label, as
        ``pd.DataFrame(adata.uns["rank_genes_groups"]["names"])``, or with a row for each gene and the columns ``group``
        and ``names``, as :func:`scanpy.get.rank_genes_groups_df` gives it. Missing values are left out.

    Raises
    ------
    TypeError
        It is something else.
    ValueError
        A label without genes, or no labels.

    Examples
    --------
    >>> as_markers({"B cell": ["CD79A"]})["B cell"].genes
    ('CD79A',)
    """
    lists: Mapping[Any, Any]
    if hasattr(given, "columns"):
        table: Any = given
        if {"group", "names"} <= set(table.columns):
            lists = {
                str(group): part.dropna().tolist() for group, part in table.groupby("group", observed=True)["names"]
            }
        else:
            lists = {str(name): table[name].dropna().tolist() for name in table.columns}
    elif isinstance(given, Mapping):
        lists = given
    else:
        msg = (
            f"markers is of type {type(given).__name__}; pass markers= a dictionary of lists of genes by label, e.g. "
            "markers={'B cell': ['CD79A', 'MS4A1'], 'T cell': ['CD3D', 'CD3E']}, or a DataFrame"
        )
        raise TypeError(msg)
    found = {
        str(label): genes if isinstance(genes, Markers) else Markers(str(label), genes)
        for label, genes in lists.items()
    }
    if not found:
        msg = "markers is empty; pass markers={'B cell': ['CD79A', 'MS4A1'], ...}, or None for those of the package"
        raise ValueError(msg)
    return found


@cache
def _table() -> dict[str, Markers]:
    found = tomllib.loads(Path(__file__).with_name("markers.toml").read_text(encoding="utf-8"))
    return {label: Markers(label, **entry) for label, entry in found.items()}


def _names(label: str, genes: Any) -> tuple[str, ...]:
    one = isinstance(genes, str | bytes | Mapping) or not isinstance(genes, Iterable) or np.ndim(list(genes)) != 1
    listed: list[Any] = [None] if one and not (isinstance(genes, Iterable) and not list(genes)) else list(genes)
    if wrong := [gene for gene in listed if not isinstance(gene, str)]:
        what = repr(genes) if one else f"{wrong[0]!r} among them"
        msg = f"markers of {label!r} are not a list of gene names ({what}); pass texts alone: {label!r}: ['CD79A', ...]"
        raise TypeError(msg)
    return tuple(dict.fromkeys(str(gene).strip() for gene in listed if gene.strip()))
