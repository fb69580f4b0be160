"""Asking about each perturbation of a screen, and what the answers do to the score of a program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from scc2s._logging import logger
from scc2s.models._progress import bar
from scc2s.programs import Match, Program, as_program, match, score
from scc2s.programs._score import check_method
from scc2s.prompts._scramble import made_up
from scc2s.tl._writing.write_cells import PERTURBATION

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from scipy import sparse

    from scc2s._cells.gene_words import GeneWords
    from scc2s.tl._writing.responses import Asker

NOTICE = (
    "Answers of a language model, not measurements: research use only. A hit says that the model's text changes with "
    "this name in this context more than with names that mean nothing."
)
REGENERATION = "unperturbed regeneration"
_AT_ONCE = 2048
"""Answers that are asked for together, and so the most whose expression is held."""


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """What is scored, and against what."""

    program: Program
    where: Match
    columns: np.ndarray
    """Columns of ``.var``."""
    method: Any
    baseline: str

    @classmethod
    def of(cls, program: Any, genes: GeneWords, *, method: Any, baseline: str) -> Scoring:
        """Genes of a program among those that a model can write."""
        if baseline not in ("cell", "regeneration"):
            msg = f"baseline={baseline!r} is not known; pass 'cell' or 'regeneration'"
            raise ValueError(msg)
        check_method(method)
        chosen = as_program(program)
        column = dict(zip(genes.words, genes.columns.tolist(), strict=False))
        where = match(chosen, [name for name in genes.in_sentences if column[name] >= 0])
        columns = np.array([column[name] for name in where.found])
        return cls(program=chosen, where=where, columns=columns, method=method, baseline=baseline)

    def score(self, X: sparse.csr_matrix) -> np.ndarray:
        """Score of each cell."""
        return score(X, self.columns, method=self.method)

    def params(self) -> dict[str, Any]:
        """What a record of the result should hold."""
        return {
            "program": self.program.name,
            "program_source": self.program.source,
            "genes": self.where.found,
            "missing": self.where.missing,
            "method": self.method,
            "baseline": self.baseline,
        }


class Effects(NamedTuple):
    """What names do to the score of each cell."""

    effects: np.ndarray
    """Names x cells."""
    validity: np.ndarray
    """Share of words that are genes, of each name; a cell without words counts as 0."""
    complete: np.ndarray
    """Share of cells that are as long as asked for, of each name."""


class Screened(NamedTuple):
    """Answers to a screen."""

    found: Effects
    regeneration: Effects
    """Against the cells' own sentences, whatever the baseline."""
    scrambled: Effects
    """Made-up names in the order of `scrambled_names`, flattened."""
    scrambled_names: list[list[str]]
    """Of each perturbation."""

    @property
    def null(self) -> np.ndarray:
        """Effects of made-up names: replicates x perturbations x cells."""
        n_names, n_cells = self.found.effects.shape
        return self.scrambled.effects.reshape(n_names, -1, n_cells).swapaxes(0, 1)

    def controls(self, names: Sequence[str], positive: np.ndarray, neutral: np.ndarray | None) -> pd.DataFrame:
        """One row for the regeneration, and for each made-up name."""
        several = len(self.scrambled_names[0])
        both = Effects(*(np.concatenate(pair) for pair in zip(self.regeneration, self.scrambled, strict=True)))
        up = both.effects[:, positive].mean(axis=1)
        flat = np.full(len(up), np.nan) if neutral is None else both.effects[:, neutral].mean(axis=1)
        table = pd.DataFrame(
            {
                "control": [REGENERATION] + ["scrambled name"] * (len(up) - 1),
                "name": ["", *(name for some in self.scrambled_names for name in some)],
                "perturbation": ["", *np.repeat(np.asarray(names, dtype=object), several)],
                "effect_positive": up,
                "effect_neutral": flat,
                "split": up if neutral is None else up - flat,
                "validity": both.validity,
                "complete": both.complete,
            }
        )
        return table.set_axis(table.index.astype(str))


def ask_all(
    asker: Asker,
    rows: np.ndarray,
    names: Sequence[str],
    scoring: Scoring,
    *,
    control_name: str,
    n_null: int,
    asked: Mapping[str, str],
    known: Collection[str],
) -> Screened:
    """Ask about every name, none and every made-up name, the same cells each time.

    Parameters
    ----------
    asker, rows, names, scoring
        How the model is asked, about which cells and perturbations, and what is scored.
    control_name
        What it is told where there is no perturbation.
    n_null
        Made-up names for each perturbation.
    asked
        What it is told for each name.
    known
        Names that a made-up one must not be near to, beside those of the screen.
    """
    seed = asker.decoding.random_state
    avoid = {*names, *asked.values(), *known, control_name}
    scrambled = [made_up(name, n_null, avoid=avoid, random_state=seed) for name in names]
    said = [asked[name] for name in names]
    every = list(dict.fromkeys([*said, control_name, *(name for some in scrambled for name in some)]))
    n_answers = len(every) * len(rows) * asker.decoding.n_samples
    logger.info("screen: %d names, %d of them made up, %d answers", len(every), n_null * len(names), n_answers)
    found = Effects(*(np.concatenate(part) for part in zip(*_changes(asker, rows, every, scoring), strict=True)))
    place = {name: i for i, name in enumerate(every)}

    def of(some: Sequence[str], less: Any = 0.0) -> Effects:
        at = np.array([place[name] for name in some], dtype=np.int64)
        return Effects(found.effects[at] - less, found.validity[at], found.complete[at])

    again = of([control_name])
    base = again.effects if scoring.baseline == "regeneration" else 0.0
    flat = [name for some in scrambled for name in some]
    return Screened(of(said, base), again, of(flat, base), scrambled)


def _changes(asker: Asker, rows: np.ndarray, names: list[str], scoring: Scoring) -> Iterator[Effects]:
    """Effects against the cells' own sentences, some names at a time."""
    step = max(1, _AT_ONCE // (len(rows) * asker.decoding.n_samples))
    with bar(len(names) * len(rows), "screen", show=len(names) > step) as progress:
        for start in range(0, len(names), step):
            some = names[start : start + step]
            where = np.tile(rows, len(some))
            (response,) = asker.ask([(where, {PERTURBATION: [name for name in some for _ in rows]})])
            pair = asker.compare(where, response.written.texts, response.n_asked)
            change = scoring.score(pair.after) - scoring.score(pair.before)
            valid = response.validity["valid"].fillna(0).to_numpy(float)
            complete = response.validity["complete"].to_numpy(float)
            progress.update(len(where))
            shape = (len(some), len(rows))
            yield Effects(change.reshape(shape), valid.reshape(shape).mean(1), complete.reshape(shape).mean(1))
