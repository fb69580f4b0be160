"""From a batch to the rows of a corpus: genes as numbers, the part and the text of each cell, who may be paired."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scc2s.prompts._organism import guess_organism, organism_name
from scc2s.sentences._names import words

from ._corpus_batch import SMALL, counts_of
from ._corpus_settings import PARTS, fields_of, in_pairs
from ._samples import _BLANK
from ._split import split

if TYPE_CHECKING:
    from scipy import sparse

    from ._corpus_batch import Counted
    from ._corpus_settings import Settings

CONTROL, PERTURBED, NEITHER = 1, 2, 0
"""Role of a cell in pairs."""


@dataclass(frozen=True)
class Rows:
    """Cells that may be in samples: some rows of a batch, which is not copied."""

    X: sparse.csr_matrix
    """The batch."""
    numbers: np.ndarray
    """Number in the corpus of the gene of each column; empty where that is the number of the column."""
    at: np.ndarray
    """Row of each cell in the batch."""
    wide: np.ndarray
    """Whether a cell has numbers that do not fit 16 bits."""
    row: np.ndarray
    """Number of each among all cells that have come."""
    cell: np.ndarray
    study: str
    part: np.ndarray
    fields: dict[str, np.ndarray]
    """Text of each; ``None`` where it is missing."""
    pair: np.ndarray
    """What both cells of a pair agree in; ``None`` for cells in none."""
    role: np.ndarray

    def some(self, which: np.ndarray | slice) -> Rows:
        """Some of the cells."""
        return replace(
            self, at=self.at[which], wide=self.wide[which], row=self.row[which], cell=self.cell[which],
            part=self.part[which], fields={name: values[which] for name, values in self.fields.items()},
            pair=self.pair[which], role=self.role[which],
        )  # fmt: skip


class Reader:
    """Batches to rows; keeps the words of all genes that have come."""

    def __init__(self, settings: Settings, genes: list[str]) -> None:
        self._settings = settings
        self.genes = genes
        self._number = {name: i for i, name in enumerate(genes)}
        self._names: list[str] | None = None
        self._words: list[str] = []
        self._columns = self._numbers = np.empty(0, dtype=np.int32)
        self._guess: tuple[list[str], str | None] | None = None

    def __call__(self, batch: Counted) -> Rows:
        """Rows of those cells of a batch that express a gene, have a part, and the text of a task."""
        settings, obs = self._settings, batch.obs
        self._know(batch.names)
        X, wide = counts_of(batch.X, batch.first)
        if len(self.genes) > SMALL:
            wide[np.repeat(np.arange(len(wide)), np.diff(X.indptr))[self._columns[X.indices] >= SMALL]] = True
        fields = {name: self._field(batch, name) for name in settings.needed}
        pair, role = self._pairs(batch)
        part = self._parts(batch)
        kept = (np.diff(X.indptr) > 0) & np.array([p is not None for p in part], dtype=bool)
        of_a_task = role == CONTROL
        for task in settings.tasks:
            of_a_task |= has_all(fields, fields_of(task), len(obs)) & (role == PERTURBED if in_pairs(task) else True)
        at = np.flatnonzero(kept & of_a_task)
        cell = np.array([*map(str, obs.index), None], dtype=object)[:-1]
        every = np.arange(len(obs))
        return Rows(
            X, self._numbers, every, wide, batch.first + every, cell, batch.study, part, fields, pair, role
        ).some(at)

    def _know(self, names: list[str]) -> None:
        """Number the words that are new."""
        if names == self._names:
            return
        self._names, self._words = names, words(names)
        for name in self._words:
            if name not in self._number:
                self._number[name] = len(self.genes)
                self.genes.append(name)
        self._columns = np.array([self._number[name] for name in self._words], dtype=np.int32)
        same = np.array_equal(self._columns, np.arange(len(self._columns)))
        self._numbers = self._columns[:0] if same else self._columns

    def _field(self, batch: Counted, name: str) -> np.ndarray:
        """Text of a field of each cell."""
        settings, n = self._settings, len(batch.obs)
        if name == "organism" and name not in settings.columns:
            return self._organism(batch)
        column = settings.column(name)
        if column not in batch.obs:
            if settings.missing == "skip":
                return np.full(n, None, dtype=object)
            msg = (
                f"a task has the field {{{name}}}, and obs of {_where(batch)} has no column {column!r}; set it, pass "
                f"columns={{{name!r}: another column}}, or missing='skip' to leave such cells out of that task"
            )
            raise KeyError(msg)
        found = as_text(batch.obs[column])
        if settings.missing == "error" and column != settings.key:
            _refuse_missing(batch, found, column, f"the task asks for {{{name}}}")
        return found

    def _organism(self, batch: Counted) -> np.ndarray:
        settings, n = self._settings, len(batch.obs)
        if settings.organism is not None:
            return np.full(n, settings.organism, dtype=object)
        if "organism" in batch.obs:
            found = as_text(batch.obs["organism"])
            if settings.missing == "error":
                _refuse_missing(batch, found, "organism", "prompts name it")
            codes, values = pd.factorize(found)
            names = np.array([*map(organism_name, values), None], dtype=object)
            return np.asarray(names[codes])
        if self._guess is None or self._guess[0] is not self._words:
            self._guess = self._words, guess_organism(self._words)
        if self._guess[1] is None:
            msg = (
                f"obs of {_where(batch)} has no column 'organism', and the names of its genes do not tell; pass "
                "organism='Homo sapiens', say"
            )
            raise ValueError(msg)
        return np.full(n, self._guess[1], dtype=object)

    def _pairs(self, batch: Counted) -> tuple[np.ndarray, np.ndarray]:
        settings, n = self._settings, len(batch.obs)
        pair, role = np.full(n, None, dtype=object), np.full(n, NEITHER, dtype=np.int8)
        if settings.key is None:
            return pair, role
        found = []
        for name, argument in ((settings.key, "key"), *((name, "match") for name in settings.match)):
            if name not in batch.obs:
                if settings.missing == "skip":
                    return pair, role
                msg = f"obs of {_where(batch)} has no column {name!r}; pass {argument}= one that all batches have"
                raise KeyError(msg)
            found.append(as_text(batch.obs[name]))
        known = np.all([[value is not None for value in values] for values in found], axis=0)
        role[known] = np.where(found[0][known] == settings.control, CONTROL, PERTURBED)
        together = zip(*(values[known] for values in found[1:]), strict=True) if found[1:] else [()] * int(known.sum())
        pair[known] = np.array([*map("\t".join, together), None], dtype=object)[:-1]
        return pair, role

    def _parts(self, batch: Counted) -> np.ndarray:
        """Part of each cell by the name of its group alone; ``None`` where the group is not known."""
        settings = self._settings
        if settings.split is None:
            names = [str(name) for name in batch.obs.index]
            return split(names, val=settings.val, test=settings.test, seed=settings.random_state)
        if settings.split in batch.obs:
            groups = as_text(batch.obs[settings.split])
        elif settings.split == "study" and batch.study:
            groups = np.full(len(batch.obs), batch.study, dtype=object)
        else:
            msg = (
                f"obs of {_where(batch)} has no column {settings.split!r}; pass split= one that all batches have, or "
                "split=None to split cells by their names"
            )
            raise KeyError(msg)
        if settings.missing == "error":
            _refuse_missing(batch, groups, settings.split, "a cell without it might be a held-out one")
        codes, values = pd.factorize(groups)
        named = [part_of(str(value), settings) for value in values]
        return np.asarray(np.array([*named, None], dtype=object)[codes])


def part_of(group: str, settings: Settings) -> str:
    """Part of a group, whatever others there are."""
    if group in settings.held_out:
        return "test"
    if group in PARTS and not settings.held_out:  # a column of pp.split
        return group
    test = 0.0 if settings.held_out else settings.test
    return str(split([group], val=settings.val, test=test, seed=settings.random_state)[0])


def has_all(fields: dict[str, np.ndarray], names: list[str], n: int) -> np.ndarray:
    """Cells that have the text of all of some fields."""
    there = np.ones(n, dtype=bool)
    for name in names:
        there &= np.array([value is not None for value in fields[name]], dtype=bool)
    return there


def as_text(column: pd.Series[Any]) -> np.ndarray:
    """Texts of a column; ``None`` for what is missing or blank."""
    codes, values = pd.factorize(column.astype(object))
    texts = [str(value) for value in values]
    known = np.array([*(None if text.strip() in _BLANK else text for text in texts), None], dtype=object)
    return np.asarray(known[codes])


def _refuse_missing(batch: Counted, values: np.ndarray, column: str, why: str) -> None:
    missing = [i for i, value in enumerate(values) if value is None]
    if missing:
        msg = (
            f"obs[{column!r}] is missing or blank for {len(missing)} cells of {_where(batch)} (first: cell "
            f"{batch.first + missing[0]}), and {why}; fill it, or pass missing='skip' to leave such cells out"
        )
        raise ValueError(msg)


def _where(batch: Counted) -> str:
    return f"the batch at cell {batch.first}" + (f" of study {batch.study!r}" if batch.study else "")
