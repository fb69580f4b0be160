"""Writing with a model whose masks are known to be exact: step by step, many rows side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from scc2s.models._batches import batches
from scc2s.models._finite import in_torch
from scc2s.models._listening import stop_if_gone
from scc2s.models.decoding._sampling import uniforms

from ._draw import draw
from ._mask import mask_to_left
from ._pad import pad_right
from ._prefix import growing
from ._slots import Slots

if TYPE_CHECKING:
    from collections.abc import Callable

    from transformers.cache_utils import Cache

    from scc2s.models.decoding import Sampling

    from ._constrain import GeneConstraint
    from ._decoder import Decoder
    from ._prefix import Start

NOT_NUMBERS = "the model gives scores that are not finite numbers; "
_SPARE = 64
"""Slots after the longest prompt to begin with."""
FEW = 16
"""Rows up to which tokens that can only come next are fed together with the one before them. A forward pass of few rows
takes the time of reading the weights, and more tokens are free; with many rows, those that have nothing to feed beside
their one token make it slower (measured: benchmarks/generate.py)."""


@dataclass(frozen=True)
class Rules:
    """How a batch is written.

    Parameters
    ----------
    room
        Most tokens of each answer.
    ends
        Tokens that end an answer; a constraint has its own.
    constraint
        Genes that it is held to.
    tokens
        Tokens of the model that the constraint counts from 0; ``None`` for all.
    sampling, seeds
        How tokens are drawn; ``None`` takes the likeliest.
    """

    room: np.ndarray
    ends: list[int]
    constraint: GeneConstraint | None = None
    tokens: np.ndarray | None = None
    sampling: Sampling | None = None
    seeds: np.ndarray | None = None


def write(
    decoder: Decoder,
    start: Start,
    ids: list[np.ndarray],
    rules: Rules,
    *,
    budget: int,
    tell: Callable[[list[list[int]]], None] | None = None,
) -> list[list[int]]:
    """Tokens of the answers, which are empty under a constraint: that knows the genes.

    Parameters
    ----------
    decoder
        The model.
    start
        Tokens that all prompts start with.
    ids
        The prompts.
    rules
        How to write.
    budget
        Tokens of prompts to read at once.
    tell
        Given the answers so far after each step.

    Raises
    ------
    ValueError
        The model gives scores that are not numbers.
    """
    slots, states = _read(decoder, start, ids, budget)
    writing = _Writing(decoder, rules, slots, states, torch.tensor([len(row) for row in ids]))
    writing.run(tell)
    return writing.answers


def write_one(
    decoder: Decoder,
    start: Start,
    ids: np.ndarray,
    rules: Rules,
    *,
    budget: int,
    tell: Callable[[list[list[int]]], None] | None = None,
) -> tuple[list[int], Cache]:
    """Tokens of the answer to one prompt, and the keys and values of the prompt and of all of them but the last.

    Parameters
    ----------
    decoder, start, rules, budget, tell
        As for :func:`write`; the rules have no constraint.
    ids
        The prompt.
    """
    slots, states = _read(decoder, start, [ids], budget)
    writing = _Writing(decoder, rules, slots, states, torch.tensor([len(ids)]))
    writing.run(tell)
    (written,) = writing.answers
    return written, slots.first(len(ids) + len(written) - 1)


def _read(decoder: Decoder, start: Start, ids: list[np.ndarray], budget: int) -> tuple[Slots, torch.Tensor]:
    """Keys and values of the prompts, and the state after each; equal prompts are read once."""
    same: dict[bytes, list[int]] = {}
    for row, tokens in enumerate(ids):
        same.setdefault(tokens.tobytes(), []).append(row)
    groups = list(same.values())
    own = [ids[group[0]][start.n :] for group in groups]
    slots = Slots(len(ids), max(map(len, ids)) + _SPARE)
    rows, states = [], []
    # Each row of a batch has the shared start in memory as well.
    for batch in batches(np.array([start.n + len(tokens) for tokens in own]), budget):
        cache = growing(start.cache, len(batch))
        hidden = decoder.hidden(pad_right([own[i] for i in batch]), cache=cache)
        place = torch.tensor([at for at, i in enumerate(batch) for _ in groups[i]])
        rows.append(torch.tensor([row for i in batch for row in groups[i]]))
        last = torch.tensor([len(own[i]) - 1 for i in batch])
        states.append(hidden[place, last[place]])
        slots.fill(rows[-1], cache, place)
    return slots, torch.cat(states)[torch.cat(rows).argsort()]


class _Writing:
    """A batch that is being written. Its rows are those of the prompts that have no whole answer yet."""

    def __init__(
        self, decoder: Decoder, rules: Rules, slots: Slots, states: torch.Tensor, lengths: torch.Tensor
    ) -> None:
        def tensor(values: np.ndarray | list[int]) -> torch.Tensor:
            return torch.as_tensor(values, dtype=torch.int64, device=decoder.device)

        self._decoder, self._rules, self._slots = decoder, rules, slots
        self._constraint = rules.constraint
        self._tokens = None if rules.tokens is None else tensor(rules.tokens)
        self._head = decoder.head(self._tokens)
        self._ends, self._room = tensor(rules.ends), tensor(rules.room)
        self._lengths = lengths.to(decoder.device)
        # Of every prompt, also those that have ended:
        self._n = torch.zeros_like(self._lengths)  # tokens written
        self.answers: list[list[int]] = [[] for _ in lengths]
        # Of every row:
        self._rows = torch.arange(len(lengths), device=decoder.device)
        self._states = states  # the next token follows from
        self._started = False
        self._broken = torch.zeros((), dtype=torch.bool, device=decoder.device)  # looked at once, at the end

    def run(self, tell: Callable[[list[list[int]]], None] | None) -> None:
        """Write to the end, or until whoever waits has gone."""
        while self.step():
            stop_if_gone()
            if tell is not None:
                tell(self.answers)
        self.check()

    def check(self) -> None:
        """Refuse answers that were chosen by scores that are not numbers."""
        if bool(self._broken):
            raise ValueError(NOT_NUMBERS + in_torch(str(self._decoder.lm.dtype)))

    def step(self) -> bool:
        """Choose the next token of every row and feed it; False when all have ended."""
        # A model on several GPUs leaves them on its last.
        scores = self._head(self._states).to(self._rows.device)
        # Later only the states, which are fewer.
        looked_at = self._states if self._started else scores
        self._broken |= looked_at.isnan().any().to(self._broken.device)
        self._started = True
        chosen = self._choose(scores)
        if self._constraint is None:
            fed, n_fed, ended = self._free(chosen)
        else:
            fed, n_fed, ended = self._held(chosen, self._constraint)
        if bool(ended.any()):
            order = self._slots.keep(~ended)
            self._rows, fed, n_fed = self._rows[order], fed[order], n_fed[order]
        if not len(self._rows):
            return False
        self._feed(fed, n_fed)
        return True

    def _choose(self, scores: torch.Tensor) -> torch.Tensor:
        if self._constraint is not None:
            scores = self._constraint.hold(self._of_every(scores, 0.0))
            scores = scores if self._all_there else scores[self._rows]
        sampling, seeds = self._rules.sampling, self._rules.seeds
        # Finite states can have scores that overflow: then all genes are as likely as each other.
        if sampling is None or seeds is None:
            best = scores.argmax(dim=1)
            self._broken |= ~scores.gather(1, best[:, None]).isfinite().all()
            return best
        self._broken |= ~scores.amax(dim=1).isfinite().all()
        uniform = uniforms(seeds[self._rows.cpu().numpy()], self._n[self._rows].cpu().numpy())
        return draw(scores.float(), torch.from_numpy(uniform), sampling)

    @property
    def _all_there(self) -> bool:
        return len(self._rows) == len(self._n)

    def _of_every(self, values: torch.Tensor, filler: float) -> torch.Tensor:
        """Values of the rows as those of every prompt: the constraint goes on counting prompts that have ended."""
        if self._all_there:
            return values
        every = values.new_full((len(self._n), *values.shape[1:]), filler)
        every[self._rows] = values
        return every

    def _free(self, chosen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        for row, token in zip(self._rows.tolist(), chosen.tolist(), strict=True):
            self.answers[row].append(token)
        self._n[self._rows] += 1
        ended = torch.isin(chosen, self._ends) | (self._n >= self._room)[self._rows]
        return chosen[:, None], torch.ones_like(chosen), ended

    def _held(
        self, chosen: torch.Tensor, constraint: GeneConstraint
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The chosen tokens with those that can only come next: these are fed together."""
        constraint.advance(self._of_every(chosen, constraint.end))
        self._n[self._rows] += 1
        self._stop_where_full(constraint)
        fed, n_fed = chosen[:, None], torch.ones_like(chosen)
        if len(self._rows) <= FEW:
            forced = constraint.skip(self._room - self._n)[self._rows]
            n_forced = (forced >= 0).sum(dim=1)
            self._n[self._rows] += n_forced
            self._stop_where_full(constraint)
            fed, n_fed = torch.cat([fed, forced.clamp(min=0)], dim=1), n_fed + n_forced
        return fed if self._tokens is None else self._tokens[fed], n_fed, constraint.done[self._rows]

    def _stop_where_full(self, constraint: GeneConstraint) -> None:
        full = self._n >= self._room
        if bool(full.any()):  # from then on the constraint looks for ends in every step
            constraint.stop(full)

    def _feed(self, tokens: torch.Tensor, n: torch.Tensor) -> None:
        """Run the model over the first `n` tokens of each row; what is after them will be written over."""
        tokens = tokens[:, : int(n.max())]
        first = (self._lengths + self._n)[self._rows] - n
        at = first[:, None] + torch.arange(tokens.shape[1], device=tokens.device)
        self._slots.put(at)
        mask = mask_to_left(at, self._slots.width, config=self._decoder.config, dtype=self._states.dtype)
        hidden = self._decoder.hidden(tokens, cache=self._slots.cache, mask=mask, positions=at)
        last = n.to(hidden.device) - 1
        self._states = hidden[torch.arange(len(n), device=hidden.device), last]
