"""What a question holds that the model was not taught, as far as it says what it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s._logging import logger
from scc2s.models._catalogue import entry
from scc2s.models._taught import taught
from scc2s.models._words import has_genes, own_tokens
from scc2s.prompts._organism import organism_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scc2s.models import Model
    from scc2s.tl._asking.question import Question

FEW = 0.5
"""Share of words that are tokens under which a model hardly reads a sentence."""


@dataclass(frozen=True)
class Untaught:
    """Labels, organisms and words of a question beside those of the model."""

    labels: list[str]
    """Not among those that the model declares, in any wording; empty where it declares none."""
    organisms: list[str]
    """The same for organisms of the prompts."""
    own_tokens: np.ndarray | None
    """Share of the words of each sentence that are one token each; ``None`` where nobody can tell."""
    reads_genes: bool
    """Whether the tokens of the model were made for genes, so that a gene without one was never learned."""

    @property
    def read(self) -> np.ndarray | None:
        """Share of each cell that the model can have learned; ``None`` where tokens do not tell."""
        return self.own_tokens if self.reads_genes else None

    def entry(self) -> dict[str, Any]:
        """For the record."""
        return {
            "labels_not_taught": np.array(self.labels, dtype=object),
            "organisms_not_taught": np.array(self.organisms, dtype=object),
            "own_tokens": self._mean(),
        }

    def say(self, model: Model, n_labels: int) -> None:
        """One line for each thing that was not taught."""
        if self.labels:
            known = wordings_of(model) or []
            shown = ", ".join(repr(label) + _near(label, known) for label in self.labels[:3])
            logger.warning(
                "%s was not taught %d of %d labels: %s%s; it may be wrong and sure of it; those that it was taught: "
                "labels=scc2s.models.load(...).labels",
                model.id, len(self.labels), n_labels, shown, ", ..." if len(self.labels) > 3 else "",
            )  # fmt: skip
        if self.organisms:
            logger.warning(
                "the prompts are about %s, and %s was trained on %s only",
                ", ".join(self.organisms), model.id, ", ".join(_organisms_of(model)),
            )  # fmt: skip
        if self.reads_genes and self._mean() < FEW:
            logger.warning(
                "%.0f %% of the words of the sentences are genes that %s has no token for, so it never learned them; "
                "use a model of this organism, or see whether the names are symbols: sc.pp.c2s_check(adata)",
                100 * (1 - self._mean()), model.id,
            )  # fmt: skip

    def _mean(self) -> float:
        return float("nan") if self.own_tokens is None or not len(self.own_tokens) else float(self.own_tokens.mean())


def compare(model: Model, question: Question, labels: Sequence[str], target: str) -> Untaught:
    """Look at a question before it is asked.

    Parameters
    ----------
    model
        Who is asked.
    question
        The prompts.
    labels
        To choose from.
    target
        What is asked for; labels are declared for cell types.
    """
    known = wordings_of(model) if target == "cell_type" else None
    trained = _organisms_of(model)
    here = sorted(set(question.fields.get("organism", [])))
    tokenizer = getattr(model, "tokenizer", None)
    readable = callable(tokenizer) and hasattr(tokenizer, "eos_token_id")
    return Untaught(
        labels=[] if known is None else [label for label in labels if label not in set(known)],
        organisms=[name for name in here if name not in trained] if trained else [],
        own_tokens=_shares(tokenizer, question) if readable else None,
        reads_genes=readable and has_genes(tokenizer),
    )


def wordings_of(model: Model) -> list[str] | None:
    """Every wording of a cell type that the model declares; ``None`` where it declares none."""
    if model.labels is None:
        return None
    others = taught(model).wordings
    return list(dict.fromkeys([*model.labels, *others, *(text for texts in others.values() for text in texts)]))


def _near(label: str, known: Sequence[str]) -> str:
    """What the model knows that has all words of a label, in brackets.

    Examples
    --------
    >>> _near("T cells", ["B cell", "CD4 T cell", "CD8 T cell"])
    " (it knows 'CD4 T cell', 'CD8 T cell')"
    """
    words = _words(label)
    found = [repr(one) for one in known if words and words <= _words(one)]
    return f" (it knows {', '.join(found[:2])})" if found else ""


def _words(label: str) -> set[str]:
    return {word.removesuffix("s") for word in label.casefold().replace("-", " ").split()}


def _organisms_of(model: Any) -> list[str]:
    """Organisms that the model, or its row of the catalogue, declares."""
    declared = taught(model).organisms or (entry(str(model.id)) or {}).get("organisms")
    return [organism_name(name) for name in declared or []]


def _shares(tokenizer: Any, question: Question) -> np.ndarray:
    # Split twice, so that the words of all cells are never in memory together.
    words = sorted({word for sentence in _sentences(question) for word in sentence})
    own = dict(zip(words, own_tokens(tokenizer, words).tolist(), strict=True))
    shares = (sum(map(own.__getitem__, sentence)) / max(len(sentence), 1) for sentence in _sentences(question))
    return np.fromiter(shares, dtype=np.float64, count=len(question.cells))


def _sentences(question: Question) -> Iterator[list[str]]:
    return map(question.genes, range(len(question.cells)))
