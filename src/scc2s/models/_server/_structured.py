"""How an endpoint is asked to hold a model to a grammar: the words of each server, and whether it listens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scc2s._logging import logger
from scc2s.models.decoding._grammar import ebnf, gbnf, regex

from ._client import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Names that no model writes by itself, with the characters that grammars and regular expressions have to escape.
_NAMES = ("ZQX-1.2", "ZQX-1.3", 'WJ"K\\7', "YV_(q)/5")
_PROMPT = "CD3D CD3E CD2"
_TOKENS = 40


@dataclass(frozen=True)
class Dialect:
    """A field of a request to the completions, and what it takes."""

    field: str
    """Its name; of a field inside a field ``outer.inner``."""
    servers: str
    """Which servers are known to have it."""
    write: Callable[..., str]
    """Grammar of sentences: :func:`~scc2s.models.decoding._grammar.ebnf`, ``gbnf`` or ``regex``."""

    def fields(
        self, names: Sequence[str], least: int, most: int, *, first: Sequence[str] | None = None
    ) -> dict[str, Any]:
        """What to add to a request, so that the answer consists of these genes.

        Examples
        --------
        >>> DIALECTS[-3].fields(["CD3D", "LYZ"], 2, 2)
        {'structured_outputs': {'regex': '( (CD3D|LYZ)){2}'}}
        """
        value: Any = self.write(names, least, most, first=first)
        for part in reversed(self.field.split(".")):
            value = {part: value}
        return dict(value)


# Grammars before regular expressions: some engines expand a bounded repeat of an expression.
DIALECTS = (
    Dialect("structured_outputs.grammar", "vLLM from 0.12", ebnf),
    Dialect("ebnf", "SGLang", ebnf),
    Dialect("grammar", "llama.cpp", gbnf),
    Dialect("guided_grammar", "vLLM before 0.12", ebnf),
    Dialect("structured_outputs.regex", "vLLM from 0.12", regex),
    Dialect("regex", "SGLang", regex),
    Dialect("guided_regex", "vLLM before 0.12", regex),
)


def find_dialect(complete: Callable[[dict[str, Any]], dict[str, Any]]) -> Dialect | None:
    """The first dialect that the endpoint follows; most endpoints pass over fields that they do not know in silence.

    Parameters
    ----------
    complete
        Sends a request to the completions, gives the choice that comes back.

    Returns
    -------
    ``None`` where none is followed.

    Raises
    ------
    ConnectionError
        The endpoint answers nothing at all.
    """
    for dialect in DIALECTS:
        body = {"prompt": _PROMPT, "max_tokens": _TOKENS, "temperature": 0.0}
        try:
            text = complete({**body, **dialect.fields(_NAMES, 2, 2)})["text"]
        except Refused as error:
            logger.debug("%s is refused: %s", dialect.field, error)
            continue
        except ConnectionError as error:  # some fail over a field they do not know; is it that, or are they down?
            complete({**body, "max_tokens": 1})
            logger.debug("%s is not answered: %s", dialect.field, error)
            continue
        words = text.split()
        if len(words) == 2 and set(words) <= set(_NAMES):
            logger.info("the endpoint holds a model to genes by %s (%s)", dialect.field, dialect.servers)
            return dialect
        logger.debug("%s is passed over: %r", dialect.field, text[:60])
    return None


def not_held(url: str) -> str:
    """What to say of an endpoint without a dialect."""
    return (
        f"{url} cannot be held to the genes of a data set: it follows no grammar (vLLM, SGLang and llama.cpp do); load "
        "the model itself: backend='torch', or let it write freely and read the validity of what it writes: "
        "constrain=False"
    )
