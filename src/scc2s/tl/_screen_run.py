"""Asking about each perturbation of a screen, and what the answers do to the score of a program."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from scc2s.models._progress import bar
from scc2s.programs import Match, Program, as_program, match, score

from ._scramble import scramble
from ._write_cells import PERTURBATION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData
    from scipy import sparse

    from scc2s._reading import GeneWords

    from ._responses import Responder

NOTICE = (
    "Answers of a language model, not measurements: research use only. A hit says that the model's text changes with "
    "this name in this context more than with names that mean nothing."
)


@dataclass(frozen=True)
class Plan:
    """What is scored, and against what."""

    program: Program
    where: Match
    columns: np.ndarray
    """Columns of ``.var``."""
    method: Any
    baseline: str
    control_name: str

    @classmethod
    def make(cls, program: Any, genes: GeneWords, *, method: Any, baseline: str, control_name: str) -> Plan:
        chosen = as_program(program)
        where = match(chosen, genes.words)
        return cls(chosen, where, genes.columns[where.columns], method, baseline, control_name)

    def score(self, X: sparse.csr_matrix) -> np.ndarray:
        return score(X, self.columns, method=self.method)

    def params(self) -> dict[str, Any]:
        return {
            "program": self.program.name,
            "program_source": self.program.source,
            "program_found": self.where.found,
            "program_missing": self.where.missing,
            "method": self.method,
            "baseline": self.baseline,
            "control_name": self.control_name,
        }


class Effects(NamedTuple):
    """Changes of the score of each cell."""

    effects: np.ndarray
    """Perturbations x cells."""
    null: np.ndarray | None
    """Replicates x perturbations x cells."""
    validity: np.ndarray
    """Share of valid words of each perturbation."""

    def null_splits(self, positive: np.ndarray, neutral: np.ndarray | None) -> np.ndarray:
        """Split of each scrambled name."""
        null = np.empty((0, 0, len(positive))) if self.null is None else self.null
        up = null[:, :, positive].mean(axis=2)
        return (up if neutral is None else up - null[:, :, neutral].mean(axis=2)).ravel()


def contexts(data: AnnData, key: str | None, positive: str | None, neutral: str | None) -> np.ndarray:
    """Context of each cell: ``"positive"``, ``"neutral"`` or ``""``."""
    if key is None:
        if positive is not None or neutral is not None:
            msg = "positive and neutral are values of a column; pass context_key= too"
            raise ValueError(msg)
        return np.full(data.n_obs, "positive", dtype=object)
    if key not in data.obs:
        msg = f"adata.obs has no column {key!r}; pass context_key= one of {', '.join(map(repr, data.obs.columns[:20]))}"
        raise KeyError(msg)
    if positive is None or positive == neutral:
        msg = f"positive={positive!r} and neutral={neutral!r}; pass two different values of adata.obs[{key!r}]"
        raise ValueError(msg)
    values = data.obs[key].astype(str).to_numpy()
    out = np.full(data.n_obs, "", dtype=object)
    for value, name in ((positive, "positive"), (neutral, "neutral")):
        if value is None:
            continue
        if not (here := values == str(value)).any():
            msg = f"no cell has {value!r} in adata.obs[{key!r}]; pass {name}= one of {sorted(set(values))[:10]}"
            raise KeyError(msg)
        out[here] = name
    return out


def pick_cells(
    data: AnnData, labels: np.ndarray, sentences: Sequence[str], n_cells: int, random_state: int
) -> np.ndarray:
    """Rows of the screened cells: of each context up to `n_cells` with a sentence, whatever the order of the rows."""
    shown = np.array([bool(sentence.strip()) for sentence in sentences])
    order = np.argsort(data.obs_names.to_numpy(dtype=str), kind="stable")
    picked = []
    for context in ("positive", "neutral"):
        if not (labels == context).any():
            continue
        rows = order[(labels == context)[order] & shown[order]]
        if len(rows) < 2:
            msg = f"the {context} context has {len(rows)} cells with a sentence, 2 are needed; pass another value"
            raise ValueError(msg)
        rng = np.random.default_rng([random_state, zlib.crc32(context.encode())])
        picked.append(np.sort(rng.permutation(rows)[:n_cells]))
    return np.concatenate(picked)


def run(
    responder: Responder, rows: np.ndarray, names: Sequence[str], plan: Plan, *, n_null: int, random_state: int
) -> Effects:
    """Ask about every name and every scrambled name, one after the other, so that a cache has what was done."""
    scrambled = [[_scramble(name, replicate, names, random_state) for name in names] for replicate in range(n_null)]
    with bar(len(names) * (1 + n_null), "screen", show=True) as progress:

        def change(name: str) -> tuple[np.ndarray, float]:
            response = responder(rows, {PERTURBATION: [name] * len(rows)})
            before = base if base is not None else plan.score(responder.shown(responder.data, rows, response.n_asked))
            progress.update(1)
            return plan.score(response.expression) - before, float(response.validity["valid"].mean())

        base: np.ndarray | None = None
        if plan.baseline == "regeneration":
            again = responder(rows, {PERTURBATION: [plan.control_name] * len(rows)})
            base = plan.score(again.expression)
        found = [change(name) for name in names]
        null = [[change(name)[0] for name in replicate] for replicate in scrambled]
    return Effects(
        np.stack([effect for effect, _ in found]), np.array(null) if n_null else None, np.array([v for _, v in found])
    )


def _scramble(name: str, replicate: int, names: Sequence[str], random_state: int) -> str:
    """A scrambled name that is none of the screened ones."""
    for attempt in range(100):
        out = scramble(name, random_state + 1000 * replicate + attempt)
        if out not in names:
            break
    return out
