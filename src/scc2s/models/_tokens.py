from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ._protocols import Pooling

# Prompts tokenized and sorted by length at a time: enough for little padding, few enough for memory to stay flat.
_WINDOW = 4096
_PROBE = "Genes: CD3D"


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
    """Texts to token ids, with the special tokens that the tokenizer itself puts before a prompt.

    Those that it puts after a text, such as an end token, are left out: what follows a prompt is the answer.
    """
    if not texts:
        return Tokens([], [] if offsets else None)
    out = _encoded(tokenizer, texts, return_offsets_mapping=offsets)
    extra = n_after(tokenizer)
    ids = [np.asarray(row, dtype=np.int32)[: len(row) - extra] for row in out["input_ids"]]
    if not offsets:
        return Tokens(ids, None)
    where = [np.asarray(row, dtype=np.int32).reshape(-1, 2) for row in out["offset_mapping"]]
    return Tokens(ids, [row[: len(row) - extra] for row in where])


def _encoded(tokenizer: Any, texts: list[str], **options: Any) -> Any:
    return tokenizer(texts, return_attention_mask=False, return_token_type_ids=False, verbose=False, **options)


def n_after(tokenizer: Any) -> int:
    """How many special tokens the tokenizer puts after each text; asked each time, since it can be told otherwise.

    Raises
    ------
    ValueError
        It changes the tokens of a text in another way.
    """
    (whole,) = _encoded(tokenizer, [_PROBE])["input_ids"]
    (plain,) = _encoded(tokenizer, [_PROBE], add_special_tokens=False)["input_ids"]
    for n_before in range(len(whole) - len(plain) + 1):
        if list(whole[n_before : n_before + len(plain)]) == list(plain):
            return len(whole) - len(plain) - n_before
    msg = (
        "the tokenizer puts special tokens between those of a text, so a prompt has no end to go on from; save one "
        "that puts them before: tokenizer.save_pretrained(folder)"
    )
    raise ValueError(msg)


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
        Tokens that must fit after each prompt: one number, or one for each.
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
        more = int(np.broadcast_to(extra, lengths.shape)[long[0]])
        after = f" and {more} of {extra_name}" if more else ""
        msg = (
            f"{long.size} prompts do not fit the context of {limit} tokens (prompt {first + long[0]} has "
            f"{lengths[long[0]]}{after}); shorten them at a gene boundary: "
            f"task.render(sentences, fields, count_tokens=model.count_tokens, max_tokens={max(limit - more, 0)})"
        )
        raise ValueError(msg)


def in_span(offsets: np.ndarray, span: tuple[int, int]) -> np.ndarray:
    """Which tokens stand for a character between start and end.

    Examples
    --------
    >>> in_span(np.array([[0, 0], [0, 3], [3, 6], [6, 9]]), (4, 6)).tolist()
    [False, False, True, False]
    """
    start, end = span
    inside: np.ndarray = np.maximum(offsets[:, 0], start) < np.minimum(offsets[:, 1], end)
    return inside


def check_pooling(prompts: Sequence[str], spans: Sequence[tuple[int, int]] | None, pooling: str) -> None:
    """Refuse an unknown pooling, or another number of spans than of prompts."""
    if pooling not in {"mean", "last"}:
        msg = f'unknown pooling {pooling!r}; use pooling="mean" or pooling="last"'
        raise ValueError(msg)
    if spans is not None and len(spans) != len(prompts):
        msg = f"{len(spans)} spans for {len(prompts)} prompts; give one (start, end) a prompt, or spans=None"
        raise ValueError(msg)


def shares_of(
    tokens: Tokens, spans: Sequence[tuple[int, int]] | None, pooling: Pooling, *, first: int
) -> list[np.ndarray]:
    """How much each token counts in the vector of its prompt: float32, sums to 1.

    Raises
    ------
    ValueError
        A span without a token.
    """
    shares = []
    for i, row in enumerate(tokens.ids):
        where = np.arange(len(row))
        if spans is not None and tokens.offsets is not None:
            where = np.flatnonzero(in_span(tokens.offsets[i], spans[i]))
        if not where.size:
            msg = f"no token of prompt {first + i} lies in its span; leave cells without genes out, or use spans=None"
            raise ValueError(msg)
        where = where if pooling == "mean" else where[-1:]
        share = np.zeros(len(row), dtype=np.float32)
        share[where] = 1 / len(where)
        shares.append(share)
    return shares


