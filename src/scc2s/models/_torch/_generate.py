from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList

from scc2s.models._tokens import check_lengths, tokenize, windows
from scc2s.models.decoding._sampling import uniforms

from ._draw import draw
from ._memory import in_batches
from ._pad import pad_left
from ._plan import Plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tqdm.auto import tqdm

    from scc2s.models._tokens import Tokens
    from scc2s.models.decoding import GeneVocabulary, Sampling

    from ._constrain import GeneConstraint
    from ._decoder import Decoder
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
    progress: tqdm,
) -> list[str]:
    """Answers; see :meth:`scc2s.models.Generates.generate`."""
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

        def write(rows: np.ndarray, at: np.ndarray = at, room: np.ndarray = room, tokens: Tokens = tokens) -> list[str]:
            writer = _Writer(
                None if plan is None else plan.constraint(at[rows], decoder),
                room[rows],
                sampling,
                None if numbers is None else numbers[at[rows]],
            )
            written = _write(decoder, [tokens.ids[row] for row in rows], int(room[rows].max()), ends, writer)
            if plan is None or writer.constraint is None:
                return _texts(tokenizer, written, ends)
            return plan.texts(writer.constraint)

        def forward(
            rows: np.ndarray, first: int = window.start, room: np.ndarray = room, tokens: Tokens = tokens
        ) -> None:
            context = None if decoder.tested else decoder.max_tokens  # those tested compute positions
            for part in _side_by_side(tokens.lengths[rows], room[rows], context):
                for row, text in zip(rows[part], write(rows[part]), strict=True):
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


class _Writer(LogitsProcessor):
    """Chooses the next token inside transformers' `generate`: holds it to genes, draws it."""

    def __init__(
        self,
        constraint: GeneConstraint | None,
        room: np.ndarray,
        sampling: Sampling | None,
        seeds: np.ndarray | None,
    ) -> None:
        self.constraint = constraint
        self._room = torch.from_numpy(room)
        self._shortest = int(room.min())
        self._sampling, self._seeds, self._step = sampling, seeds, 0

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        if not self._step and bool(scores.isnan().any()):
            msg = 'the model gives scores that are no numbers; load it with dtype="bfloat16" or dtype="float32"'
            raise ValueError(msg)
        if self.constraint is not None:
            if self._step:
                self.constraint.advance(input_ids[:, -1].contiguous())
            if self._step >= self._shortest:
                self.constraint.stop(self._room <= self._step)
            scores = self.constraint.hold(scores)
        if self._sampling is not None and self._seeds is not None:
            uniform = torch.from_numpy(uniforms(self._seeds, self._step))
            chosen = draw(scores.float(), uniform, self._sampling)
            # Greedy search then takes the token that was drawn.
            scores = torch.full_like(scores, float("-inf")).scatter_(1, chosen[:, None], 0.0)
        self._step += 1
        return scores


def _write(
    decoder: Decoder, ids: list[np.ndarray], max_new_tokens: int, ends: list[int], writer: _Writer
) -> list[list[int]]:
    """Tokens of the answers."""
    inputs = pad_left(ids, decoder.pad_id)
    lengths = torch.tensor([len(row) for row in ids])
    width = inputs.shape[1]
    rules = GenerationConfig(
        max_new_tokens=max_new_tokens,
        do_sample=False,
        num_beams=1,
        pad_token_id=decoder.pad_id,
        eos_token_id=ends or None,
    )
    write: Any = decoder.lm.generate
    with _only(rules, decoder.lm):
        out = write(
            input_ids=inputs.to(decoder.device),
            attention_mask=(torch.arange(width) >= width - lengths[:, None]).long().to(decoder.device),
            generation_config=rules,
            logits_processor=LogitsProcessorList([writer]),
        )
    if writer.constraint is not None:
        writer.constraint.advance(out[:, -1].contiguous())  # the last token was chosen, and not seen yet
    # By position, never by text: a model that repeats its prompt must not lose its answer.
    return out[:, width:].tolist()


@contextmanager
def _only(rules: GenerationConfig, lm: Any) -> Iterator[None]:
    """Rules of writing that come with a checkpoint (penalties, tokens never written, sampling) do not count."""
    said = lm.generation_config
    lm.generation_config = rules
    try:
        yield
    finally:
        lm.generation_config = said


def _texts(tokenizer: Any, rows: list[list[int]], ends: list[int]) -> list[str]:
    answers = []
    for row in rows:
        stop = next((i for i, token in enumerate(row) if token in ends), len(row))
        answers.append(tokenizer.decode(row[:stop], skip_special_tokens=True, clean_up_tokenization_spaces=False))
    return answers
