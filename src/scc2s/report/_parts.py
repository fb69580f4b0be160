"""What a report is made of: sections of blocks, before anything is written as HTML."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from ._values import Number

if TYPE_CHECKING:
    from collections.abc import Sequence

Piece = str | Number
"""A part of a sentence, or a cell of a table."""


@dataclass(frozen=True)
class Sentence:
    """Words and the numbers in them."""

    pieces: tuple[Piece, ...]

    @property
    def sources(self) -> list[str]:
        """Where its numbers come from, each once."""
        return list(dict.fromkeys(one.source for one in self.pieces if isinstance(one, Number) and one.source))


def say(text: str, *numbers: Piece) -> Sentence:
    """A sentence with ``{}`` for each number, or text from the data, in order.

    Examples
    --------
    >>> say("{} cells of {}.", Number(12, "12", "adata.n_obs"), "blood").pieces[0].shown
    '12'
    """
    parts = text.split("{}")
    if len(parts) != len(numbers) + 1:
        msg = f"{text!r} has room for {len(parts) - 1} values, not {len(numbers)}; pass one for each {{}}"
        raise ValueError(msg)
    pieces: list[Piece] = [parts[0]]
    for one, after in zip(numbers, parts[1:], strict=True):
        pieces += [one, after]
    return Sentence(tuple(piece for piece in pieces if piece != ""))


@dataclass(frozen=True)
class Said:
    """What a result comes to, for the beginning of the report."""

    topic: str
    sentences: Sequence[Sentence]
    also: Sequence[str] = ()
    """Sources of words, beside those of the numbers."""

    @property
    def sources(self) -> list[str]:
        """Where it comes from, each once."""
        return list(dict.fromkeys([*(source for one in self.sentences for source in one.sources), *self.also]))


@dataclass(frozen=True)
class Words:
    """A paragraph."""

    sentences: Sequence[Sentence]
    kind: ClassVar[str] = "words"


@dataclass(frozen=True)
class Note:
    """What a reader must not miss: ``"good"``, ``"caution"``, or ``"plain"``."""

    level: str
    sentence: Sentence
    kind: ClassVar[str] = "note"


@dataclass(frozen=True)
class Fact:
    """One line of a list."""

    name: str
    value: Piece
    source: str
    """Where a reader finds it."""
    note: str = ""


@dataclass(frozen=True)
class Facts:
    """A list of names, values and sources."""

    title: str
    rows: Sequence[Fact]
    kind: ClassVar[str] = "facts"


@dataclass(frozen=True)
class Table:
    """Rows under a header; the first cell of a row names it."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[Piece]]
    source: str
    colors: Sequence[str | None] = ()
    """Color of each row, shown before its name."""
    note: str = ""
    kind: ClassVar[str] = "table"

    @property
    def wide(self) -> list[bool]:
        """Which columns hold long texts."""
        columns = ([row[i] for row in self.rows] for i in range(len(self.header)))
        return [any(isinstance(cell, str) and len(cell) > 24 for cell in cells) for cells in columns]

    @property
    def numeric(self) -> list[bool]:
        """Which columns hold numbers."""
        return [any(isinstance(row[i], Number) for row in self.rows) for i in range(len(self.header))]


@dataclass(frozen=True)
class Figure:
    """A picture inside the file."""

    data: str
    """Address with the picture itself."""
    width: int
    height: int
    alt: str
    title: str
    source: str
    kind: ClassVar[str] = "figure"


@dataclass(frozen=True)
class Row:
    """Figures side by side, where there is room."""

    blocks: Sequence[Block]
    kind: ClassVar[str] = "row"


@dataclass(frozen=True)
class Bars:
    """Histograms of values from 0 to 1, drawn as shapes of the page."""

    title: str
    panels: Sequence[Panel]
    kind: ClassVar[str] = "bars"


@dataclass(frozen=True)
class Panel:
    """One of them."""

    name: str
    counts: Sequence[int]
    source: str

    @property
    def alt(self) -> str:
        """The same in words."""
        n = max(sum(self.counts), 1)
        low, high = sum(self.counts[: len(self.counts) // 2]), sum(self.counts[-len(self.counts) // 10 :])
        return (
            f"Histogram of {self.name} over {sum(self.counts):,} cells, from 0 to 1: {low / n:.0%} of the cells are "
            f"below 0.5, {high / n:.0%} at 0.9 or above."
        )

    @property
    def shapes(self) -> list[tuple[float, float, float, float]]:
        """x, y, width and height of each bar in a field of 400 by 100."""
        most, width = max(*self.counts, 1), 400 / len(self.counts)
        return [
            (i * width + 1, 100 - 100 * count / most, width - 2, 100 * count / most)
            for i, count in enumerate(self.counts)
        ]


@dataclass(frozen=True)
class Quote:
    """A text as it stands in the data: a prompt, an answer, a sentence."""

    title: str
    text: str
    source: str
    by_model: bool = False
    kind: ClassVar[str] = "quote"


@dataclass(frozen=True)
class Card:
    """A text of a model with what is said of it."""

    title: str
    text: str
    source: str
    flags: Sequence[tuple[str, str]] = ()
    """Level and words of short marks."""
    facts: Sequence[tuple[str, Piece]] = ()
    color: str | None = None
    kind: ClassVar[str] = "card"


@dataclass(frozen=True)
class Folded:
    """Blocks that a reader opens."""

    title: str
    blocks: Sequence[Block]
    kind: ClassVar[str] = "folded"


@dataclass(frozen=True)
class Part:
    """One result of a section, under a heading of its own."""

    title: str
    blocks: Sequence[Block]
    source: str = ""
    kind: ClassVar[str] = "part"


Block = Words | Note | Facts | Table | Figure | Row | Bars | Quote | Card | Folded | Part


@dataclass(frozen=True)
class Section:
    """A chapter of the report."""

    name: str
    """Its anchor."""
    title: str
    blocks: Sequence[Block]
    summary: Sequence[Said] = field(default_factory=list)
    """What it comes to, for the beginning of the report."""
