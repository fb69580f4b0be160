"""Answers in conversations, written in the form of the model's own chat template."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s._logging import logger
from scc2s.models._chat import checked, folded

from ._by_transformers import write_by_transformers
from ._generate import end_tokens, telling, texts
from ._memory import free, is_out_of_memory
from ._states_kept import KeptStates
from ._write import Rules, write_one

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scc2s.models.decoding import Sampling

    from ._decoder import Decoder


class Talker:
    """A model with its chat template, and what it has read so far.

    Parameters
    ----------
    decoder, tokenizer
        The model.
    name
        What messages call it.
    reading
        Tokens of a prompt to read at once.
    """

    def __init__(self, decoder: Decoder, tokenizer: Any, name: str, reading: int) -> None:
        self._decoder, self._tokenizer, self._name, self._reading = decoder, tokenizer, name, reading
        self._kept = KeptStates()

    def tokens(self, messages: Sequence[Mapping[str, str]]) -> np.ndarray:
        """Token ids of a conversation up to where the answer begins."""
        text = self._text(checked(messages))
        return np.asarray(self._tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"], dtype=np.int32)

    def reply(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        max_new_tokens: int,
        sampling: Sampling | None,
        seed: int | None,
    ) -> str:
        """See :meth:`scc2s.models.Talks.reply`."""
        sampling = None if sampling is not None and sampling.temperature == 0 else sampling
        _check(max_new_tokens, sampling, seed)
        ids = self.tokens(messages)
        self._check_room(len(ids), max_new_tokens)
        ends = end_tokens(self._decoder, self._tokenizer)
        seeds = None if sampling is None or seed is None else np.array([int(seed) % 2**64], dtype=np.uint64)
        rules = Rules(np.array([max_new_tokens]), ends, sampling=sampling, seeds=seeds)
        try:
            written = self._write(ids, rules)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error) or not len(self._kept):
                raise
            written = None
        if written is None:  # outside the except block: there the traceback keeps tensors alive
            self._kept.clear()
            free()
            written = self._write(ids, rules)
        if not set(written) & set(ends):
            logger.info("the answer ended at max_new_tokens=%d", max_new_tokens)
        return texts(self._tokenizer, [written], ends)[0].strip()

    def _write(self, ids: np.ndarray, rules: Rules) -> list[int]:
        if not self._decoder.tested:
            return write_by_transformers(self._decoder, [ids], rules)[0]
        start, tell = self._kept.start(ids), telling(self._tokenizer, rules.ends)
        written, states = write_one(self._decoder, start, ids, rules, budget=self._reading, tell=tell)
        self._kept.put(np.concatenate([ids, np.asarray(written[:-1], dtype=ids.dtype)]), states)
        return written

    def _check_room(self, n: int, max_new_tokens: int) -> None:
        limit = self._decoder.max_tokens
        if limit is not None and n + max_new_tokens > limit:
            msg = (
                f"the conversation has {n} tokens, and {max_new_tokens} more of an answer do not fit the context of "
                f"{limit} of {self._name}; leave earlier turns or cells out, or pass a smaller max_new_tokens="
            )
            raise ValueError(msg)

    def _text(self, messages: list[dict[str, str]]) -> str:
        if not getattr(self._tokenizer, "chat_template", None):
            msg = (
                f"{self._name} has no chat template, so it was not trained to talk; pass an instruct model, or have it "
                "go on from a plain text: plain=True"
            )
            raise ValueError(msg)
        said = [{**one, "content": self._harmless(one["content"])} for one in messages]
        try:
            return self._rendered(said)
        except ValueError:
            if said[0]["role"] != "system":
                raise
            return self._rendered(folded(said))  # some templates, those of Gemma among them, refuse the role

    def _rendered(self, messages: list[dict[str, str]]) -> str:
        from jinja2.exceptions import TemplateError

        try:
            return str(self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))
        except (TemplateError, ValueError, TypeError, KeyError) as error:
            msg = (
                f"the chat template of {self._name} cannot be filled ({type(error).__name__}: {str(error)[:200]}); "
                "save the tokenizer of the instruct model again: tokenizer.save_pretrained(folder), or pass plain=True"
            )
            raise ValueError(msg) from error

    def _harmless(self, content: str) -> str:
        """The content with no token in it that the template itself sets, such as the one that ends a turn."""
        for token in self._tokenizer.added_tokens_decoder.values():
            if token.special and len(token.content) > 1:
                content = content.replace(token.content, f"{token.content[0]} {token.content[1:]}")
        return content


def _check(max_new_tokens: int, sampling: Sampling | None, seed: int | None) -> None:
    if max_new_tokens < 1:
        msg = f"max_new_tokens is {max_new_tokens}; use a number from 1"
        raise ValueError(msg)
    if sampling is not None and seed is None:
        msg = "sampling needs a seed; pass seed=, or call scc2s.models.replies(model, [messages], ...)"
        raise ValueError(msg)
