"""A model that is asked in conversations, or in plain text where it was not trained to talk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scc2s.models._chat import plain_text
from scc2s.models._replies import replies
from scc2s.prompts._answers import prose, spoken

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scc2s.models import Model
    from scc2s.tl._asking.decoding import Decoding

Messages = list[dict[str, str]]


@dataclass(frozen=True)
class Asker:
    """A model, and how it is asked."""

    model: Any
    plain: bool
    decoding: Decoding

    @classmethod
    def load(cls, model: str | Model | None, decoding: Decoding, *, plain: bool) -> Asker:
        """The model, refused by name where it cannot be asked so.

        Raises
        ------
        TypeError
            It neither talks nor, with `plain`, writes.
        ValueError
            It has no chat template.
        """
        from scc2s import models

        loaded = models.load(model)
        if not (hasattr(loaded, "generate") if plain else isinstance(loaded, models.Talks)):
            can = "write" if plain else "talk"
            mend = "" if plain else ", or have it go on from a plain text: plain=True"
            msg = f"{loaded.id} cannot {can}; pass model= an instruct model{mend}"
            raise TypeError(msg)
        asker = cls(loaded, plain, decoding)
        asker.count([{"role": "user", "content": "?"}])  # says at once that there is no chat template
        return asker

    @property
    def n_answer(self) -> int:
        """Tokens of the longest answer."""
        return int(self.decoding.max_new_tokens or 0)

    @property
    def room(self) -> int | None:
        """Tokens that a conversation may have before its answer; ``None`` for any number."""
        most = self.model.max_tokens
        return None if most is None else int(most) - self.n_answer

    def count(self, messages: Messages) -> int:
        """Tokens of a conversation before its answer."""
        if self.plain:
            return int(self.model.count_tokens([plain_text(messages)])[0])
        return int(self.model.count_message_tokens(messages))

    def ask(self, conversations: Sequence[Messages]) -> list[str]:
        """Answers on one line, without what a model thought aloud before."""
        raw = replies(
            self.model,
            conversations,
            max_new_tokens=self.n_answer,
            plain=self.plain,
            sampling=self.decoding.sampling,
            random_state=self.decoding.random_state,
            cache=self.decoding.cache,
        )
        return [prose(spoken(text, plain=self.plain)) for text in raw]


def most_genes(
    asker: Asker, messages: Callable[[int], Messages], n_genes: int, *, spare: float = 0.0, what: str = "question"
) -> int:
    """Genes of each cell that fit, `n_genes` at most.

    Parameters
    ----------
    asker
        Who is asked.
    messages
        The conversation with so many genes.
    n_genes
        Most genes.
    spare
        Share of the room to leave for later turns.
    what
        What does not fit, for the message.

    Raises
    ------
    ValueError
        Not even one gene of each cell fits.
    """
    if asker.room is None:
        return n_genes
    room = int(asker.room * (1 - spare))

    def fits(n: int) -> bool:
        return asker.count(messages(n)) <= room

    if fits(n_genes):
        return n_genes
    if not fits(1):
        msg = (
            f"the {what} and one gene of each cell have {asker.count(messages(1))} tokens, and {asker.model.id} has "
            f"room for {room}; pass fewer cells (n_cells=) or groups, a smaller max_new_tokens=, or another model="
        )
        raise ValueError(msg)
    low, high = 1, n_genes
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
