from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s.models._tokens import check_lengths, tokenize, windows

from ._by_transformers import write_by_transformers
from ._memory import in_batches
from ._plan import Plan
from ._prefix import shared_start
from ._write import Rules, write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tqdm.auto import tqdm

    from scc2s.models._tokens import Tokens
    from scc2s.models.decoding import GeneVocabulary, Sampling

    from ._decoder import Decoder
    from ._prefix import Start
    from ._vocabulary import Tries


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
    ends = _end_tokens(decoder, tokenizer)
    plan = None if genes is None else Plan.make(genes, tries, len(prompts), ends, max_new_tokens)
    if sampling is not None and sampling.temperature == 0:
        sampling = None
    numbers = None if sampling is None else np.array([int(seed) % 2**64 for seed in seeds or ()], dtype=np.uint64)
    out = [""] * len(prompts)
    for window in windows(len(prompts)):
        tokens = tokenize(tokenizer, prompts[window])
        at = np.arange(window.start, window.stop)
        check_lengths(tokens.lengths, decoder.max_tokens, first=window.start)
        if plan is None:
            room = np.full(len(at), max_new_tokens, dtype=np.int64)
            check_lengths(tokens.lengths, decoder.max_tokens, first=window.start, extra=room, extra_name="the answer")
            expected = room
        else:
            plan.check(at, tokens.lengths, decoder.max_tokens)
            room, expected = plan.room(at, tokens.lengths, decoder.max_tokens), plan.expected(at)

        start = shared_start(decoder, tokens.ids)

        def answer(
            rows: np.ndarray, at: np.ndarray = at, room: np.ndarray = room, tokens: Tokens = tokens, start: Start = start
        ) -> list[str]:
            own = decoder.tested
            rules = Rules(
                room[rows],
                ends,
                None if plan is None else plan.constraint(at[rows], decoder, own_tokens=own),
                plan.tokens if own and plan is not None else None,
                sampling,
                None if numbers is None else numbers[at[rows]],
            )
            ids = [tokens.ids[row] for row in rows]
            if own:
                written = write(decoder, start, ids, rules, budget=reading)
            else:
                written = write_by_transformers(decoder, ids, rules)
            if plan is None or rules.constraint is None:
                return _texts(tokenizer, written, ends)
            return plan.texts(rules.constraint)

        def forward(
            rows: np.ndarray, first: int = window.start, room: np.ndarray = room, tokens: Tokens = tokens
        ) -> None:
            context = None if decoder.tested else decoder.max_tokens  # those tested have their own positions
            for part in _side_by_side(tokens.lengths[rows], room[rows], context):
                for row, text in zip(rows[part], answer(rows[part]), strict=True):
                    out[first + row] = text

        for batch, _ in in_batches(tokens.lengths + expected, budget, forward):
            progress.update(len(batch))
    return out


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


def _end_tokens(decoder: Decoder, tokenizer: Any) -> list[int]:
    """Tokens that end an answer, that of the tokenizer first."""
    declared = decoder.lm.generation_config.eos_token_id
    found = [tokenizer.eos_token_id, *(declared if isinstance(declared, list) else [declared])]
    return list(dict.fromkeys(token for token in found if token is not None))


def _texts(tokenizer: Any, rows: list[list[int]], ends: list[int]) -> list[str]:
    answers = []
    for row in rows:
        stop = next((i for i, token in enumerate(row) if token in ends), len(row))
        answers.append(tokenizer.decode(row[:stop], skip_special_tokens=True, clean_up_tokenization_spaces=False))
    return answers
