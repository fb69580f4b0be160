"""A model that writes texts to train another one on, and how it is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scc2s.models._chat import plain_text
from scc2s.models._load import load
from scc2s.models._protocols import Talks
from scc2s.models._replies import replies
from scc2s.models.decoding._cache import refuse_cache
from scc2s.models.decoding._sampling import Sampling
from scc2s.prompts._answers import spoken

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from scc2s.models import ResponseCache
    from scc2s.prompts._teaching import Messages


@dataclass(frozen=True)
class Asking:
    """How a teacher is asked, checked before it is loaded."""

    plain: bool
    max_new_tokens: int
    sampling: Sampling
    random_state: int
    cache: str | PathLike[str] | ResponseCache | None
    progress: bool = True

    @classmethod
    def of(
        cls,
        *,
        plain: bool,
        max_new_tokens: int,
        temperature: float,
        top_p: float,
        top_k: int | None,
        random_state: int,
        cache: str | PathLike[str] | ResponseCache | None,
    ) -> Asking:
        """From the arguments of a builder.

        Raises
        ------
        TypeError, ValueError
            A number is not one, or out of range; the cache is none.
        """
        least("max_new_tokens", max_new_tokens, 1)
        least("random_state", random_state, 0)
        refuse_cache(cache)
        return cls(
            plain, int(max_new_tokens), Sampling(temperature=temperature, top_p=top_p, top_k=top_k),
            int(random_state), cache,
        )  # fmt: skip


@dataclass(frozen=True)
class Teacher:
    """A model that is asked in conversations, or in plain text where it was not trained to talk."""

    model: Any
    asking: Asking

    @classmethod
    def load(cls, teacher: Any, asking: Asking) -> Teacher:
        """The model, refused by name where it cannot be asked so.

        Raises
        ------
        TypeError
            It neither talks nor, with ``plain=True``, writes; or none is given.
        ValueError
            It has no chat template.
        """
        if teacher is None:
            msg = "there is no teacher; pass teacher= a model that talks, e.g. models.load(url, backend='server')"
            raise TypeError(msg)
        model = load(teacher)
        if not (hasattr(model, "generate") if asking.plain else isinstance(model, Talks)):
            can = "write" if asking.plain else "talk"
            mend = "" if asking.plain else ", or have it go on from a plain text: plain=True"
            msg = f"{getattr(model, 'id', model)} cannot {can}; pass teacher= an instruct model{mend}"
            raise TypeError(msg)
        found = cls(model, asking)
        if not asking.plain:
            found.count([{"role": "user", "content": "?"}])  # says at once that there is no chat template
        return found

    @property
    def room(self) -> int | None:
        """Tokens that a conversation may have before its answer; ``None`` for any number."""
        most = self.model.max_tokens
        return None if most is None else int(most) - self.asking.max_new_tokens

    def count(self, messages: Messages) -> int:
        """Tokens of a conversation before its answer."""
        if self.asking.plain:
            return int(self.model.count_tokens([plain_text(messages)])[0])
        return int(self.model.count_message_tokens(messages))

    def fits(self, messages: Messages) -> bool:
        """Whether a conversation leaves room for an answer."""
        return self.room is None or self.count(messages) <= self.room

    def count_tokens(self, texts: Sequence[str]) -> Sequence[int]:
        """Tokens of texts."""
        return [int(n) for n in self.model.count_tokens(texts)]

    def ask(self, conversations: Sequence[Messages], draws: Sequence[int]) -> list[str]:
        """Replies, without what the model thought aloud before; those that the cache has are not asked for again."""
        asking = self.asking
        raw = replies(
            self.model,
            conversations,
            max_new_tokens=asking.max_new_tokens,
            plain=asking.plain,
            sampling=asking.sampling,
            random_state=asking.random_state,
            draws=draws,
            cache=asking.cache,
            progress=asking.progress,
        )
        return [spoken(text, plain=asking.plain).strip() for text in raw]


def least(name: str, value: Any, lowest: int) -> None:
    """Raise unless `value` is a whole number of at least `lowest`.

    Raises
    ------
    TypeError
        If it is something else.
    ValueError
        If it is too small.

    Examples
    --------
    >>> least("n", 0, 1)
    Traceback (most recent call last):
        ...
    ValueError: n=0 is too small; pass n= a whole number from 1
    """
    mend = f"pass {name}= a whole number from {lowest}"
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        msg = f"{name}={value!r} is not a whole number; {mend}"
        raise TypeError(msg)
    if value < lowest:
        msg = f"{name}={value!r} is too small; {mend}"
        raise ValueError(msg)


def share(name: str, value: Any) -> None:
    """Raise unless `value` is a number from 0 to 1.

    Raises
    ------
    ValueError
        If it is not.

    Examples
    --------
    >>> share("max_alike", 2)
    Traceback (most recent call last):
        ...
    ValueError: max_alike=2 is not a share; pass max_alike= a number from 0 to 1
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        msg = f"{name}={value!r} is not a share; pass {name}= a number from 0 to 1"
        raise ValueError(msg)
