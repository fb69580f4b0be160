from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class GeneIndex:
    """Columns of genes: by their name as it stands, else in any capitals where only one gene fits."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self._exact = {name: i for i, name in reversed(list(enumerate(names)))}
        self._folded: dict[str, list[int]] = {}
        for i, name in enumerate(names):
            self._folded.setdefault(name.casefold(), []).append(i)

    def find(self, genes: Iterable[str]) -> tuple[list[int], list[str]]:
        """Columns of the genes that are there, each once, and the names of those that are not."""
        columns: list[int] = []
        missing = []
        for gene in genes:
            alike = self._folded.get(gene.casefold(), [])
            at = self._exact.get(gene, alike[0] if len(alike) == 1 else None)
            if at is None:
                missing.append(gene)
            elif at not in columns:
                columns.append(at)
        return columns, missing
