from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import sparse

from scc2s._cells.rows import BLOCK, row_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Expression:
    """A matrix, wherever it is kept, and the words of its genes."""

    X: Any
    """Cells x genes: numpy, scipy sparse, h5py or zarr, anndata's sparse data sets on disk, or dask."""
    names: list[str]
    """Word of each gene. Repeated only among genes that are not `allowed`."""
    source: str
    """Where the matrix stands in the AnnData, e.g. ``"raw.X"``."""
    allowed: np.ndarray | None = None
    """Genes to use; ``None``: all."""
    merge: Literal["max", "sum"] | None = None
    """How columns of one gene become one; ``None``: each column is a gene."""
    gene_of_column: np.ndarray | None = None
    """With `merge`: gene of each column of `X`, -1 for a column that is not used."""

    @property
    def n_cells(self) -> int:
        """Rows of the matrix."""
        return int(self.X.shape[0])

    def merged(self, how: Literal["max", "sum"]) -> Expression:
        """The same with allowed columns of one name made one gene; as it is where no name repeats."""
        allowed = np.ones(len(self.names), dtype=bool) if self.allowed is None else self.allowed
        used = [n for n, a in zip(self.names, allowed, strict=True) if a]
        index = {n: i for i, n in enumerate(dict.fromkeys(used))}
        if len(index) == len(used):
            return self
        gene = np.array([index[n] if a else -1 for n, a in zip(self.names, allowed, strict=True)], dtype=np.int32)
        return replace(self, names=list(index), allowed=None, merge=how, gene_of_column=gene)

    def blocks(self, size: int = BLOCK) -> Iterator[tuple[int, np.ndarray | sparse.csr_matrix]]:
        """Blocks of rows, in memory, dense or CSR, one column a gene; each with the row it begins at."""
        for start, block in row_blocks(self.X, size):
            yield start, block if self.gene_of_column is None else self._merge(block, self.gene_of_column)

    def _merge(self, block: np.ndarray | sparse.csr_matrix, gene_of_column: np.ndarray) -> sparse.csr_matrix:
        coo = sparse.coo_matrix(block)
        coo.sum_duplicates()
        column = gene_of_column[coo.col]
        used = column >= 0
        row, column, data = coo.row[used], column[used], coo.data[used]
        order = np.lexsort((column, row))
        row, column, data = row[order], column[order], data[order]
        first = np.flatnonzero(np.r_[True, (np.diff(row) != 0) | (np.diff(column) != 0)][: len(row)])
        if len(data):
            data = (np.maximum if self.merge == "max" else np.add).reduceat(data, first)
        return sparse.csr_matrix((data, (row[first], column[first])), shape=(block.shape[0], len(self.names)))
