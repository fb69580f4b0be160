from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import spearmanr

from ._blocks import row_parts
from ._places_to_values import expression_at
from ._rank_sums import RankSums

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scipy import sparse

    from ._blocks import Matrix


@dataclass(frozen=True)
class RankFit:
    """Line from rank to expression: ``expression = slope * log10(rank) + intercept``, rank counted from 1.

    Ordinary least squares over single (cell, gene) pairs with expression above 0, one line for the data set (Levine et
    al., ICML 2024; Rizvi et al., bioRxiv 10.1101/2025.04.14.648850).
    """

    slope: float
    """Change of expression when the rank grows tenfold."""
    intercept: float
    """Expression at rank 1."""
    r2: float = math.nan
    """1 - residual / total sum of squares of the line over all pairs, also those outside `fit_range`."""
    r2_all_ranks: float = math.nan
    """The same for a line fitted to all pairs (equals the squared Pearson correlation)."""
    r2_rank_means: float = math.nan
    """R2 of a line through the mean expression of each rank: scatter between cells is averaged out, so it is near 1 for
    almost any data. Only for comparison with tools that report it."""
    pearson: float = math.nan
    """Correlation of predicted and true expression over all pairs."""
    spearman: float = math.nan
    """Rank correlation of the same, over `n_pairs_spearman` pairs."""
    below_zero: float = math.nan
    """Share of pairs whose prediction is below 0."""
    n_cells: int = 0
    """Cells seen, empty ones too."""
    n_pairs: int = 0
    """Pairs of a cell and a gene that it expresses."""
    n_pairs_spearman: int = 0
    """Pairs of the cells that the rank correlation was taken over: all, or those of a seeded choice of cells."""
    fit_range: tuple[int, int] | None = None
    """Ranks the line was fitted to, the second excluded; ``None``: all."""
    target_sum: float | None = None
    """Total of a cell that the expression was normalised to, where known."""
    base: float = math.e
    """Base of the logarithm of the expression."""

    @classmethod
    def fit(
        cls,
        X: Matrix,
        *,
        fit_range: tuple[int, int] | None = (1, 1000),
        target_sum: float | None = None,
        base: float = math.e,
        max_pairs: int = 2_000_000,
        seed: int = 0,
    ) -> RankFit:
        """Fit the line.

        Parameters
        ----------
        X
            Log-normalised expression, cells x genes, sparse or dense; read in blocks of rows.
        fit_range
            Ranks to fit to, the second excluded. The default is what published C2S models used; deep libraries are
            described better by ``None``, all ranks.
        target_sum, base
            How `X` was normalised: only written down.
        max_pairs, seed
            Most pairs for the rank correlation, and seed of the choice of cells.

        Raises
        ------
        ValueError
            If no two ranks lie in `fit_range`, or if `X` holds negative or non-finite values.

        Examples
        --------
        >>> import numpy as np
        >>> fit = RankFit.fit(np.array([[3.0, 2.0, 0.0], [3.0, 0.0, 2.0]]))
        >>> round(fit.slope, 3), round(fit.intercept, 3), round(fit.r2, 3)
        (-3.322, 3.0, 1.0)
        """
        sums = RankSums(max_pairs=max_pairs, seed=seed)
        for _, block in row_parts(X, 2048):
            sums.add(block)
        return cls.from_sums(sums, fit_range=fit_range, target_sum=target_sum, base=base)

    @classmethod
    def from_sums(
        cls,
        sums: RankSums,
        *,
        fit_range: tuple[int, int] | None = (1, 1000),
        target_sum: float | None = None,
        base: float = math.e,
    ) -> RankFit:
        """Fit the line to data that was summed up block by block."""
        reached = np.count_nonzero(sums.n)
        n, first, second = sums.n[:reached], sums.first[:reached], sums.second[:reached]
        rank = np.arange(1, len(n) + 1)
        inside = np.ones(len(n), dtype=bool)
        if fit_range is not None:
            inside = (rank >= fit_range[0]) & (rank < fit_range[1])
        x = np.log10(rank)
        if np.count_nonzero(n[inside]) < 2:
            msg = (
                f"fewer than two ranks hold genes within fit_range={fit_range}; pass a wider one, or None for all ranks"
            )
            raise ValueError(msg)
        slope, intercept = _line(x[inside], n[inside], first[inside])
        predicted = slope * x + intercept
        everywhere = _line(x, n, first)
        mean = first / n
        through_means = _line(x, np.ones(len(n)), mean)
        correlation = _pearson(x, n, first, second)
        sampled_rank, sampled = sums.sample()
        return cls(
            slope=slope,
            intercept=intercept,
            r2=_r2(predicted, n, first, second),
            r2_all_ranks=_r2(everywhere[0] * x + everywhere[1], n, first, second),
            r2_rank_means=_r2(through_means[0] * x + through_means[1], np.ones(len(n)), mean, mean**2),
            pearson=math.copysign(1, slope) * correlation,
            spearman=math.copysign(1, slope) * float(spearmanr(sampled_rank, sampled).statistic),
            below_zero=float(n[predicted < 0].sum() / n.sum()),
            n_cells=sums.n_cells,
            n_pairs=int(n.sum()),
            n_pairs_spearman=len(sampled),
            fit_range=None if fit_range is None else (int(fit_range[0]), int(fit_range[1])),
            target_sum=target_sum,
            base=base,
        )

    def predict(self, rank: np.ndarray | list[int] | int, *, clip: bool = True) -> np.ndarray:
        """Expression at a rank.

        Parameters
        ----------
        rank
            Ranks, from 1; 0 stands for a gene that is not in the sentence.
        clip
            Raise values below 0 to 0. (Published C2S code does not.)

        Returns
        -------
        Expression of the same shape, in the units the line was fitted in; 0 for rank 0.

        Examples
        --------
        >>> fit = RankFit(slope=-1, intercept=0.5)
        >>> fit.predict([0, 1, 2, 5]).round(3).tolist()
        [0.0, 0.5, 0.199, 0.0]
        """
        rank = np.asarray(rank)
        there = rank > 0
        value = np.where(there, self.slope * np.log10(np.where(there, rank, 1)) + self.intercept, 0.0)
        return value.clip(0) if clip else value

    def inverse(
        self, ranks: np.ndarray, n_genes: int, *, clip: bool = True, n_jobs: int | None = None
    ) -> sparse.csr_matrix:
        """Expression of ranked cells.

        Parameters
        ----------
        ranks
            Indices of genes, cells x k, column j for rank j + 1, -1 where no gene stands (from :func:`rank` or
            :func:`parse`). No gene twice in a row.
        n_genes
            Columns of the result.
        clip
            Raise values below 0 to 0.
        n_jobs
            Threads; ``None`` takes all cores.

        Returns
        -------
        float32, cells x `n_genes`, no stored zeros.

        Examples
        --------
        >>> fit = RankFit(slope=-1, intercept=0.5)
        >>> fit.inverse(np.array([[2, 0]]), 3).toarray().round(3).tolist()
        [[0.19900000095367432, 0.0, 0.5]]
        """
        if ranks.max(initial=-1) >= n_genes:
            msg = f"ranks name gene {ranks.max()} of {n_genes}; pass the number of genes that they index"
            raise ValueError(msg)
        value = self.predict(np.arange(1, ranks.shape[1] + 1), clip=clip).astype(np.float32)
        return expression_at(lambda start, stop: ranks[start:stop], len(ranks), n_genes, value, n_jobs=n_jobs)

    def to_dict(self) -> dict[str, Any]:
        """Values that h5ad and zarr hold."""
        values = asdict(self)
        values["fit_range"] = "None" if self.fit_range is None else np.asarray(self.fit_range)
        values["target_sum"] = "None" if self.target_sum is None else self.target_sum
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RankFit:
        """Read :meth:`to_dict` back, also after a write to disk; other keys are left out.

        Examples
        --------
        >>> RankFit.from_dict(RankFit(slope=-1, intercept=0.5).to_dict()).slope
        -1
        """
        known = {f.name: values[f.name] for f in fields(cls) if f.name in values}
        for name, value in known.items():
            if value is None or isinstance(value, str):
                known[name] = None
            elif name == "fit_range":
                known[name] = tuple(int(rank) for rank in value)
            else:
                known[name] = np.asarray(value).item()
        return cls(**known)


