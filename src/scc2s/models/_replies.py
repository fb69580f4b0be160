from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ._answers import answers
from ._chat import checked, plain_text
from ._errors import PartialAnswersError
from ._explain import Unloaded
from ._kept import tokenizer_hash
from ._listening import listener, stop_if_gone
from ._progress import bar
from ._protocols import Talks
from .decoding._cache import ResponseCache, key_of
from .decoding._sampling import seeds_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    from .decoding import Sampling


def replies(
    model: Any,
    conversations: Sequence[Sequence[Mapping[str, str]]],
    *,
    max_new_tokens: int,
    plain: bool = False,
    sampling: Sampling | None = None,
    random_state: int = 0,
    draws: Sequence[int] | None = None,
    cache: str | PathLike[str] | ResponseCache | None = None,
    progress: bool = True,
) -> list[str]:
    """Let a model answer at the end of conversations, one after the other.

    The same conversation is asked once. What conversations begin with in common (the cells) is read once, as far as the
    model keeps it: that of the torch backend does.

    Parameters
    ----------
    model
        Model that talks (:class:`Talks`); with `plain` one that generates.
    conversations
        Messages of each, as for :meth:`Talks.reply`.
    max_new_tokens
        Longest answer in tokens.
    plain
        Write each conversation as a text to go on from ("Question: ... Answer:"), for a model that was not trained to
        talk.
    sampling
        How words are drawn; ``None`` takes the most likely word each time.
    random_state
        Seed.
    draws
        Number of the draw of each conversation: other numbers give other answers. ``None``: all 0.
    cache
        File (:class:`ResponseCache`) of answers given before; those are not asked for again.
    progress
        Show a bar after one second.

    Returns
    -------
    One answer for each conversation, as files can hold it.

    Raises
    ------
    TypeError
        The model does not talk, or messages are not messages.
    ValueError
        The model has no chat template.
    PartialAnswersError
        Some conversations got no answer; the error has the others, and so has the cache.

    Examples
    --------
    >>> from scc2s.models import CallableModel
    >>> echo = CallableModel(reply=lambda messages: messages[-1]["content"].upper())
    >>> replies(echo, [[{"role": "user", "content": "who?"}]], max_new_tokens=8)
    ['WHO?']
    """
    asked = [checked(messages) for messages in conversations]
    if sampling is not None and sampling.temperature == 0:
        sampling = None
    if plain:
        return answers(
            model,
            [plain_text(messages) for messages in asked],
            max_new_tokens=max_new_tokens,
            sampling=sampling,
            random_state=random_state,
            draws=draws,
            cache=cache,
            progress=progress,
        )
    if not isinstance(model, Talks):
        msg = (
            f"{getattr(model, 'id', model)} does not talk; pass an instruct model, or have it go on from a plain text: "
            "plain=True"
        )
        raise TypeError(msg)
    if isinstance(model, Unloaded) and asked:
        raise model.conversations(asked, max_new_tokens)
    texts = [json.dumps(messages) for messages in asked]
    seeds = None if sampling is None else seeds_of(texts, draws, random_state)
    store = None if cache is None else cache if isinstance(cache, ResponseCache) else ResponseCache(cache)
    keys = _keys(model, texts, max_new_tokens, sampling, seeds, kept=store is not None)
    found = {} if store is None else store.get(keys)
    first = {key: row for row, key in reversed(list(enumerate(keys))) if key not in found}
    with bar(len(first), "talk", show=progress) as running:
        for row in sorted(first.values()):
            stop_if_gone()
            if (who := listener()) is not None:
                who.begins()
            try:
                said = model.reply(
                    asked[row],
                    max_new_tokens=max_new_tokens,
                    sampling=sampling,
                    seed=None if seeds is None else seeds[row],
                )
            except (OSError, ValueError) as error:
                if not found:
                    raise
                msg = f"conversation {row} of {len(asked)} got no answer: {error}"
                raise PartialAnswersError(msg, [found.get(key) for key in keys]) from error
            found[keys[row]] = _as_text(said)
            if who is not None:
                who.written(found[keys[row]])
            if store is not None:
                store.put({keys[row]: found[keys[row]]})
            running.update()
    return [found[key] for key in keys]


def _as_text(said: str) -> str:
    """As files can hold it: models may write NUL, and tokens that are half a character."""
    return said.encode("utf-8", "replace").decode("utf-8").replace("\0", "")


def _keys(
    model: Any,
    texts: list[str],
    max_new_tokens: int,
    sampling: Sampling | None,
    seeds: list[int] | None,
    *,
    kept: bool,
) -> list[str]:
    numbers = [None] * len(texts) if seeds is None else seeds
    if not kept:
        return [f"{seed}\n{text}" for text, seed in zip(texts, numbers, strict=True)]
    info = model.info()
    common: dict[str, Any] = {
        "talk": max_new_tokens,
        "sampling": None if sampling is None else [sampling.temperature, sampling.top_p, sampling.top_k],
        "tokenizer": tokenizer_hash(model),
        "template": getattr(getattr(model, "tokenizer", None), "chat_template", None),
    }
    return [key_of(info, text, {**common, "seed": seed}) for text, seed in zip(texts, numbers, strict=True)]
