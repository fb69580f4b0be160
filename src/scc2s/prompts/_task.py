from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from string import Formatter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SENTENCE = "cell_sentence"
N_GENES = "n_genes"
SENTENCES = (SENTENCE, "perturbed_sentence")
"""Fields that hold a cell rather than text from a table."""


@dataclass(frozen=True)
class Rendered:
    """Prompts ready for a model."""

    texts: list[str]
    """One prompt a cell."""
    spans: list[tuple[int, int]]
    """First and last + 1 character of the cell sentence in each prompt; (0, 0) where the template has none."""
    n_genes: list[int]
    """Genes in each prompt's sentence."""
    n_shortened: int
    """Sentences that were cut, at a gene, to fit the context window."""


@dataclass(frozen=True)
class Task:
    r"""A question to a language model: a template with fields, and how the answer is written.

    Parameters
    ----------
    name
        Name of the task, e.g. ``"cell_type"``.
    template
        Prompt with fields in braces: ``{cell_sentence}``, ``{n_genes}`` (words in the sentence), ``{organism}``, or any
        other name, to be filled from `fields` or a column of ``.obs``. ``{{`` and ``}}`` stand for braces.
    response
        Expected answer, with fields; begins with the space that parts it from the prompt.
    family
        Wording the task belongs to; a model is at its best with the family it was trained on.

    Examples
    --------
    >>> task = Task("tissue", "Genes: {cell_sentence}\nTissue:", " {tissue}")
    >>> task.render(["CD3D LYZ"]).texts
    ['Genes: CD3D LYZ\nTissue:']
    >>> task.complete(tissue="blood")
    ' blood'
    """

    name: str
    template: str
    response: str = " {answer}"
    family: str = "custom"

    def __post_init__(self) -> None:
        for what in ("template", "response"):
            try:
                parts = list(Formatter().parse(getattr(self, what)))
            except ValueError as error:
                msg = (
                    f"{what} of task {self.name!r} has an unpaired brace ({error}); write {{{{ or }}}} for a "
                    "brace itself"
                )
                raise ValueError(msg) from error
            for _, field, spec, conversion in parts:
                if field is not None and (not field.isidentifier() or spec or conversion):
                    msg = (
                        f"{what} of task {self.name!r} has the field {{{field}}}, which is not a plain name; "
                        "use {name}, and {{ or }} for a brace itself"
                    )
                    raise ValueError(msg)

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """Names of the template's fields, in order of appearance."""
        return _fields(self.template)

    @cached_property
    def response_fields(self) -> tuple[str, ...]:
        """Names of the response's fields, in order of appearance."""
        return _fields(self.response)

    def render(
        self,
        sentences: Sequence[str],
        fields: Mapping[str, str | Sequence[str]] | None = None,
        *,
        count_tokens: Callable[[Sequence[str]], np.ndarray] | None = None,
        max_tokens: int | None = None,
    ) -> Rendered:
        """Write one prompt for each sentence.

        Parameters
        ----------
        sentences
            Cell sentences.
        fields
            Values of the other fields: one text for all cells, or one a cell. ``{n_genes}`` may be among them, where it
            is the number of genes to write rather than that of the sentence.
        count_tokens, max_tokens
            Where both are given, a sentence whose prompt has more tokens than `max_tokens` loses genes from its end
            until it fits; ``{n_genes}`` follows.

        Returns
        -------
        The prompts, and where the sentence stands in each.

        Raises
        ------
        KeyError
            If the template has a field that is not given.
        ValueError
            If a field has the wrong number of values, or a prompt does not fit even without genes.
        """
        fields = dict(fields or {})
        columns: dict[str, Sequence[str]] = {}
        for name in self.fields:
            if name == SENTENCE or (name == N_GENES and name not in fields):
                continue
            if name not in fields:
                msg = (
                    f"the prompt of task {self.name!r} has a field {{{name}}} that is not given; pass "
                    f"fields={{{name!r}: ...}}"
                )
                raise KeyError(msg)
            value = fields[name]
            columns[name] = [value] * len(sentences) if isinstance(value, str) else list(value)
            if len(columns[name]) != len(sentences):
                msg = (
                    f"field {name!r} has {len(columns[name])} values for {len(sentences)} cells; pass one "
                    "text, or one a cell"
                )
                raise ValueError(msg)
        genes = [s.split() for s in sentences]
        keep = np.array([len(g) for g in genes], dtype=np.int64)
        drawn = [self._fill(g, {n: c[i] for n, c in columns.items()}) for i, g in enumerate(genes)]
        n_shortened = 0
        if count_tokens is not None and max_tokens is not None and sentences:
            long = np.flatnonzero(np.asarray(count_tokens([t for t, _ in drawn])) > max_tokens).tolist()
            n_shortened = len(long)
            if n_shortened:
                if SENTENCE not in self.fields:
                    msg = (
                        f"{n_shortened} prompts have more than {max_tokens} tokens and no sentence to "
                        "shorten; shorten their fields"
                    )
                    raise ValueError(msg)
                rows = [{n: c[i] for n, c in columns.items()} for i in long]
                fit = self._genes_that_fit([genes[i] for i in long], rows, count_tokens, max_tokens)
                for i, n, row in zip(long, fit, rows, strict=True):
                    keep[i] = n
                    drawn[i] = self._fill(genes[i][:n], row)
        return Rendered([t for t, _ in drawn], [s for _, s in drawn], keep.tolist(), n_shortened)

    def _genes_that_fit(
        self,
        genes: list[list[str]],
        rows: list[dict[str, str]],
        count_tokens: Callable[[Sequence[str]], np.ndarray],
        max_tokens: int,
    ) -> np.ndarray:
        """Largest number of leading genes with which each prompt fits: bisection over all prompts at once."""
        low, high = np.zeros(len(genes), dtype=np.int64), np.array([len(g) for g in genes], dtype=np.int64)
        bare = np.asarray(count_tokens([self._fill([], r)[0] for r in rows]))
        if (bare > max_tokens).any():
            msg = (
                f"a prompt has {bare.max()} tokens without any gene, {max_tokens} fit; use a shorter prompt "
                "or another model"
            )
            raise ValueError(msg)
        while (high - low > 1).any():
            middle = (low + high) // 2
            texts = [self._fill(g[:n], r)[0] for g, n, r in zip(genes, middle, rows, strict=True)]
            fits = np.asarray(count_tokens(texts)) <= max_tokens
            low, high = np.where(fits, middle, low), np.where(fits, high, middle)
        return low

    def _fill(self, genes: list[str], fields: Mapping[str, str]) -> tuple[str, tuple[int, int]]:
        text, span = "", (0, 0)
        for literal, field, _, _ in Formatter().parse(self.template):
            text += literal
            if field == SENTENCE:
                start = len(text)
                text += " ".join(genes)
                span = (start, len(text))
            elif field == N_GENES:
                text += str(fields.get(N_GENES, len(genes)))
            elif field is not None:
                text += str(fields[field])
        return text, span

    def complete(self, **fields: str) -> str:
        """Write the expected answer, e.g. a choice to score or the completion of a training sample."""
        text = ""
        for literal, field, _, _ in Formatter().parse(self.response):
            text += literal
            if field is not None:
                if field not in fields:
                    msg = (
                        f"the response of task {self.name!r} has a field {{{field}}} that is not given; pass "
                        f"{field}=..."
                    )
                    raise KeyError(msg)
                text += str(fields[field])
        return text

    def answer(self, text: str) -> str:
        """What a generated text says: without the literal start and end of the response, stray space or full stop."""
        parts = list(Formatter().parse(self.response))
        start = parts[0][0].strip() if parts else ""
        tail = parts[-1] if parts and parts[-1][1] is None else None
        out = text.strip()
        if start and out.startswith(start):
            out = out[len(start) :].strip()
        if tail is not None and tail[0].strip() and out.endswith(tail[0].strip()):
            out = out[: -len(tail[0].strip())]
        return out.strip().rstrip(".").strip()


def _fields(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f for _, f, _, _ in Formatter().parse(text) if f is not None))
