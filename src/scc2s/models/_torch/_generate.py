from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s.models._listening import listener
from scc2s.models._tokens import check_lengths, tokenize, windows

from ._by_transformers import write_by_transformers
from ._memory import in_batches
from ._plan import Plan
from ._prefix import shared_start
from ._write import Rules, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tqdm.auto import tqdm

    from scc2s.models._tokens import Tokens
    from scc2s.models.decoding import GeneVocabulary, Sampling

    from ._decoder import Decoder
    from ._prefix import Start
    from ._vocabulary import Tries

# Scores of one step at most (512 MB in float32): short answers of many cells have more scores than keys and values.
_SCORES = 2**27


def generate(
    decoder: Decoder,
    tokenizer: Any,
    tries: Tries,
    prompts: list[str],
    *,
    max_new_tokens: int | None,
    genes: GeneVocabulary | None,
    sampling: Sampling | None,
    seeds: Sequence[int] | None,
    budget: int,
    reading: int,
    progress: tqdm,
) -> list[str]:
    """Answers; see :meth:`scc2s.models.Generates.generate`.

    Parameters
    ----------
    decoder, tokenizer
        The model.
    tries
        Trees of genes that it used before.
    prompts, max_new_tokens, genes, sampling, seeds
        What to write.
    budget
        Tokens of prompts and answers that are written side by side.
    reading
        Tokens of prompts that are read at once.
    progress
        Bar.
    """
    _check(prompts, max_new_tokens, genes, sampling, seeds)
    ends = end_tokens(decoder, tokenizer)
    writer = _Writer(
        decoder,
        tokenizer,
        ends,
        None if genes is None else Plan.make(genes, tries, len(prompts), ends, max_new_tokens),
        max_new_tokens,
        None if sampling is not None and sampling.temperature == 0 else sampling,
        np.array([int(seed) % 2**64 for seed in seeds or ()], dtype=np.uint64),
        reading,
    )
    out = [""] * len(prompts)
    for window in windows(len(prompts)):
        some = writer.prepare(tokenize(tokenizer, prompts[window]), window.start)

        def forward(rows: np.ndarray, some: _Prompts = some) -> None:
            for row, text in writer.answers(some, rows):
                out[some.first + row] = text

        for batch, _ in in_batches(some.tokens.lengths + some.expected, budget, forward):
            progress.update(len(batch))
    return out


@dataclass(frozen=True)
class _Prompts:
    """Prompts whose tokens are known."""

    tokens: Tokens
    first: int
    """Number of the first of them."""
    room: np.ndarray
    """Most tokens of each answer."""
    expected: np.ndarray
    """Tokens that each answer will take."""
    start: Start
    """What all begin with."""


