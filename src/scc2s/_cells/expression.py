from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from scc2s._cells.merging import Merge, merge_columns
from scc2s._cells.rows import BLOCK, row_blocks
from scc2s._cells.values import describe
from scc2s._logging import logger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scipy import sparse


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
    merge: Merge | None = None
    """How columns of one gene become one; ``None``: each column is a gene."""

    @property
    def n_cells(self) -> int:
        """Rows of the matrix."""
        return int(self.X.shape[0])

    def merged(self, how: Literal["max", "sum"], log_base: float | None = None) -> Expression:
        """The same with allowed columns of one name made one gene; as it is where no name repeats.

        Parameters
        ----------
        how
            Largest value, or sum.
        log_base
            Base of the logarithm for values that are logarithms, where it is noted; ``None`` looks at the values.

        Raises
        ------
        ValueError
            If logarithms are to be summed and their base cannot be told.
        """
        allowed = np.ones(len(self.names), dtype=bool) if self.allowed is None else self.allowed
        used = [n for n, a in zip(self.names, allowed, strict=True) if a]
        index = {n: i for i, n in enumerate(dict.fromkeys(used))}
        if len(index) == len(used):
            return self
        gene = np.array([index[n] if a else -1 for n, a in zip(self.names, allowed, strict=True)], dtype=np.int32)
        base = self._log_base(log_base) if how == "sum" else None
        return replace(self, names=list(index), allowed=None, merge=Merge(how, gene, len(index), base))

    def _log_base(self, known: float | None) -> float | None:
        """Base of the logarithm that the values are; ``None`` where they are none."""
        values = describe(row_blocks(self.X, 2048))
        if values.kind != "log1p":
            return None
        base = known or (values.base if values.certain else None)
        if base is None:
            msg = (
                f"{self.source} seems to hold logarithms, whose base cannot be told, and a sum of logarithms is not a "
                "sum of expression; pass layer= or use_raw= with counts, or on_duplicate='max'"
            )
            raise ValueError(msg)
        logger.info("genes of one name are summed in %s without its logarithm (base %.3g)", self.source, base)
        return base

    def blocks(self, size: int = BLOCK) -> Iterator[tuple[int, np.ndarray | sparse.csr_matrix]]:
        """Blocks of rows, in memory, dense or CSR, one column a gene; each with the row it begins at."""
        for start, block in row_blocks(self.X, size):
            yield start, block if self.merge is None else merge_columns(block, self.merge)
