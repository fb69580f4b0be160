"""From texts of prompts and completions to tokens, with the border between them at a border of tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s.models._tokens import n_after, tokenize, windows

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Encoded:
    """Tokens of samples."""

    ids: list[np.ndarray]
    """Of prompt, completion and end token."""
    n_prompt: np.ndarray
    """How many of them are of the prompt."""

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each sample."""
        return np.fromiter((len(row) for row in self.ids), dtype=np.int64, count=len(self.ids))

    @property
    def n_learned(self) -> np.ndarray:
        """Tokens of each completion, with the end token."""
        learned: np.ndarray = self.lengths - self.n_prompt
        return learned

    def take(self, rows: np.ndarray) -> Encoded:
        """Some of them, in that order."""
        return Encoded([self.ids[row] for row in rows], self.n_prompt[rows])


def encode(
    tokenizer: Any, samples: pd.DataFrame, *, max_length: int | None, window: int | None, what: str = "samples"
) -> Encoded:
    """Tokens of samples, as the model will be asked: those of the prompt alone, then those of the answer.

    A prompt and its completion are cut into tokens together, as where a model scores an answer. Where the tokens of the
    whole do not begin with those of the prompt, the sample is refused: cut apart, it would teach a spelling of the
    answer that no score ever reads; cut together, a prompt that the model is never asked.

    Parameters
    ----------
    tokenizer
        Of the model.
    samples
        Columns ``prompt``, ``completion``, ``task``.
    max_length
        Longest sample, with its end token; ``None``: `window`.
    window
        Tokens that the model can read; ``None``: any number.
    what
        What to call the table in a message.

    Raises
    ------
    ValueError
        A tokenizer without an end token, or with one after each text; a limit that the model does not have; a sample
        that is too long, or whose completion does not start with a token of its own.
    """
    if tokenizer.eos_token_id is None:
        msg = "the tokenizer has no end token, so an answer has no end; set it: tokenizer.eos_token = '...'"
        raise ValueError(msg)
    if n_after(tokenizer):
        msg = (
            "the tokenizer puts its end token after each text, so prompts would end before their completions; make one "
            "that does not: tokenizer.add_eos_token = False, or take the token out of its post-processor"
        )
        raise ValueError(msg)
    if max_length is not None and window is not None and max_length > window:
        msg = f"max_length={max_length}, and the model reads {window} tokens; pass max_length={window} or less"
        raise ValueError(msg)
    prompts, completions = samples["prompt"].tolist(), samples["completion"].tolist()
    end = np.array([tokenizer.eos_token_id], dtype=np.int32)
    ids: list[np.ndarray] = []
    n_prompt = np.zeros(len(prompts), dtype=np.int64)
    for part in windows(len(prompts)):
        alone = tokenize(tokenizer, prompts[part]).ids
        texts = [prompt + answer for prompt, answer in zip(prompts[part], completions[part], strict=True)]
        for row, (prompt, whole) in enumerate(zip(alone, tokenize(tokenizer, texts).ids, strict=True), part.start):
            n_prompt[row] = len(prompt)
            if not len(prompt) or len(whole) <= len(prompt) or not np.array_equal(whole[: len(prompt)], prompt):
                msg = (
                    f"the completion of row {row} of {what} ({_named(samples, row)}) does not start with a token of "
                    f"its own: {prompts[row][-20:]!r} + {completions[row][:20]!r}; end no prompt with a space, and "
                    "begin every completion with one and a word: "
                    "samples.assign(prompt=samples['prompt'].str.rstrip(), "
                    "completion=' ' + samples['completion'].str.strip())"
                )
                raise ValueError(msg)
            ids.append(whole if whole[-1] == end[0] else np.concatenate([whole, end]))
    found = Encoded(ids, n_prompt)
    _check_lengths(found, samples, max_length, window, what)
    return found


def _check_lengths(
    found: Encoded, samples: pd.DataFrame, max_length: int | None, window: int | None, what: str
) -> None:
    limit = window if max_length is None else max_length
    if limit is None or not len(found.ids) or (longest := int(found.lengths.max())) <= limit:
        return
    long = np.flatnonzero(found.lengths > limit)
    said = f"the window of the model is {window}" if max_length is None else f"max_length is {max_length}"
    more = "" if max_length is None or (window is not None and longest > window) else f"pass max_length={longest}, "
    shorter = "make sentences shorter (n_genes=), or leave them out"
    msg = (
        f"{len(long)} of {len(found.ids)} {what} are too long, the first in row {long[0]} "
        f"({_named(samples, long[0])}): it has {found.lengths[long[0]]} tokens with its end token, the longest "
        f"{longest}, and {said}; {more}{shorter}"
    )
    raise ValueError(msg)


def _named(samples: pd.DataFrame, row: int) -> str:
    return f"task {samples['task'].iloc[row]!r}, index {samples.index[row]!r}"