@dataclass(frozen=True)
class _Writer:
    decoder: Decoder
    tokenizer: Any
    ends: list[int]
    plan: Plan | None
    max_new_tokens: int | None
    sampling: Sampling | None
    seeds: np.ndarray
    reading: int

    def prepare(self, tokens: Tokens, first: int) -> _Prompts:
        """Find what is needed for answers, and refuse prompts for which the context is too short."""
        context, lengths = self.decoder.max_tokens, tokens.lengths
        check_lengths(lengths, context, first=first)
        if self.plan is None:
            room = expected = np.full(len(lengths), self.max_new_tokens, dtype=np.int64)
            check_lengths(lengths, context, first=first, extra=room, extra_name="the answer")
        else:
            numbers = first + np.arange(len(lengths))
            self.plan.check(numbers, lengths, context)
            room, expected = self.plan.room(numbers, lengths, context), self.plan.expected(numbers)
        return _Prompts(tokens, first, room, expected, shared_start(self.decoder, tokens.ids))

    def answers(self, prompts: _Prompts, rows: np.ndarray) -> Iterator[tuple[int, str]]:
        """Text for some of the prompts, each with its row."""
        if self.decoder.tested:
            columns = self.decoder.config.vocab_size if self.plan is None else len(self.plan.tokens)
            parts = np.array_split(np.arange(len(rows)), -(-len(rows) * columns // _SCORES))
        else:
            parts = _side_by_side(prompts.tokens.lengths[rows], prompts.room[rows], self.decoder.max_tokens)
        for part in parts:
            yield from zip(rows[part].tolist(), self._write(prompts, rows[part]), strict=True)

    def _write(self, prompts: _Prompts, rows: np.ndarray) -> list[str]:
        own, plan, numbers = self.decoder.tested, self.plan, prompts.first + rows
        rules = Rules(
            prompts.room[rows],
            self.ends,
            None if plan is None else plan.constraint(numbers, self.decoder, own_tokens=own),
            plan.tokens if own and plan is not None else None,
            self.sampling,
            None if self.sampling is None else self.seeds[numbers],
        )
        ids = [prompts.tokens.ids[row] for row in rows]
        if own:
            tell = telling(self.tokenizer, self.ends) if plan is None and len(ids) == 1 else None
            written = write(self.decoder, prompts.start, ids, rules, budget=self.reading, tell=tell)
        else:
            written = write_by_transformers(self.decoder, ids, rules)
        if plan is None or rules.constraint is None:
            return texts(self.tokenizer, written, self.ends)
        return plan.texts(rules.constraint)


def _side_by_side(lengths: np.ndarray, room: np.ndarray, context: int | None) -> list[np.ndarray]:
    """Rows of a batch in groups in which the longest prompt and the longest answer together fit the context.

    Rows that have ended are written on beside the others, to positions that a model with learned positions lacks.

    Examples
    --------
    >>> [part.tolist() for part in _side_by_side(np.array([90, 10, 20]), np.array([10, 80, 80]), 100)]
    [[1, 2], [0]]
    """
    order = np.argsort(lengths, kind="stable")
    if context is None:
        return [order]
    parts: list[list[int]] = []
    for row in order.tolist():
        if parts and lengths[row] + max(room[row], room[parts[-1]].max()) <= context:
            parts[-1].append(row)
        else:
            parts.append([row])
    return [np.array(part) for part in parts]


def _check(
    prompts: list[str],
    max_new_tokens: int | None,
    genes: GeneVocabulary | None,
    sampling: Sampling | None,
    seeds: Sequence[int] | None,
) -> None:
    if max_new_tokens is None and genes is None:
        msg = "a free answer needs a longest length; pass max_new_tokens=, or genes= for a cell sentence"
        raise ValueError(msg)
    if max_new_tokens is not None and max_new_tokens < 1:
        msg = f"max_new_tokens is {max_new_tokens}; use a number from 1"
        raise ValueError(msg)
    if sampling is not None and sampling.temperature > 0 and (seeds is None or len(seeds) != len(prompts)):
        n = "no" if seeds is None else len(seeds)
        msg = (
            f"sampling needs a seed for each prompt, got {n} for {len(prompts)}; call scc2s.models.answers(model, ...)"
        )
        raise ValueError(msg)


def end_tokens(decoder: Decoder, tokenizer: Any) -> list[int]:
    """Tokens that end an answer, that of the tokenizer first."""
    declared = decoder.lm.generation_config.eos_token_id
    found = [tokenizer.eos_token_id, *(declared if isinstance(declared, list) else [declared])]
    return list(dict.fromkeys(token for token in found if token is not None))


def telling(tokenizer: Any, ends: list[int]) -> Callable[[list[list[int]]], None] | None:
    """What tells whoever waits the one answer so far, step by step; ``None`` where nobody does."""
    who = listener()
    if who is None:
        return None

    def tell(written: list[list[int]]) -> None:
        # The last token may be the first bytes of a character.
        who.written(texts(tokenizer, written, ends)[0].removesuffix("\ufffd").strip())

    return tell


def texts(tokenizer: Any, rows: list[list[int]], ends: list[int]) -> list[str]:
    answers = []
    for row in rows:
        stop = next((i for i, token in enumerate(row) if token in ends), len(row))
        answers.append(tokenizer.decode(row[:stop], skip_special_tokens=True, clean_up_tokenization_spaces=False))
    return answers
