from __future__ import annotations

import pandas as pd
import pytest

from scc2s.train._divide import divide


def table(task: str, *pairs: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame(pairs, columns=["prompt", "completion"]).assign(task=task)


CELLS = table("cell_type", ("A B", " x"), ("B A", " y"), ("C A", " x"))
WRITTEN = table("generate", ("a B cell", " A B"), ("a B cell", " B A"), ("a T cell", " C"))


def test_a_split_column_says_what_is_trained_and_validated_with() -> None:
    samples = CELLS.assign(split=pd.Categorical(["train", "val", "test"]))
    own, held = divide(samples, None)
    assert own["prompt"].tolist() == ["A B"]
    assert held is not None
    assert held["prompt"].tolist() == ["B A"]
    _, given = divide(samples, table("cell_type", ("D", " x")))
    assert given is not None
    assert given["prompt"].tolist() == ["D"]


@pytest.mark.parametrize(
    ("split", "said"),
    [(["train", "val", None], r"holds \['nothing'\]"), (["val", "val", "test"], "no sample has split 'train'")],
)
def test_a_split_that_says_nothing_is_refused(split: list, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        divide(CELLS.assign(split=split), None)


def test_a_cell_in_both_tables_is_a_leak_whatever_its_answer() -> None:
    held = pd.concat([CELLS.iloc[[1]].assign(completion=" other"), table("cell_type", ("D", " x"))], ignore_index=True)
    with pytest.raises(
        ValueError, match=r"1 of 2 samples of the validation.*1 of task 'cell_type'; the first in row 0"
    ):
        divide(CELLS, held)


def test_a_prompt_with_several_answers_leaks_only_with_the_same_answer() -> None:
    samples = pd.concat([CELLS, WRITTEN], ignore_index=True)
    own, held = divide(samples, table("generate", ("a B cell", " C A"), ("a T cell", " A")))
    assert len(own) == 6
    assert held is not None
    with pytest.raises(ValueError, match="1 of task 'generate'; the first in row 1"):
        divide(samples, table("generate", ("a B cell", " C A"), ("a B cell", " B A")))


def test_what_is_no_table_and_what_is_blank_in_a_validation_are_named() -> None:
    with pytest.raises(TypeError, match="samples is a list, not a DataFrame"):
        divide([("a", " b")], None)
    with pytest.raises(ValueError, match="1 validation have no completion"):
        divide(CELLS, table("cell_type", ("D", " ")))
    with pytest.raises(ValueError, match="no samples to validate with"):
        divide(CELLS, CELLS.head(0))
