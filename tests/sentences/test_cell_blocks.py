from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scc2s.sentences import cell_blocks, join_cells, split_cells

CELLS = st.lists(st.lists(st.from_regex(r"[A-Z][A-Z0-9.-]{1,6}", fullmatch=True), min_size=1, max_size=5), max_size=5)


@settings(deadline=None, max_examples=60)
@given(CELLS, st.randoms())
def test_cells_in_any_order_are_put_where_their_headers_say(cells: list[list[str]], random: object) -> None:
    sentences = [" ".join(cell) for cell in cells]
    lines = [f"Cell {i}: {sentence}" for i, sentence in enumerate(sentences, 1)]
    random.shuffle(lines)
    found = cell_blocks("\n.\n".join(lines))
    assert found.placed(len(cells)) == sentences
    assert found.in_order == (lines == sorted(lines))
    assert (found.n_without_header, found.n_repeated) == (0, 0)
    assert found.texts == split_cells("\n".join(lines))


@settings(deadline=None, max_examples=40)
@given(CELLS)
def test_what_is_joined_is_split_again(cells: list[list[str]]) -> None:
    sentences = [" ".join(cell) for cell in cells]
    assert split_cells(join_cells(sentences)) == sentences
    assert split_cells(join_cells(sentences, cell="Cell {number}:\n{cell_sentence}\n.")) == sentences


@pytest.mark.parametrize(
    ("text", "numbers", "placed"),
    [
        ("A\nCell 2: B", [None, 2], ["A", "B", ""]),  # the prompt ended with the first header
        ("Cell 1: A\nB\nCell 3: C", [1, None, 3], ["A", "B", "C"]),  # a header is missing
        ("Cell 1: Cell 1: A\nCell 2:\nCell 2: B", [1, 2], ["A", "B", ""]),  # headers are doubled
        ("Cell 2: A\nCell 2: B\nCell 1: C", [2, 2, 1], ["C", "A", "B"]),  # two cells of one number
        ("Cell 1: Cell 3: A", [3], ["", "", "A"]),  # of headers without text the last counts
        ("Cell 9: A\nCell 0: B", [9, 0], ["A", "B", ""]),  # numbers out of range
        ("Cell 1: A\nCell 2: B\nCell 3: C\nCell 4: D", [1, 2, 3, 4], ["A", "B", "C"]),  # more than there are
        ("cell  1 : A\n.\n...\nCELL 2:B", [1, 2], ["A", "B", ""]),
        ("", [], ["", "", ""]),
    ],
)
def test_every_rule_of_headers(text: str, numbers: list[int | None], placed: list[str]) -> None:
    found = cell_blocks(text)
    assert found.numbers == numbers
    assert found.placed(3) == placed


def test_irregular_headers_are_counted() -> None:
    found = cell_blocks("A\nCell 2: B\nCell 2: C\nCell 1: D")
    assert (found.n_without_header, found.n_repeated, found.in_order) == (1, 1, False)


def test_an_echoed_prompt_is_no_cell() -> None:
    prompt = "Cell 1: FOXP3\nMore cells:"
    assert cell_blocks(f"{prompt} Cell 1: CD79A", prompt=prompt).texts == ["CD79A"]
