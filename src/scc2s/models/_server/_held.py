"""Cell sentences of an endpoint that holds a model to a grammar: no gene twice, as many as asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from scc2s._logging import logger

from ._client import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Sequence

    from scc2s.models.decoding import GeneVocabulary, Sampling

    from ._structured import Dialect

_STRICT, _REQUESTS = 32, 40
"""Requests for one cell after which what comes after a repeated gene counts too, and most requests."""
_AT_ONCE = 1024
"""Most genes of one request: llama.cpp refuses a rule that is to be repeated more than 2000 times."""
_SHORTEST = 16
"""Genes of the shortest request, where so many are missing: one more gene costs less than one more request."""
_FEW = 4
"""New genes below which the same grammar is not sent again."""
_LEAST_TOKENS = 16
_STRIKES = 2
"""Answers in a row that bring nothing that the grammar allows, after which the endpoint is not believed any more."""

Ending = Literal["whole", "repeat", "foreign"]


@dataclass(frozen=True)
class Job:
    """A cell to write."""

    prompt: str
    n_genes: int
    seed: int | None
    """``None``: none is sent."""


@dataclass
class Cell:
    """A cell that is being written."""

    n_wanted: int
    genes: list[str] = field(default_factory=list)
    there: set[str] = field(default_factory=set)
    n_requests: int = 0
    n_repeats: int = 0
    """Genes that came a second time."""
    n_foreign: int = 0
    """Words that are not genes."""
    stopped: str = ""
    """Why it ended before it had the genes asked for."""

    @property
    def n_missing(self) -> int:
        """Genes that are still to come."""
        return self.n_wanted - len(self.genes)

    @property
    def text(self) -> str:
        """The sentence, with the space before each word."""
        return "".join(f" {gene}" for gene in self.genes)

    def take(self, words: Sequence[str], known: frozenset[str], *, skip: bool) -> Ending:
        """Add words up to the first that is not a gene, or is there already (with `skip`: all but those)."""
        for word in words:
            if not self.n_missing:
                break
            if word not in known:
                self.n_foreign += 1
                return "foreign"
            if word not in self.there:
                self.genes.append(word)
                self.there.add(word)
                continue
            self.n_repeats += 1
            if not skip:
                return "repeat"
        return "whole"


@dataclass(frozen=True)
class HeldWriter:
    """Writes cells through an endpoint that follows a grammar.

    The grammar holds every word to the genes, and says how many there are. That no gene comes twice is seen to here:
    an answer counts up to the first gene that is there already, and the rest is asked for again from that place on.
    Where words are not drawn by a seed, or where an answer brought little, the next one may not begin with a gene that
    is there, so that it brings at least one more. Nor may it begin with a longer name: a model that wants ``VIM`` again
    would start it, and the grammar would make it ``VIMP``. A cell that is not whole after 32 requests takes all new
    genes of the next answers, also those after a repeat.

    A greedy answer is that of the torch backend under its constraint, as long as a name can be spelled in one way and
    none begins with another: torch allows the tokens that the tokenizer spells a name with, a grammar all that give its
    letters.

    Parameters
    ----------
    complete
        Sends a request to the completions, gives the choice that comes back.
    dialect
        How the endpoint is told.
    vocabulary
        The genes.
    drawn
        Fields of a request for how words are drawn, with a seed.
    count_tokens
        Tokens of texts, estimated.
    context
        Most tokens of prompt and answer together.
    max_new_tokens
        Longest answer, where the caller has set one.
    """

    complete: Callable[[dict[str, Any]], dict[str, Any]]
    dialect: Dialect
    vocabulary: GeneVocabulary
    drawn: Callable[[int | None], dict[str, Any]]
    count_tokens: Callable[[Sequence[str]], np.ndarray]
    context: int | None
    max_new_tokens: int | None

    def __call__(self, job: Job) -> Cell:
        """The cell after one prompt.

        Raises
        ------
        ValueError
            The endpoint writes what the grammar forbids, or refuses the first request.
        """
        cell, room = Cell(job.n_genes), self.max_new_tokens
        size, stuck, strikes, wider = job.n_genes, False, 0, 1
        while cell.n_missing and not cell.stopped:
            lenient = cell.n_requests >= _STRICT
            n = _rounded(cell.n_missing if lenient else min(size, cell.n_missing), job.n_genes)
            tokens = self._tokens(job.prompt + cell.text, n) * wider
            tokens = tokens if room is None else min(tokens, room)
            before = len(cell.genes)
            try:
                choice = self.complete(self._body(job, cell, n, tokens, stuck=stuck, lenient=lenient))
            except Refused as error:
                if not cell.genes:
                    raise
                cell.stopped = str(error)
                break
            words, cut = _words(choice, n)
            ending = cell.take(words, self._known, skip=lenient)
            new = len(cell.genes) - before
            if new or ending == "repeat" or cut:
                strikes = 0
            elif self.vocabulary.exact or ending == "foreign" or not cell.genes:
                strikes += 1
            if strikes == _STRIKES:
                raise ValueError(_not_held(self.dialect, choice["text"]))
            if ending == "whole" and not cut and not self.vocabulary.exact and len(words) < n and cell.genes:
                break  # the model ends here, and may
            if room is not None:
                room -= tokens if cut and ending == "whole" else self._spent(cell.genes[before:])
                if room < 1 and cell.n_missing:
                    cell.stopped = f"max_new_tokens={self.max_new_tokens}"
            if cell.n_requests == _REQUESTS and cell.n_missing and not cell.stopped:
                cell.stopped = f"{_REQUESTS} requests brought too few different genes"
            wider = 2 * wider if cut and not new else 1
            size, stuck = max(_SHORTEST, 2 * new), ending == "repeat" and (new < _FEW or job.seed is None)
        return cell

    def _body(self, job: Job, cell: Cell, n: int, tokens: int, *, stuck: bool, lenient: bool) -> dict[str, Any]:
        least = n if self.vocabulary.exact else int(not cell.genes)
        names, key = self.vocabulary.names, (least, n)
        left = [name for name in names if name not in cell.there] if lenient or stuck else []
        if lenient:
            fields = self.dialect.fields(left, least, n)
        elif stuck:
            first = [name for name in left if not _begins_with(name, cell.there)]
            fields = self.dialect.fields(names, least, n, first=first or left)
        else:
            if key not in self._fields:
                self._fields[key] = self.dialect.fields(names, least, n)
            fields = self._fields[key]
        seed = None if job.seed is None else job.seed + cell.n_requests
        cell.n_requests += 1
        return {"prompt": job.prompt + cell.text, "max_tokens": tokens, **self.drawn(seed), **fields}

    @cached_property
    def _fields(self) -> dict[tuple[int, int], dict[str, Any]]:
        """Grammars of all genes, by how many are to come: few, as the endpoint compiles each once."""
        return {}

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.vocabulary.names)

    @cached_property
    def _sizes(self) -> tuple[float, float]:
        """Mean and standard deviation of the tokens of a gene."""
        each = np.asarray(self.count_tokens([f" {name}" for name in self.vocabulary.names]), dtype=float)
        return float(each.mean()), float(each.std())

    def _tokens(self, text: str, n: int) -> int:
        """Tokens that `n` genes after a text take, were they drawn at random, and the end; what is cut is asked for."""
        mean, spread = self._sizes
        most = int(np.ceil(n * mean + 3 * spread * np.sqrt(n))) + 2
        if self.context is not None:
            most = min(most, self.context - int(self.count_tokens([text])[0]))
        return max(most, _LEAST_TOKENS)

    def _spent(self, genes: Sequence[str]) -> int:
        return int(np.sum(self.count_tokens([f" {gene}" for gene in genes]))) if genes else 0


def jobs_of(
    prompts: Sequence[str], genes: GeneVocabulary, sampling: Sampling | None, seeds: Sequence[int] | None
) -> list[Job]:
    """One cell for each prompt."""
    greedy = sampling is None or sampling.temperature == 0 or seeds is None
    numbers = [None] * len(prompts) if greedy or seeds is None else [int(seed) for seed in seeds]
    return list(map(Job, prompts, genes.lengths(len(prompts)).tolist(), numbers))


def report(cells: Iterable[Cell]) -> None:
    """Say how often the endpoint had to be asked again, and how many cells are shorter than asked for."""
    all_cells = list(cells)
    if again := sum(cell.n_requests > 1 for cell in all_cells):
        logger.info(
            "%d of %d cells were asked for in parts (%d requests for %d cells): %d genes came a second time, %d words "
            "were not genes; neither is in the answers",
            again, len(all_cells), sum(cell.n_requests for cell in all_cells), len(all_cells),
            sum(cell.n_repeats for cell in all_cells), sum(cell.n_foreign for cell in all_cells),
        )  # fmt: skip
    if short := [cell for cell in all_cells if cell.stopped]:
        logger.warning(
            "%d of %d cells have fewer genes than asked for; the first has %d of %d: %s",
            len(short), len(all_cells), len(short[0].genes), short[0].n_wanted, short[0].stopped,
        )  # fmt: skip


def _rounded(n: int, all_genes: int) -> int:
    """The next power of two, or all genes of the cell: few different numbers make few grammars to compile.

    Examples
    --------
    >>> [_rounded(n, 200) for n in (1, 5, 100, 140, 200)], _rounded(5000, 5000)
    ([1, 8, 128, 200, 200], 1024)
    """
    return min(1 << (n - 1).bit_length(), all_genes, _AT_ONCE)


def _begins_with(name: str, there: Container[str]) -> bool:
    """Whether a name is one of those that are there, or goes on from one.

    Examples
    --------
    >>> [_begins_with(name, {"VIM", "CD3D"}) for name in ("VIM", "VIMP", "CD3")]
    [True, True, False]
    """
    return any(name[:end] in there for end in range(1, len(name) + 1))


def _words(choice: dict[str, Any], n: int) -> tuple[list[str], bool]:
    """Whole words of an answer, and whether it was cut: its last word may then be the start of a longer one.

    Examples
    --------
    >>> _words({"text": " CD3D CD3", "finish_reason": "length"}, 2)
    (['CD3D'], True)
    >>> _words({"text": " CD3D CD3", "finish_reason": "stop"}, 2)
    (['CD3D', 'CD3'], False)
    """
    words = choice["text"].split()
    ending = choice.get("finish_reason")
    cut = ending == "length" or (ending is None and len(words) < n)
    return (words[:-1] if cut and not choice["text"][-1:].isspace() else words), cut


def _not_held(dialect: Dialect, text: str) -> str:
    return (
        f"the endpoint took a grammar of genes ({dialect.field}) and answers {text[:60]!r}, which it forbids; see to "
        "the server's structured outputs, load the model with backend='torch', or let it write freely: constrain=False"
    )
