"""What readers of tables have in common."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scc2s._cells.provenance import record
from scc2s._logging import logger

if TYPE_CHECKING:
    from anndata import AnnData

MISSING = ("", "-666", "-666.0", "na", "nan", "n/a", "none", "null")
"""Texts that stand for a missing value, in small letters; ``-666`` is that of L1000."""


def existing(path: str | Path, what: str) -> Path:
    """The path of a file that is there.

    Raises
    ------
    FileNotFoundError
        If it is not.
    """
    found = Path(path)
    if not found.is_file():
        msg = f"there is no file {path}; pass the path of {what}"
        raise FileNotFoundError(msg)
    return found


def opened_text(path: Path) -> IO[str]:
    """A text file, packed by gzip or not, whatever its name says."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rt", encoding="utf-8") if packed else path.open(encoding="utf-8")


def typed(values: Any) -> pd.Series[Any]:
    """A column of texts as numbers where all are, with missing values where the file has none."""
    texts = pd.Series([value.decode() if isinstance(value, bytes) else value for value in values], dtype=object)
    missing = texts.astype(str).str.strip().str.lower().isin(MISSING)
    texts[missing] = np.nan
    numbers = pd.to_numeric(texts, errors="coerce")
    if bool((numbers.notna() == texts.notna()).all()) and bool(texts.notna().any()):
        return numbers
    return texts.where(missing, texts.astype(str))


def unique_names(names: Any, what: str) -> pd.Index:
    """Names as texts.

    Raises
    ------
    ValueError
        If one comes twice.
    """
    found = pd.Index([name.decode() if isinstance(name, bytes) else str(name) for name in names], dtype=object)
    if found.has_duplicates:
        msg = f"{what} {found[found.duplicated()][0]!r} comes twice in the file; write it again with different ids"
        raise ValueError(msg)
    return found


def noted(adata: AnnData, source: str, params: dict[str, Any], mends: list[str] | None = None) -> None:
    """Write to ``uns["c2s"]["read"]`` where the data came from, and say what was mended."""
    for mend in mends or []:
        logger.info("%s: %s", source, mend)
    record(adata, "read", {"from": source, **params, **({} if mends is None else {"mends": mends})})
