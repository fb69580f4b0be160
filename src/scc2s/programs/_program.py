from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Program:
    """A list of genes with a name, and where it comes from.

    Parameters
    ----------
    name
        Short name; names results.
    genes
        Gene symbols; repeats are dropped.
    source
        Where the list comes from.

    Raises
    ------
    TypeError
        A gene is not text.
    ValueError
        No genes.

    Examples
    --------
    >>> Program("mine", ["CD3D", "CD3E", "CD3D"]).genes
    ('CD3D', 'CD3E')
    """

    name: str
    genes: Sequence[str]
    source: str = "given by the user"

    def __post_init__(self) -> None:
        genes = [] if isinstance(self.genes, str | bytes | Mapping) else _listed(self.genes)
        if wrong := [gene for gene in genes if not isinstance(gene, str)]:
            msg = (
                f"program {self.name!r} has {wrong[0]!r} among its genes, which is not a name; pass texts alone: "
                "[gene for gene in genes if isinstance(gene, str)]"
            )
            raise TypeError(msg)
        kept = tuple(dict.fromkeys(str(gene).strip() for gene in genes if gene.strip()))
        if not kept:
            msg = (
                f"program {self.name!r} has no list of genes; pass genes=['ISG15', 'MX1', ...], or a name of {names()}"
            )
            raise ValueError(msg)
        object.__setattr__(self, "genes", kept)


def _listed(genes: Any) -> list[Any]:
    return list(genes) if isinstance(genes, Iterable) and getattr(genes, "ndim", 1) == 1 else []


@cache
def _table() -> dict[str, Program]:
    found = tomllib.loads(Path(__file__).with_name("programs.toml").read_text(encoding="utf-8"))
    return {name: Program(name, entry["genes"], entry["source"]) for name, entry in found.items()}


def names() -> list[str]:
    """Names of the programs that come with the package.

    Examples
    --------
    >>> names()
    ['apoptosis', 'ifn', 'mhc1']
    """
    return sorted(_table())


def get(name: str) -> Program:
    """A program that comes with the package: ``"ifn"``, ``"mhc1"`` or ``"apoptosis"``; its ``source`` says whence.

    Raises
    ------
    KeyError
        No such program.

    Examples
    --------
    >>> len(get("mhc1").genes), get("mhc1").genes[0]
    (18, 'HLA-A')
    """
    if name not in names():
        msg = (
            f"no program {name!r} comes with the package (there are {', '.join(names())}); pass a list of genes, or "
            "one of scc2s.programs.from_gmt(path)"
        )
        raise KeyError(msg)
    return _table()[name]


def as_program(program: str | Program | Sequence[str], name: str = "program") -> Program:
    """A program as it is, by its name, or of a list of genes (which is then called `name`).

    Examples
    --------
    >>> as_program("ifn").name, as_program(["A", "B", "C"]).name
    ('ifn', 'program')
    """
    if isinstance(program, Program):
        return program
    if isinstance(program, str):
        return get(program)
    if not isinstance(program, Iterable):
        msg = f"program is of type {type(program).__name__}; pass a list of genes, or a name of {names()}"
        raise TypeError(msg)
    return Program(name, program)
