"""Results as JSON can hold them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd


def plain(value: Any) -> Any:
    """Tables as lists of rows, numbers that are none as ``None``.

    Examples
    --------
    >>> plain({"table": pd.DataFrame({"n": [1.0, float("nan")]}), "at": np.arange(2)})
    {'table': [{'n': 1.0}, {'n': None}], 'at': [0, 1]}
    """
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, pd.DataFrame):
        return [{str(name): plain(one) for name, one in row.items()} for row in value.to_dict("records")]
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, np.ndarray | pd.Series | pd.Index):
        return [plain(one) for one in value.tolist()]
    if isinstance(value, list | tuple | set):
        return [plain(one) for one in value]
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return None if value is pd.NA or value is pd.NaT else str(value)
