from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scc2s.report._values import missing, number, text_of, without_paths


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (50_000, "50,000"),
        (-3, "\N{MINUS SIGN}3"),
        (np.int64(7), "7"),
        (True, "1"),
        (0.0, "0"),
        (0.91234, "0.912"),
        (1234.567, "1,235"),
        (-1.5734, "\N{MINUS SIGN}1.57"),
        (0.00012345, "0.000123"),
        (2.5e-9, "2.50e\N{MINUS SIGN}09"),
        (9.99e12, "9.99e+12"),
        (float("nan"), "\N{EN DASH}"),
        (np.float32("inf"), "\N{EN DASH}"),
    ],
)
def test_numbers_are_written_as_people_read_them(value, shown) -> None:
    assert number(value, "x").shown == shown


def test_shares_are_percent_and_keep_their_value() -> None:
    half = number(np.float32(0.5), "x", share=True)
    assert (half.shown, half.value) == ("50\N{NO-BREAK SPACE}%", 0.5)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("/home/ann/models/c2s-1b", "c2s-1b"),
        ("/home/ann/my models/c2s 1b/", "c2s 1b"),
        ("~/models/c2s", "c2s"),
        (r"C:\Users\ann\models\c2s", "c2s"),
        ("file:///srv/data/cells.h5ad", "cells.h5ad"),
        ("cannot read /srv/data/cells.h5ad as h5ad", "cannot read cells.h5ad as h5ad"),
        ("in '/srv/data/cells.h5ad'", "in 'cells.h5ad'"),
        ("http://ann:secret@host:8000/v1", "http://host:8000/v1"),
        ("vandijklab/C2S-Scale-Gemma-2-2B", "vandijklab/C2S-Scale-Gemma-2-2B"),
        ("CD4+/CD25 T Reg", "CD4+/CD25 T Reg"),
        ("T/NK cell", "T/NK cell"),
        ("10 ng/ml and 6 h", "10 ng/ml and 6 h"),
        ("a / b / c", "a / b / c"),
        ("https://huggingface.co/a/b", "https://huggingface.co/a/b"),
    ],
)
def test_folders_of_a_machine_go_and_everything_else_stays(text: str, left: str) -> None:
    assert without_paths(text) == left


def test_the_home_folder_of_the_user_goes_wherever_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: Path("/people/ann"))
    assert without_paths("key:/people/ann/x") == "key:~/x"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("None", ""),
        (np.bool_(False), "no"),
        (np.array([1, 2]), "1, 2"),
        ({"a": ["x", "y"]}, "a: x, y"),
        (float("nan"), "\N{EN DASH}"),
        (pd.NA, ""),
        (np.array([], dtype=object), ""),
    ],
)
def test_values_of_records_are_words(value, text: str) -> None:
    assert text_of(value) == text


def test_missing_values_of_all_kinds_are_missing() -> None:
    assert all(map(missing, (None, pd.NA, pd.NaT, float("nan"))))
    assert not any(map(missing, (0, "", False)))
