from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from anndata.abc import CSRDataset
from scipy import sparse

from scc2s._cells.access import expression, get_adata
from scc2s._cells.arguments import refuse_empty, whole
from scc2s._cells.columns import column
from scc2s._cells.fields import prompt_fields
from scc2s._cells.merging import merge_columns
from scc2s._cells.rows import row_blocks
from scc2s._cells.stored import csr_rows, open_stored
from scc2s.sentences._blocks import refuse_damaged, refuse_wrong_pointers
from scc2s.train._corpus_batch import CellBatch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from anndata import AnnData
    from mudata import MuData

    from scc2s._cells.access import OnDuplicate
    from scc2s._cells.expression import Expression


def batches(
    adata: AnnData | MuData | str | Path,
    *,
    obs: Sequence[str] | None = None,
    batch_size: int = 4096,
    study: str | None = None,
    organism: str | None = None,
    shuffle: bool = False,
    random_state: int = 0,
    layer: str | None = None,
    use_raw: bool | None = None,
    gene_symbols: str | None = None,
    upper: bool = False,
    on_duplicate: OnDuplicate = "error",
    mod: str = "rna",
) -> Batches:
    """Cells in batches, for :func:`scc2s.train.corpus`, from memory or from disk, where one batch is read at a time.

    Of a file only the names of cells and genes, `obs` and the batch itself are in memory. Nothing is written.

    Parameters
    ----------
    adata
        Cells: an AnnData (in memory, backed, or of dask arrays), or the path of an ``.h5ad`` file or a Zarr store.
        Counts are best, since they can be varied.
    obs
        Columns of ``.obs`` that batches have; ``None``: all of an AnnData, none of a file. (:func:`scc2s.pp.corpus`
        finds out which are needed.)
    batch_size
        Cells of a batch.
    study
        Name of the data set; ``None``: that of the file, or none.
    organism
        Organism in the prompt; ``None`` takes ``.obs["organism"]``, ``.uns["organism"]``, or a guess from the gene
        names.
    shuffle
        Batches in an order of chance, and cells within each, in place of their own. (A corpus mixes samples when they
        are read.)
    random_state
        Seed of that order.
    layer, use_raw, gene_symbols, upper, on_duplicate
        Where expression and gene names come from, as in :func:`scc2s.pp.sentences`.
    mod
        Modality, where `adata` is a MuData.

    Returns
    -------
    An iterable of :class:`scc2s.train.CellBatch`, whose obs has the column ``organism`` too. It can be gone through
    several times, and ``starting_at(row)`` gives what comes from a row on. Genes that sentences leave out (without a
    symbol, antibodies, ...) are not in it.

    Raises
    ------
    FileNotFoundError
        If there is no file.
    KeyError
        If a column, a layer or ``.raw`` is not there.
    ValueError
        If there are no cells, names of genes are not symbols or repeat, or the matrix on disk has no rows to read.
    TypeError
        If `adata` or a number is of another type.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> [batch.X.shape for batch in scc2s.pp.batches(adata, obs=["bulk_labels"], batch_size=400)]
    [(400, 765), (300, 765)]
    """
    size = whole("batch_size", batch_size)
    chance = whole("random_state", random_state, 0)
    seed = chance if shuffle else None
    wanted = None if obs is None else [obs] if isinstance(obs, str) else list(obs)
    if isinstance(adata, str | Path):
        path = Path(adata)
        data = open_stored(path, layer=layer, columns=[*(wanted or []), "organism"])
        study = path.stem if study is None else study
    else:
        data = get_adata(adata, mod)
    refuse_empty(data)
    for name in wanted or []:
        column(data, name, "obs")
    found = expression(
        data, layer=layer, use_raw=use_raw, gene_symbols=gene_symbols, upper=upper, on_duplicate=on_duplicate,
        organism=organism,
    )  # fmt: skip
    table = pd.DataFrame(data.obs if wanted is None else data.obs[wanted], copy=True)
    table["organism"] = prompt_fields(data, ["organism"], organism=organism)["organism"]
    return Batches(found, table, size, seed, study)