def _line(x: np.ndarray, n: np.ndarray, y_sum: np.ndarray) -> tuple[float, float]:
    """Least-squares line through n[i] points at x[i] whose y sum up to y_sum[i]."""
    total = n.sum()
    x_mean, y_mean = (n * x).sum() / total, y_sum.sum() / total
    slope = ((x - x_mean) * (y_sum - n * y_mean)).sum() / (n * (x - x_mean) ** 2).sum()
    return float(slope), float(y_mean - slope * x_mean)


def _spread(n: np.ndarray, y_sum: np.ndarray, y_squares: np.ndarray) -> float:
    return float(y_squares.sum() - y_sum.sum() ** 2 / n.sum())


def _r2(predicted: np.ndarray, n: np.ndarray, y_sum: np.ndarray, y_squares: np.ndarray) -> float:
    residual = (y_squares - 2 * predicted * y_sum + n * predicted**2).sum()
    spread = _spread(n, y_sum, y_squares)
    return float(1 - residual / spread) if spread > 0 else math.nan


def _pearson(x: np.ndarray, n: np.ndarray, y_sum: np.ndarray, y_squares: np.ndarray) -> float:
    """Of the single points, not of the sums."""
    spread = _spread(n, n * x, n * x**2) * _spread(n, y_sum, y_squares)
    shared = (x * y_sum).sum() - (n * x).sum() * y_sum.sum() / n.sum()
    return float(shared / math.sqrt(spread)) if spread > 0 else math.nan
