from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as attribute
from functools import cached_property
from string import Formatter
from typing import TYPE_CHECKING

import numpy as np

from scc2s.sentences._join_cells import CELL, join_cells

from ._shorten import genes_and_cells

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SENTENCE = "cell_sentence"
N_GENES = "n_genes"
CELLS = "multi_cell_sentences"
"""Field that holds several cells, each under a header."""
N_CELLS = "n_cells"
SENTENCES = (SENTENCE, "perturbed_sentence")
"""Fields that hold a cell rather than text from a table."""


@dataclass(frozen=True)
class Rendered:
    """Prompts ready for a model."""

    texts: list[str]
    """One prompt a cell, or one for several cells."""
    spans: list[tuple[int, int]]
    """First and last + 1 character of the cell sentence, or of the block of cells, in each prompt; (0, 0) where the
    template has none."""
    n_genes: list[int]
    """Genes in each prompt's sentence; of several cells the most that one has."""
    n_shortened: int
    """Prompts that were cut, at a gene or a cell, to fit the context window."""
    n_cells: list[int] = attribute(default_factory=list)
    """Cells in each prompt, where a prompt holds several."""
    n_fewer: int = 0
    """Prompts that lost cells too."""


@dataclass(frozen=True)
class Task:
    r"""A question to a language model: a template with fields, and how the answer is written.

    Parameters
    ----------
    name
        Name of the task, e.g. ``"cell_type"``.
    template
        Prompt with fields in braces: ``{cell_sentence}``, ``{n_genes}`` (words in the sentence), ``{organism}``, or any
        other name, to be filled from `fields` or a column of ``.obs``. For several cells in one prompt
        ``{multi_cell_sentences}`` and ``{n_cells}``. ``{{`` and ``}}`` stand for braces.
    response
        Expected answer, with fields; begins with the space that parts it from the prompt.
    family
        Wording the task belongs to; a model is at its best with the family it was trained on.
    cell
        How one of several cells is written in ``{multi_cell_sentences}``: a text with ``{number}`` and
        ``{cell_sentence}``. For a checkpoint that saw other headers: ``dataclasses.replace(task, cell="...")``.

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
    cell: str = CELL

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
        if sorted(_fields(self.cell)) != [SENTENCE, "number"]:
            msg = (
                f"cell of task {self.name!r} is {self.cell!r}; pass cell= a text with {{number}} and "
                f"{{{SENTENCE}}}, e.g. {CELL!r}"
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
        sentences: Sequence[str | Sequence[str]],
        fields: Mapping[str, str | Sequence[str]] | None = None,
        *,
        count_tokens: Callable[[Sequence[str]], np.ndarray] | None = None,
        max_tokens: int | None = None,
    ) -> Rendered:
        """Write one prompt for each sentence, or for each list of sentences.

        Parameters
        ----------
        sentences
            Cell sentences; for a template with ``{multi_cell_sentences}`` a list of them for each prompt, one a cell.
        fields
            Values of the other fields: one text for all prompts, or one a prompt. ``{n_genes}`` and, for several cells,
            ``{n_cells}`` may be among them, where they are the numbers to write rather than those of the sentences.
        count_tokens, max_tokens
            Where both are given, a sentence whose prompt has more tokens than `max_tokens` loses genes from its end
            until it fits; ``{n_genes}`` follows. Several cells lose genes from the ends of the longest sentences, down
            to 50 of each; if that is not enough, cells from the end, and the others keep as many genes as then fit;
            ``{n_genes}`` is the most genes that one of them has.

        Returns
        -------
        The prompts, and where the sentence (or the block of cells) stands in each.

        Raises
        ------
        KeyError
            If the template has a field that is not given.
        TypeError
            If a template for several cells gets a single sentence, or the other way round.
        ValueError
            If a field has the wrong number of values, or a prompt does not fit even without genes.
        """
        fields = dict(fields or {})
        several = CELLS in self.fields and CELLS not in fields
        columns = self._columns(fields, len(sentences), several=several)
        cells = [self._cells(one, several=several) for one in sentences]
        keep = np.array([max(map(len, one), default=0) for one in cells], dtype=np.int64)
        n_cells = np.array([len(one) for one in cells], dtype=np.int64)

        def fill(i: int, n: int, n_cells: int) -> tuple[str, tuple[int, int]]:
            some = [genes[:n] for genes in cells[i][:n_cells]]
            return self._fill(some, {name: values[i] for name, values in columns.items()}, several=several)

        drawn = [fill(i, n, c) for i, (n, c) in enumerate(zip(keep.tolist(), n_cells.tolist(), strict=True))]
        n_shortened = n_fewer = 0
        if count_tokens is not None and max_tokens is not None and sentences:
            long = np.flatnonzero(np.asarray(count_tokens([t for t, _ in drawn])) > max_tokens)
            n_shortened = len(long)
            if n_shortened:
                if SENTENCE not in self.fields and not several:
                    msg = (
                        f"{n_shortened} prompts have more than {max_tokens} tokens and no sentence to "
                        "shorten; shorten their fields"
                    )
                    raise ValueError(msg)

                def fits(at: np.ndarray, genes: np.ndarray, some: np.ndarray) -> np.ndarray:
                    texts = [fill(*one)[0] for one in zip(long[at].tolist(), genes, some, strict=True)]
                    return np.asarray(count_tokens(texts)) <= max_tokens

                bare = np.asarray(count_tokens([fill(i, 0, 1)[0] for i in long.tolist()]))
                if (bare > max_tokens).any():
                    msg = (
                        f"a prompt has {bare.max()} tokens without any gene, {max_tokens} fit; use a shorter prompt "
                        "or another model"
                    )
                    raise ValueError(msg)
                keep[long], left = genes_and_cells(keep[long], n_cells[long], fits)
                n_fewer = int((left < n_cells[long]).sum())
                n_cells[long] = left
                for i in long.tolist():
                    keep[i] = min(keep[i], max(map(len, cells[i][: n_cells[i]]), default=0))
                    drawn[i] = fill(i, keep[i], n_cells[i])
        counts = n_cells.tolist() if several else []
        return Rendered([t for t, _ in drawn], [s for _, s in drawn], keep.tolist(), n_shortened, counts, n_fewer)

    def _columns(self, fields: Mapping[str, str | Sequence[str]], n: int, *, several: bool) -> dict[str, Sequence[str]]:
        """Values of the fields that sentences do not give, one a prompt."""
        own = (CELLS, N_GENES, N_CELLS) if several else (SENTENCE, N_GENES)
        columns: dict[str, Sequence[str]] = {}
        for name in self.fields:
            if name == SENTENCE or (several and name == CELLS) or (name in own and name not in fields):
                continue
            if name not in fields:
                msg = (
                    f"the prompt of task {self.name!r} has a field {{{name}}} that is not given; pass "
                    f"fields={{{name!r}: ...}}"
                )
                raise KeyError(msg)
            value = fields[name]
            columns[name] = [value] * n if isinstance(value, str) else list(value)
            if len(columns[name]) != n:
                msg = f"field {name!r} has {len(columns[name])} values for {n} cells; pass one text, or one a cell"
                raise ValueError(msg)
        return columns

    def _cells(self, given: str | Sequence[str], *, several: bool) -> list[list[str]]:
        """Genes of each cell of one prompt."""
        if isinstance(given, str) == several:
            wanted = "a list of sentences for each prompt" if several else "one sentence for each prompt"
            msg = f"the prompt of task {self.name!r} takes {wanted}; pass render([{[] if several else ''!r}, ...])"
            raise TypeError(msg)
        return [given.split()] if isinstance(given, str) else [sentence.split() for sentence in given]

    def _fill(self, cells: list[list[str]], fields: Mapping[str, str], *, several: bool) -> tuple[str, tuple[int, int]]:
        text, span = "", (0, 0)
        for literal, field, _, _ in Formatter().parse(self.template):
            text += literal
            if field == (CELLS if several else SENTENCE):
                start = len(text)
                sentences = [" ".join(genes) for genes in cells]
                text += join_cells(sentences, cell=self.cell) if several else sentences[0]
                span = (start, len(text))
            elif field == N_GENES:
                text += str(fields.get(N_GENES, max(map(len, cells), default=0)))
            elif field == N_CELLS and several:
                text += str(fields.get(N_CELLS, len(cells)))
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
