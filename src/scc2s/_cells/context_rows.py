"""Contexts as training samples need them: rows of their cells, and the text of each field."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from scc2s._cells.contexts import context_fields, genes_of, get_contexts
from scc2s._cells.fields import prompt_fields
from scc2s.prompts._lists import PART
from scc2s.prompts._task import CELLS, N_CELLS, N_GENES, SENTENCES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from anndata import AnnData

_TYPES, _TYPE = "cell_types", "cell_type"


@dataclass(frozen=True)
class ForSamples:
    """Contexts with what is said about each."""

    names: list[str]
    rows: list[np.ndarray]
    """Rows of the cells of each."""
    fields: dict[str, list[str]]
    """Text of each field, one a context."""
    n_genes: int | None
    types: np.ndarray | None
    """Type of each row of the data, where a field lists those of the cells."""

    @classmethod
    def of(
        cls,
        adata: AnnData,
        key: str,
        names: Iterable[str],
        *,
        organism: str | None,
        columns: Mapping[str, str] | None,
    ) -> ForSamples:
        """Contexts called `key`, with the fields `names`."""
        found = get_contexts(adata, key)
        rows = found.rows(adata)
        wanted = [n for n in dict.fromkeys(names) if n not in (*SENTENCES, CELLS, N_CELLS, N_GENES)]
        lists = _TYPES in wanted and (columns or {}).get(_TYPES, _TYPES) not in found.table
        column = (columns or {}).get(_TYPES, _TYPE)
        types = None
        if lists:
            wanted.remove(_TYPES)
            used = np.unique(np.concatenate([np.empty(0, dtype=np.intp), *rows]))
            types = np.empty(adata.n_obs, dtype=object)
            types[used] = prompt_fields(adata[used], [_TYPES], columns={_TYPES: column})[_TYPES]
        fields = context_fields(adata, found, rows, wanted, organism=organism, columns=columns)
        return cls(found.table.index.astype(str).tolist(), rows, fields, genes_of(adata, key), types)

    def expressed(self, there: np.ndarray) -> ForSamples:
        """Without the cells that have no genes, and the contexts that then have no cell.

        Raises
        ------
        ValueError
            If none is left.
        """
        rows = [some[there[some]] for some in self.rows]
        kept = [i for i, some in enumerate(rows) if len(some)]
        if not kept:
            msg = "no cell of the contexts expresses a gene, so all sentences are empty; pass layer= with expression"
            raise ValueError(msg)
        rows = [rows[i] for i in kept]
        fields = {name: [values[i] for i in kept] for name, values in self.fields.items()}
        if self.types is not None:
            fields[_TYPES] = [PART.join(map(str, self.types[some])) for some in rows]
        return replace(self, names=[self.names[i] for i in kept], rows=rows, fields=fields)
