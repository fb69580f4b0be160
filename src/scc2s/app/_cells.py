"""The cells of a server: one AnnData that one tool at a time may change, and the view that everybody reads."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ._view import View

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from anndata import AnnData

SELECTION = "selection"
"""Columns of ``.obs`` with cells that somebody chose are called ``selection_1``, ``selection_2``, ..."""


class Cells:
    """What is served.

    Parameters
    ----------
    adata
        The cells. Tools write into it, in the one thread that works.
    name
        What people know it by, such as the name of its file.
    """

    def __init__(self, adata: AnnData, name: str) -> None:
        self.adata, self.name = adata, name
        self.view = View.of(adata, 0)
        self._selections: dict[str, str] = {}

    @property
    def changed(self) -> bool:
        """Whether there is more in the cells than was read."""
        return self.view.version > 0

    @contextmanager
    def changing(self) -> Iterator[AnnData]:
        """The AnnData for a tool; readers see what it wrote when it has ended."""
        try:
            yield self.adata
        finally:
            self.view = View.of(self.adata, self.view.version + 1)

    @contextmanager
    def preparing(self) -> Iterator[AnnData]:
        """As :meth:`changing`, for what is made of the cells and is no result."""
        try:
            yield self.adata
        finally:
            self.view = View.of(self.adata, self.view.version)

    @contextmanager
    def grouped(self, sides: Mapping[str, np.ndarray]) -> Iterator[str]:
        """A column of ``.obs`` that has the sides as its categories, and no value elsewhere.

        It stays where the tool within ends well, as its results name it; the same cells get the same column again.
        """
        digest = hashlib.blake2b(digest_size=16)
        for side, rows in sides.items():
            digest.update(f"{side}\0{len(rows)}\0".encode())
            digest.update(np.ascontiguousarray(rows, dtype="<i8").tobytes())
        mark = digest.hexdigest()
        known = self._selections.get(mark)
        if known is not None and known in self.adata.obs:
            yield known
            return
        name = self._free()
        codes = np.full(self.adata.n_obs, -1)
        for code, rows in enumerate(sides.values()):
            codes[rows] = code
        self.adata.obs[name] = pd.Categorical.from_codes(codes, categories=pd.Index(list(sides)))
        try:
            yield name
        except BaseException:
            del self.adata.obs[name]
            raise
        self._selections[mark] = name

    def free_key(self, stem: str) -> str:
        """A name in ``uns["c2s"]`` that no result has yet."""
        ours: Mapping[str, Any] = self.adata.uns.get("c2s", {})
        n = 1
        while f"{stem}_{n}" in ours:
            n += 1
        return f"{stem}_{n}"

    def _free(self) -> str:
        n = 1
        while f"{SELECTION}_{n}" in self.adata.obs:
            n += 1
        return f"{SELECTION}_{n}"
