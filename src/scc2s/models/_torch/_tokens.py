from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Prompts tokenized and sorted by length at a time: enough for little padding, few enough for memory to stay flat.
_WINDOW = 4096


def as_list(texts: Sequence[str]) -> list[str]:
    """Texts as a list, a lone text refused: its letters would pass for texts."""
    if isinstance(texts, str):
        msg = "got one text where a list of texts belongs; write [text]"
        raise TypeError(msg)
    return list(texts)


def windows(n: int) -> Iterator[slice]:
    """Prompts to work on together, one stretch after the other."""
    for start in range(0, n, _WINDOW):
        yield slice(start, min(n, start + _WINDOW))


@dataclass(frozen=True)
class Tokens:
    """Token ids of texts, with the characters that each token stands for where asked."""

    ids: list[np.ndarray]
    offsets: list[np.ndarray] | None

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each text."""
        return np.fromiter((len(row) for row in self.ids), dtype=np.int64, count=len(self.ids))


def tokenize(tokenizer: Any, texts: list[str], *, offsets: bool = False) -> Tokens:
    """Texts to token ids, with the special tokens that the tokenizer itself adds to a prompt."""
    if not texts:
        return Tokens([], [] if offsets else None)
    out = tokenizer(
        texts,
        return_attention_mask=False,
        return_token_type_ids=False,
        return_offsets_mapping=offsets,
        verbose=False,
    )
    ids = [np.asarray(row, dtype=np.int32) for row in out["input_ids"]]
    where = [np.asarray(row, dtype=np.int32).reshape(-1, 2) for row in out["offset_mapping"]] if offsets else None
    return Tokens(ids, where)


def check_lengths(
    lengths: np.ndarray, limit: int | None, *, first: int = 0, extra: int | np.ndarray = 0, extra_name: str = ""
) -> None:
    """Refuse empty prompts and prompts that do not fit the context window.

    Parameters
    ----------
    lengths
        Tokens of each prompt.
    limit
        Context window, where there is one.
    first
        Number of the first of these prompts, for the message.
    extra
        Tokens that must fit behind each prompt: one number, or one for each.
    extra_name
        What these are.

    Raises
    ------
    ValueError
        An empty prompt, or one too long.
    """
    if (empty := np.flatnonzero(lengths == 0)).size:
        msg = f"prompt {first + empty[0]} is empty; leave cells without genes out: adata[adata.obs['c2s_n_genes'] > 0]"
        raise ValueError(msg)
    if limit is not None and (long := np.flatnonzero(lengths + extra > limit)).size:
        behind_it = int(np.broadcast_to(extra, lengths.shape)[long[0]])
        behind = f" and {behind_it} of {extra_name}" if behind_it else ""
        msg = (
            f"{long.size} prompts do not fit the context of {limit} tokens (prompt {first + long[0]} has "
            f"{lengths[long[0]]}{behind}); shorten them at a gene boundary: "
            f"task.render(sentences, fields, count_tokens=model.count_tokens, max_tokens={max(limit - behind_it, 0)})"
        )
        raise ValueError(msg)


def pad_right(ids: Sequence[np.ndarray]) -> torch.Tensor:
    """Rows of one length, int64; each goes on with its last token.

    No token sees what is behind it, so any would do; the padding token is one that transformers warns about.
    """
    width = max(len(row) for row in ids)
    return torch.from_numpy(np.stack([np.pad(row, (0, width - len(row)), mode="edge") for row in ids]).astype(np.int64))


def pad_left(ids: Sequence[np.ndarray], value: int) -> torch.Tensor:
    """Rows of one length, int64; each begins with padding tokens."""
    width = max(len(row) for row in ids)
    rows = [np.pad(row, (width - len(row), 0), constant_values=value) for row in ids]
    return torch.from_numpy(np.stack(rows).astype(np.int64))


def in_span(offsets: np.ndarray, span: tuple[int, int]) -> np.ndarray:
    """Which tokens stand for a character between start and end.

    Examples
    --------
    >>> in_span(np.array([[0, 0], [0, 3], [3, 6], [6, 9]]), (4, 6)).tolist()
    [False, False, True, False]
    """
    start, end = span
    return np.maximum(offsets[:, 0], start) < np.minimum(offsets[:, 1], end)
