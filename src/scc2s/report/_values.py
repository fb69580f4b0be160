"""Values as people read them, each with the expression that gives it back."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

UNKNOWN = "\N{EN DASH}"
_MINUS = "\N{MINUS SIGN}"
_BLANK = "\N{NO-BREAK SPACE}"
_START = r"(?:^|(?<=[\s'\"(=\[,;]))(?:file://)?"
_ROOT = r"(?:~\w*/|/|[A-Za-z]:[\\/]|\\\\)"
_PART = r"[^\s'\"<>|,;()\[\]\\/]+"
_PATH = re.compile(rf"{_START}{_ROOT}(?:{_PART}[\\/])+({_PART})?")
_WHOLE = re.compile(rf"(?:file://)?{_ROOT}.*[\\/]([^\\/]+)[\\/]?")
_USER = re.compile(r"(https?://)[^/@\s]*@")


@dataclass(frozen=True)
class Number:
    """A number, how it is written, and where it comes from."""

    value: float | int
    shown: str
    source: str
    """Expression in Python that gives `value`, of ``adata``."""


def number(value: Any, source: str, *, digits: int = 3, share: bool = False) -> Number:
    r"""A number as it is shown.

    Parameters
    ----------
    value
        Number; what is not finite is shown as a dash.
    source
        Expression that gives it.
    digits
        Significant digits of what is not whole.
    share
        Show it in percent.

    Examples
    --------
    >>> number(50000, "adata.n_obs").shown, number(0.91234, "p").shown, number(0.91234, "p", share=True).shown
    ('50,000', '0.912', '91.2\xa0%')
    """
    found = value.item() if isinstance(value, np.generic) else value
    if isinstance(found, bool):
        found = int(found)
    if isinstance(found, int):
        return Number(found, f"{found:,}".replace("-", _MINUS), source)
    found = float(found)
    if not math.isfinite(found):
        return Number(found, UNKNOWN, source)
    if share:
        return Number(found, f"{_written(100 * found, digits)}{_BLANK}%", source)
    return Number(found, _written(found, digits), source)


def _written(value: float, digits: int) -> str:
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 10 ** (digits + 3) or size < 1e-4:
        text = f"{value:.{digits - 1}e}"
    else:
        decimals = max(0, digits - 1 - math.floor(math.log10(size)))
        text = f"{value:,.{decimals}f}"
        if "." in text:
            text = text.rstrip("0").rstrip(".")
    return text.replace("-", _MINUS)


def without_paths(text: str) -> str:
    """A text in which files and folders of a machine have their last name alone, and addresses no user.

    Examples
    --------
    >>> without_paths("weights of /home/ann/models/c2s-1b, read twice")
    'weights of c2s-1b, read twice'
    >>> without_paths("/data/my models/c2s 1b"), without_paths("CD4+/CD25 T Reg"), without_paths("org/model")
    ('c2s 1b', 'CD4+/CD25 T Reg', 'org/model')
    """
    home = str(Path.home())
    if len(home) > 1:
        text = text.replace(home, "~")
    if "\n" not in text and len(text) < 1000 and (found := _WHOLE.fullmatch(text)):
        return found[1]
    return _USER.sub(r"\1", _PATH.sub(lambda one: one[1] or "", text))


def text_of(value: Any) -> str:
    """A value of a record in words; empty where there is none.

    Examples
    --------
    >>> text_of(np.array(["a", "b"], dtype=object)), text_of("None"), text_of(True)
    ('a, b', '', 'yes')
    """
    if value is None or (isinstance(value, str) and value == "None"):
        return ""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, np.ndarray | list | tuple):
        return ", ".join(text_of(one) for one in np.asarray(value, dtype=object).ravel().tolist())
    if isinstance(value, dict):
        return "; ".join(f"{key}: {text_of(one)}" for key, one in value.items())
    if isinstance(value, int | float | np.number):
        return number(value, "").shown
    if missing(value):
        return ""
    return str(value)


def missing(value: Any) -> bool:
    """Whether a value of a table is not there."""
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value))