def answer_tokens(tokenizer: Any, prompts: list[str], choices: list[str]) -> list[np.ndarray]:
    """Token ids of the choices as they follow the prompts.

    Raises
    ------
    ValueError
        No choices, no end token, or choices that are cut into tokens together with the prompt.
    """
    if not choices:
        msg = 'there is nothing to choose from; give at least one choice, e.g. choices=[" B cell", " T cell"]'
        raise ValueError(msg)
    if tokenizer.eos_token_id is None:
        msg = "the tokenizer has no end token, so an answer has no end; set it: model.tokenizer.eos_token = ..."
        raise ValueError(msg)
    answers: list[np.ndarray] = []
    # Only the last word of a prompt can change how a choice is cut into tokens, and prompts of a template share it.
    ends = {prompt[max(0, prompt.rstrip().rfind(" ")) :]: prompt[-64:] for prompt in prompts or [""]}
    for end in ends.values():
        alone, *joint = tokenize(tokenizer, [end, *(end + choice for choice in choices)]).ids
        found = [row[len(alone) :] for row in joint]
        for row, choice, answer in zip(joint, choices, found, strict=True):
            if not len(answer) or not np.array_equal(row[: len(alone)], alone):
                msg = (
                    f"choice {choice!r} does not start with a token of its own after the prompt; end no prompt with a "
                    "space and begin every choice with one: choices=[f' {label}' for label in labels]"
                )
                raise ValueError(msg)
        if answers and not all(map(np.array_equal, answers, found)):
            msg = "the choices have other tokens after some prompts than after others; score one template at a time"
            raise ValueError(msg)
        answers = found
    _check_read_back(tokenizer, choices, answers)
    return answers


def _check_read_back(tokenizer: Any, choices: list[str], answers: list[np.ndarray]) -> None:
    """Refuse choices that the tokens do not tell apart, or that lose letters as tokens (``<unk>``)."""
    first: dict[bytes, str] = {}
    for choice, answer in zip(choices, answers, strict=True):
        other = first.setdefault(answer.tobytes(), choice)
        if other != choice:
            msg = (
                f"the tokenizer of this model gives {other.strip()!r} and {choice.strip()!r} the same tokens, and so "
                "cannot tell them apart; leave one out, or word them otherwise: labels=[...]"
            )
            raise ValueError(msg)
    decode = getattr(tokenizer, "decode", None)
    if decode is None:
        return
    read = [str(decode([int(token) for token in answer])) for answer in answers]
    pairs = zip(choices, read, strict=True)
    if lost := [(choice.strip(), text.strip()) for choice, text in pairs if _letters(choice) != _letters(text)]:
        msg = (
            f"the tokenizer of this model cannot write {len(lost)} of {len(choices)} choices, e.g. {lost[0][0]!r}, "
            f"which becomes {lost[0][1]!r}; word them otherwise: labels=[...], or use another model"
        )
        raise ValueError(msg)


def _letters(text: str) -> str:
    """What counts of a text: tokenizers may change case, accents and white space."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in plain if not letter.isspace() and not unicodedata.combining(letter))


def check_pairs(prompts: Sequence[str], answers: Sequence[str]) -> None:
    """Refuse another number of answers than of prompts."""
    if len(prompts) != len(answers):
        msg = f"{len(answers)} answers for {len(prompts)} prompts; pass one for each"
        raise ValueError(msg)


def continued(tokenizer: Any, prompts: list[str], answers: list[str], *, first: int) -> tuple[Tokens, Tokens]:
    """Tokens of prompts alone, and with one answer each after them.

    Raises
    ------
    ValueError
        An answer that is cut into tokens together with its prompt.
    """
    texts = [prompt + answer for prompt, answer in zip(prompts, answers, strict=True)]
    alone, joint = tokenize(tokenizer, prompts), tokenize(tokenizer, texts)
    for row, (prompt, text) in enumerate(zip(alone.ids, joint.ids, strict=True)):
        if not len(prompt) or len(text) <= len(prompt) or not np.array_equal(text[: len(prompt)], prompt):
            msg = (
                f"answer {first + row} does not start with a token of its own after its prompt; end no "
                "prompt with a space, and begin every answer with one and a word: answers=[f' {sentence}']"
            )
            raise ValueError(msg)
    return alone, joint
