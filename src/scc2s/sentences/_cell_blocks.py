from __future__ import annotations

from dataclasses import dataclass

from ._split_cells import headed, without_echo


@dataclass(frozen=True)
class CellBlocks:
    """Cells of one text, each with what its header said."""

    texts: list[str]
    """What stands under the headers, in the order of the text."""
    numbers: list[int | None]
    """Number in the header of each; ``None`` where it has none."""

    @property
    def n_without_header(self) -> int:
        """Cells without a header, such as the first one after a prompt that ends with it."""
        return self.numbers.count(None)

    @property
    def n_repeated(self) -> int:
        """Cells whose number an earlier one has."""
        there = [number for number in self.numbers if number is not None]
        return len(there) - len(set(there))

    @property
    def in_order(self) -> bool:
        """Whether the numbers that are there rise."""
        there = [number for number in self.numbers if number is not None]
        return there == sorted(set(there))

    def placed(self, n_cells: int) -> list[str]:
        r"""The text of cell 1, 2, ..., `n_cells`, by the numbers of the headers (scc2s definition).

        A number from 1 to `n_cells` puts its text there; of several with one number the first. All other texts (no
        header, a number that is taken or out of range) fill the places that are left, in the order of the text. What
        finds no place is left out; a place that nothing fills is ``""``.

        Examples
        --------
        >>> cell_blocks("Cell 3: C\nCell 1: A\nB").placed(3)
        ['A', 'B', 'C']
        """
        found: dict[int, str] = {}
        rest = []
        for number, text in zip(self.numbers, self.texts, strict=True):
            if number is not None and 1 <= number <= n_cells and number not in found:
                found[number] = text
            else:
                rest.append(text)
        others = iter(rest)
        return [found[n] if n in found else next(others, "") for n in range(1, n_cells + 1)]


def cell_blocks(text: str, *, prompt: str = "") -> CellBlocks:
    r"""Read a text about several cells under headers ``Cell 1:``, ``Cell 2:``, whatever became of the headers.

    The rules are those of :func:`split_cells` (scc2s definition): a cell ends at the next header or at the end of its
    line; a line without header is a cell of its own; of headers without text between them the last counts; what holds
    no letter or digit, such as a full stop on a line of its own, is left out; an echo of the prompt is left out first.

    Parameters
    ----------
    text
        What a model wrote.
    prompt
        What it was asked.

    Examples
    --------
    >>> found = cell_blocks("Cell 2: C A\n.\nCell 1:\nA B\nB C")
    >>> found.texts, found.numbers, found.in_order
    (['C A', 'A B', 'B C'], [2, 1, None], False)
    """
    found = list(headed(without_echo(text, prompt)))
    return CellBlocks([part for _, part in found], [number for number, _ in found])
