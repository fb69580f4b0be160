from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from transformers import LogitsProcessor, LogitsProcessorList

from scc2s.models.decoding._sampling import uniforms

from ._constrain import GeneConstraint
from ._draw import draw
from ._memory import in_batches
from ._tokens import check_lengths, pad_left, tokenize, windows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tqdm.auto import tqdm

    from scc2s.models.decoding import GeneVocabulary, Sampling
    from scc2s.models.decoding._trie import GeneTrie

    from ._decoder import Decoder
    from ._tokens import Tokens
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
    plan = None if genes is None else _Plan.make(genes, tries, len(prompts), _end_of_sentences(tokenizer, ends))
    expected = np.full(len(prompts), max_new_tokens or np.iinfo(np.int64).max)
    if plan is not None:
        expected = np.minimum(expected, plan.expected)
    out = [""] * len(prompts)
    for window in windows(len(prompts)):
        tokens = tokenize(tokenizer, prompts[window])
        check_lengths(
            tokens.lengths, decoder.max_tokens, first=window.start, extra=expected[window], extra_name="the answer"
        )

        def forward(rows: np.ndarray, first: int = window.start, tokens: Tokens = tokens) -> list[str]:
            at = rows + first
            most = max_new_tokens
            if most is None:
                most = plan.most(at, decoder.max_tokens, int(tokens.lengths[rows].max()))
            writer = _Writer(
                None if plan is None else plan.constraint(at, decoder),
                sampling,
                None if seeds is None else np.array([seeds[row] for row in at], dtype=np.uint64),
            )
            written = _write(decoder, [tokens.ids[row] for row in rows], most, ends, writer)
            return _texts(tokenizer, written, ends) if plan is None else plan.texts(writer.constraint)

        for rows, answers in in_batches(tokens.lengths + expected[window], budget, forward):
            for row, text in zip(rows, answers, strict=True):
                out[window.start + row] = text
            progress.update(len(rows))
    return out


@dataclass(frozen=True)
class _Plan:
    """A vocabulary in the tokens of the model."""

    genes: GeneVocabulary
    trie: GeneTrie
    sizes: np.ndarray
    """Tokens of each gene."""
    words: np.ndarray
    """Genes to write after each prompt."""
    end: int

    @classmethod
    def make(cls, genes: GeneVocabulary, tries: Tries, n_prompts: int, end: int) -> _Plan:
        return cls(genes, *tries.get(genes.names), genes.lengths(n_prompts), end)

    @property
    def expected(self) -> np.ndarray:
        """Tokens of each answer, were the genes drawn at random, with the end token."""
        return np.ceil(self.words * self.sizes.mean()).astype(np.int64) + 1

    def most(self, rows: np.ndarray, context: int | None, width: int) -> int:
        """Tokens that the longest names would take, as far as the context goes."""
        most = int(np.sort(self.sizes)[::-1][: int(self.words[rows].max())].sum()) + 1
        return most if context is None else min(most, context - width)

    def constraint(self, rows: np.ndarray, decoder: Decoder) -> GeneConstraint:
        return GeneConstraint(
            self.trie,
            self.words[rows],
            vocab_size=decoder.config.vocab_size,
            end=self.end,
            exact=self.genes.exact,
            device=decoder.device,
        )

    def texts(self, constraint: GeneConstraint | None) -> list[str]:
        rows = [] if constraint is None else constraint.written()
        return ["".join(f" {self.genes.names[gene]}" for gene in row) for row in rows]


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
    declared = decoder.lm.generation_config.eos_token_id
    found = {tokenizer.eos_token_id, *(declared if isinstance(declared, list) else [declared])}
    return sorted(token for token in found if token is not None)


def _end_of_sentences(tokenizer: Any, ends: list[int]) -> int:
    if not ends:
        msg = "the tokenizer has no end token, so a sentence has no end; set it: model.tokenizer.eos_token = ..."
        raise ValueError(msg)
    return tokenizer.eos_token_id if tokenizer.eos_token_id is not None else ends[0]


class _Writer(LogitsProcessor):
    """Chooses the next token inside transformers' `generate`: holds it to genes, draws it."""

    def __init__(self, constraint: GeneConstraint | None, sampling: Sampling | None, seeds: np.ndarray | None) -> None:
        self.constraint = constraint
        self._sampling = sampling if sampling is not None and sampling.temperature > 0 else None
        self._seeds, self._step = seeds, 0

    @property
    def needed(self) -> bool:
        """Whether it does anything."""
        return self.constraint is not None or self._sampling is not None

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        if self.constraint is not None:
            if self._step:
                self.constraint.advance(input_ids[:, -1].contiguous())
            scores = self.constraint.hold(scores)
        if self._sampling is not None and self._seeds is not None:
            uniform = torch.from_numpy(uniforms(self._seeds, self._step)).to(scores.device)
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
    # All that a model's own generation config may set to something else than greedy decoding is said here.
    write: Any = decoder.lm.generate
    out = write(
        input_ids=inputs.to(decoder.device),
        attention_mask=(torch.arange(width) >= width - lengths[:, None]).long().to(decoder.device),
        max_new_tokens=max_new_tokens,
        do_sample=False,
        num_beams=1,
        repetition_penalty=1.0,
        temperature=None,
        top_k=None,
        top_p=None,
        pad_token_id=decoder.pad_id,
        eos_token_id=ends or None,
        **({"logits_processor": LogitsProcessorList([writer])} if writer.needed else {}),
    )
    if writer.constraint is not None:
        writer.constraint.advance(out[:, -1].contiguous())  # the last token was chosen, and not seen yet
    # By position, never by text: a model that repeats its prompt must not lose its answer.
    return out[:, width:].tolist()


def _texts(tokenizer: Any, rows: list[list[int]], ends: list[int]) -> list[str]:
    answers = []
    for row in rows:
        stop = next((i for i, token in enumerate(row) if token in ends), len(row))
        answers.append(tokenizer.decode(row[:stop], skip_special_tokens=True, clean_up_tokenization_spaces=False))
    return answers