class Batches:
    """Batches of an AnnData. From :func:`scc2s.pp.batches`."""

    def __init__(
        self, expressed: Expression, obs: pd.DataFrame, size: int, seed: int | None, study: str | None
    ) -> None:
        self._expressed, self._obs, self._size, self._study = expressed, obs, size, study
        chosen = expressed.allowed
        self._chosen = None if chosen is None or chosen.all() else np.flatnonzero(chosen)
        names = expressed.names
        self.names = names if self._chosen is None else [names[i] for i in self._chosen.tolist()]
        self._seed = seed
        self._by_rows = _can_begin_anywhere(expressed.X)
        if seed is not None and not self._by_rows:
            msg = (
                f"{expressed.source} is a {type(expressed.X).__name__}, which is read from its first row on; leave "
                "shuffle= out, or pass a matrix with CSR or dense rows"
            )
            raise ValueError(msg)
        X = expressed.X
        self._stored: tuple[Any, Any, Any] | None = None
        if isinstance(X, CSRDataset):
            ends, genes, values = self._stored = (X.group["indptr"], X.group["indices"], X.group["data"])
            refuse_wrong_pointers(ends[:], X.shape[0], int(genes.shape[0]), int(values.shape[0]))
        if isinstance(X, np.ma.MaskedArray):
            next(row_blocks(X, 1), None)  # refuses what is masked

    @property
    def n_obs(self) -> int:
        """Cells of all batches."""
        return len(self._obs)

    @property
    def mark(self) -> str:
        """Fingerprint of which cells and genes come in which order."""
        digest = hashlib.blake2b(digest_size=8)
        said = [
            str(self._study),
            self._expressed.source,
            str(self._seed),
            str(self._size if self._seed is not None else 0),
        ]
        for some in (said, self.names, self._obs.index.astype(str)):
            digest.update("\0".join([str(len(some)), *some]).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    def __len__(self) -> int:
        return -(-self.n_obs // self._size)

    def __iter__(self) -> Iterator[CellBatch]:
        return self.starting_at(0)

    def starting_at(self, row: int) -> Iterator[CellBatch]:
        """Batches without the first `row` cells."""
        if not self._by_rows:
            yield from self._from_the_first(row)
            return
        starts = np.arange(0, self.n_obs, self._size)
        if self._seed is not None:
            starts = np.random.default_rng(self._seed).permutation(starts)
        done = 0
        for start in starts.tolist():
            stop = min(start + self._size, self.n_obs)
            left_out = max(0, row - done)
            done += stop - start
            if left_out >= stop - start:
                continue
            if self._seed is None:
                yield self._batch(self._rows(start + left_out, stop), np.arange(start + left_out, stop))
            else:
                order = np.random.default_rng([self._seed, start]).permutation(stop - start)[left_out:]
                yield self._batch(self._rows(start, stop)[order], start + order)

    def _from_the_first(self, row: int) -> Iterator[CellBatch]:
        for start, block in self._expressed.blocks(self._size):
            n = block.shape[0]
            if start + n > row:
                first = max(0, row - start)
                yield self._batch(sparse.csr_matrix(block[first:]), np.arange(start + first, start + n))

    def _rows(self, start: int, stop: int) -> sparse.csr_matrix:
        """Consecutive rows, as CSR with a column for each gene."""
        X, merge = self._expressed.X, self._expressed.merge
        part = X[start:stop] if self._stored is None else csr_rows(*self._stored, start, stop, X.shape[1])
        if sparse.issparse(part):
            refuse_damaged(part)
        else:
            part = np.asarray(part)
        return sparse.csr_matrix(part) if merge is None else merge_columns(part, merge)

    def _batch(self, X: sparse.csr_matrix, rows: np.ndarray) -> CellBatch:
        if self._chosen is not None:
            X = X[:, self._chosen]
        return CellBatch(X, self._obs.iloc[rows], self.names, self._study)


def _can_begin_anywhere(X: Any) -> bool:
    """Whether rows of a matrix can be read without those before them."""
    if isinstance(X, np.ndarray | CSRDataset):
        return True
    if sparse.issparse(X):
        return bool(X.format == "csr")
    return not hasattr(X, "dask") and hasattr(X, "chunks")
