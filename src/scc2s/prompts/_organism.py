from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

ALIASES = {
    "human": "Homo sapiens",
    "homo sapiens": "Homo sapiens",
    "mouse": "Mus musculus",
    "mus musculus": "Mus musculus",
}
"""Names in small letters, and the name that published C2S prompts use."""

_RULES = {
    "Homo sapiens": re.compile(r"ENSG\d|(?!ENS[A-Z]+\d{6})[A-Z][A-Z0-9]*[A-Z0-9.\-]*$|C\d+orf"),
    "Mus musculus": re.compile(r"ENSMUSG\d|[A-Z][a-z0-9\-]*[a-z][a-z0-9.\-]*$|mt-[A-Z][a-z]"),
}


def guess_organism(names: Iterable[str]) -> str | None:
    """Organism by how its gene symbols are written: ``CD3E`` in human, ``Cd3e`` in mouse (scc2s definition).

    Parameters
    ----------
    names
        Gene symbols, or Ensembl ids.

    Returns
    -------
    ``"Homo sapiens"`` or ``"Mus musculus"``, whichever more than half of the names look like; else ``None``.

    Examples
    --------
    >>> guess_organism(["Cd3e", "Lyz2", "mt-Nd1", "0610005C13Rik"])
    'Mus musculus'
    """
    names = [str(n) for n in names]
    for organism, rule in _RULES.items():
        if 2 * sum(rule.match(n) is not None for n in names) > len(names):
            return organism
    return None
