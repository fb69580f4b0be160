from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ._tables import check_samples

Loss = Callable[..., Any]
_CHUNK = 1024
_SHOWN = 8
"""Draws of each source that are looked at for what it teaches."""


@dataclass(frozen=True)
class Source:
    """Samples of one task that are drawn afresh for each step, as a part of a :class:`Mixture`.

    Parameters
    ----------
    draw
        ``draw(n, rng)`` gives a table with columns ``prompt`` and ``completion``: about `n` samples, and always the
        same ones for a generator of random numbers in the same state.
    share
        Weight of the source: its share of the steps of the mixture, after division by the sum of all.
    batch_size
        Samples of a step, of all processes together.
    pool
        Batches that are drawn at once and parted by the length of their samples, so that little of a batch is padding.
    loss
        What is made small, where it is not the mean negative log-likelihood of the tokens of completions:
        ``loss(model, inputs, generator)`` gives a number (a tensor of no dimension) for ``inputs["input_ids"]`` and
        ``inputs["labels"]``, samples x tokens, padded on the right; labels are -100 where nothing is learned.
        ``generator`` is a ``torch.Generator`` on the CPU, seeded anew for each step.

    Raises
    ------
    TypeError, ValueError
        If `draw` or `loss` cannot be called, or a number is out of range.
    """

    draw: Callable[[int, np.random.Generator], pd.DataFrame]
    share: float = 1.0
    batch_size: int = 32
    pool: int = 1
    loss: Loss | None = None

    def __post_init__(self) -> None:
        for name in ("draw", "loss"):
            if not callable(found := getattr(self, name)) and (name == "draw" or found is not None):
                msg = f"{name} is a {type(found).__name__}, which cannot be called; pass {name}= a function"
                raise TypeError(msg)
        if isinstance(self.share, bool) or not isinstance(self.share, int | float) or not 0 < self.share < math.inf:
            msg = f"share={self.share!r} is not a number above 0; pass share= one, or leave the source out"
            raise ValueError(msg)
        for name in ("batch_size", "pool"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
                msg = f"{name}={value!r} is not a whole number from 1; pass {name}= one"
                raise ValueError(msg)


class Mixture:
    """An endless stream of batches from several sources, each batch of one of them: for training from nothing.

    What a step is trained on depends on `seed`, the sources and the number of the step alone. So a run that was stopped
    goes on with the batches that an unbroken one would have had, and several processes share each batch out.

    Parameters
    ----------
    sources
        By the name of their task.
    seed
        Of the order of sources and of all draws.

    Raises
    ------
    TypeError, ValueError
        If there are no sources, or something else is given.

    Examples
    --------
    >>> import pandas as pd
    >>> from scc2s import train
    >>> def draw(n, rng):
    ...     first = rng.choice(["CD3D", "CD79A"], n)
    ...     kind = [{"CD3D": " T cell", "CD79A": " B cell"}[gene] for gene in first]
    ...     return pd.DataFrame({"prompt": [f"Genes: {gene} ACTB. Type:" for gene in first], "completion": kind})
    >>> mixture = train.Mixture({"cell_type": train.Source(draw, batch_size=2)})
    >>> mixture.batch(5).equals(mixture.batch(5)), mixture.batch(5)["task"].tolist()
    (True, ['cell_type', 'cell_type'])
    """

    def __init__(self, sources: Mapping[str, Source], *, seed: int = 0) -> None:
        if not isinstance(sources, Mapping) or not all(isinstance(one, Source) for one in sources.values()):
            msg = 'sources are given by name: pass {"cell_type": scc2s.train.Source(draw), ...}'
            raise TypeError(msg)
        if not sources:
            msg = 'there are no sources to draw from; pass {"cell_type": scc2s.train.Source(draw), ...}'
            raise ValueError(msg)
        self.sources: dict[str, Source] = {str(name): one for name, one in sources.items()}
        self.seed = seed
        self._names = list(self.sources)
        pools = np.array([one.pool for one in self.sources.values()])
        chance = np.array([one.share for one in self.sources.values()], dtype=np.float64) / pools
        self._pools, self._chance = pools, chance / chance.sum()
        self._chosen = np.empty(0, dtype=np.int64)
        self._starts = np.zeros(1, dtype=np.int64)
        self._last: tuple[int, list[pd.DataFrame]] | None = None

    def __repr__(self) -> str:
        shares = ", ".join(f"{name} {share:.3g}" for name, share in self.shares.items())
        return f"Mixture({shares}; seed {self.seed})"

    @property
    def shares(self) -> dict[str, float]:
        """Expected share of the steps of each source."""
        total = sum(one.share for one in self.sources.values())
        return {name: one.share / total for name, one in self.sources.items()}

    def batch(self, step: int) -> pd.DataFrame:
        """The samples of a step, from 0.

        Returns
        -------
        Columns ``prompt``, ``completion``, ``task``.

        Raises
        ------
        ValueError
            If a source draws no samples, or some that teach nothing.
        """
        number, part = self._draw_of(step)
        if self._last is None or self._last[0] != number:
            self._last = number, self._drawn(number)
        return self._last[1][part]

    def preview(self, n_draws: int = 1) -> pd.DataFrame:
        """Samples of all sources, for a look at them; training is shown others.

        Parameters
        ----------
        n_draws
            Draws of each source.
        """
        tables = [
            self._table(name, np.random.default_rng([self.seed, 2, i, j]))
            for i, name in enumerate(self._names)
            for j in range(n_draws)
        ]
        return pd.concat(tables, ignore_index=True)

    def digest(self) -> str:
        """Hash of the settings and of :meth:`preview`: what a run that goes on has to share with the one before."""
        hashed = hashlib.sha256(str(self.seed).encode())
        for name, one in self.sources.items():
            loss = None if one.loss is None else getattr(one.loss, "__qualname__", type(one.loss).__qualname__)
            hashed.update(repr((name, one.share, one.batch_size, one.pool, loss)).encode())
        for column in ("prompt", "completion"):
            hashed.update("\0".join(self.preview()[column]).encode())
        return hashed.hexdigest()

    def _draw_of(self, step: int) -> tuple[int, int]:
        """Number of the draw that a step belongs to, and of its part."""
        while self._starts[-1] <= step:
            # each stretch has its own seed, so that the order does not depend on how far was looked
            rng = np.random.default_rng([self.seed, 0, len(self._chosen) // _CHUNK])
            more = rng.choice(len(self._names), _CHUNK, p=self._chance)
            self._chosen = np.concatenate([self._chosen, more])
            self._starts = np.concatenate([self._starts, self._starts[-1] + np.cumsum(self._pools[more])])
        number = int(np.searchsorted(self._starts, step, side="right")) - 1
        return number, step - int(self._starts[number])

    def _drawn(self, number: int) -> list[pd.DataFrame]:
        """The batches of a draw, samples of like length together."""
        i = int(self._chosen[number])
        rng = np.random.default_rng([self.seed, 1, number])
        table = self._table(self._names[i], rng)
        pool = int(self._pools[i])
        if pool == 1:
            return [table]
        if len(table) < pool:
            msg = f"source {self._names[i]!r} drew {len(table)} samples for {pool} batches; pass a smaller pool="
            raise ValueError(msg)
        length = table["prompt"].str.count(" ") + table["completion"].str.count(" ")
        parts = np.array_split(np.argsort(length.to_numpy(), kind="stable"), pool)
        return [table.iloc[parts[j]].reset_index(drop=True) for j in rng.permutation(pool)]

    def _table(self, name: str, rng: np.random.Generator) -> pd.DataFrame:
        source = self.sources[name]
        found = source.draw(source.batch_size * source.pool, rng)
        what = f"samples that the source {name!r} draws"
        if not hasattr(found, "columns"):
            msg = f"{what} are a {type(found).__name__}, not a DataFrame; return one with prompt and completion"
            raise TypeError(msg)
        table = found.assign(task=name)
        check_samples(table, what)
        return table[["prompt", "completion", "task"]].reset_index(drop=True)


def shown(samples: pd.DataFrame | Mixture) -> pd.DataFrame:
    """A table that says what is taught: the samples, or some that a mixture draws."""
    return samples.preview(_SHOWN) if isinstance(samples, Mixture) else samples
