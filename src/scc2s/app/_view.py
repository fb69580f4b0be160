"""What readers see of the cells: taken at one time, and never changed while a tool writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from scc2s._cells.access import sentence_slots
from scc2s._cells.ranks import stored_ranks

from ._colors import colors_of
from ._kernels import column_of_rows
from ._plain import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anndata import AnnData

MISSING = 65535
"""Code of a cell without a value."""
_FIRST = ("X_umap", "X_tsne", "X_draw_graph_fa", "X_phate", "X_diffmap", "spatial", "X_pca")


class Categories(NamedTuple):
    """A column of categories."""

    codes: np.ndarray
    """uint16 for each cell; :data:`MISSING` for none."""
    names: list[str]
    colors: list[str]


@dataclass(frozen=True)
class View:
    """The cells at one time. Columns are shared with the AnnData, which replaces and never changes them in place."""

    obs: pd.DataFrame
    var_names: pd.Index
    obsm: Mapping[str, Any]
    layers: Mapping[str, Any]
    uns: Mapping[str, Any]
    X: Any
    raw: tuple[Any, pd.Index] | None
    ranks: tuple[np.ndarray, list[str]] | None
    version: int
    _sorted: dict[int, bool] = field(default_factory=dict)

    @classmethod
    def of(cls, adata: AnnData, version: int) -> View:
        """What is there now."""
        uns = dict(adata.uns)
        slots = sentence_slots()
        text = slots.text in adata.obs
        return cls(
            obs=adata.obs.copy(deep=False),
            var_names=adata.var_names,
            obsm={name: adata.obsm[name] for name in adata.obsm},
            layers={name: adata.layers[name] for name in adata.layers if name is not None},
            uns=uns,
            X=adata.X,
            raw=None if adata.raw is None else (adata.raw.X, adata.raw.var_names),
            ranks=None if text else stored_ranks(adata, slots),
            version=version,
        )

    @property
    def n_obs(self) -> int:
        """Cells."""
        return len(self.obs)

    @property
    def has_sentences(self) -> bool:
        """Whether the cells have sentences."""
        return self.ranks is not None or sentence_slots().text in self.obs

    def bases(self) -> dict[str, int]:
        """Arrays of ``.obsm`` that a cell can have a place in, with their width; pictures first."""
        found = {}
        for name, values in self.obsm.items():
            shape = np.shape(values)
            if len(shape) == 2 and shape[1] >= 2 and name != "c2s_ranks" and _is_numeric(values):
                found[name] = int(shape[1])
        known = [name for name in _FIRST if name in found]
        flat = [name for name in found if name not in known and found[name] == 2]
        return {name: found[name] for name in [*known[:-1], *flat, *known[-1:], *found]} if known else found

    def coordinates(self, basis: str, dims: int | None = 2) -> np.ndarray:
        """Places of the cells, float32; `dims` columns, or all."""
        bases = self.bases()
        if basis not in bases:
            msg = f"there are no places of cells named {basis!r}; pass basis= {_one_of(bases, 'sc.tl.umap(adata)')}"
            raise KeyError(msg)
        values = self.obsm[basis]
        values = values.to_numpy() if isinstance(values, pd.DataFrame) else np.asarray(values)
        return np.ascontiguousarray(values[:, :dims], dtype="<f4")

    def columns(self) -> list[dict[str, Any]]:
        """Columns of ``.obs`` with what they are."""
        return [{"name": str(name), "kind": kind_of(self.obs[name])} for name in self.obs.columns]

    def column(self, name: str) -> Categories | np.ndarray:
        """A column of ``.obs``: categories with colours, or numbers as float32."""
        if name not in self.obs:
            msg = f"obs has no column {name!r}; pass name= {_one_of(self.obs.columns, 'a column of adata.obs')}"
            raise KeyError(msg)
        values = self.obs[name]
        if kind_of(values) == "number":
            return np.ascontiguousarray(pd.to_numeric(values).to_numpy(dtype="<f4", na_value=np.nan))
        if kind_of(values) == "other":
            what = f"obs[{name!r}] holds {values.dtype}, which has no colours"
            msg = f"{what}; pass name= a column of numbers or categories"
            raise ValueError(msg)
        found = (values.astype(str) if values.dtype == bool else values).astype("category")
        names = [str(one) for one in found.cat.categories]
        if len(names) >= MISSING:
            msg = f"obs[{name!r}] has {len(names)} different values; pass name= a column of fewer than {MISSING}"
            raise ValueError(msg)
        codes = found.cat.codes.to_numpy()
        return Categories(
            np.where(codes < 0, MISSING, codes.astype(np.int64)).astype("<u2"), names, colors_of(name, names, self.uns)
        )

    def gene(self, name: str, layer: str | None = None) -> tuple[np.ndarray, str]:
        """Expression of a gene, float32, and where it stands: ``.raw`` where it is there, as scanpy's plots do."""
        if layer is not None:
            if layer not in self.layers:
                msg = f"there is no layer {layer!r}; pass layer= {_one_of(self.layers, 'none, for .raw or X')}"
                raise KeyError(msg)
            X, names, source = self.layers[layer], self.var_names, f"layers[{layer!r}]"
        elif self.raw is not None and (name in self.raw[1] or self.X is None):
            X, names, source = *self.raw, "raw.X"
        else:
            X, names, source = self.X, self.var_names, "X"
        place = np.flatnonzero(names == name)
        if not len(place):
            near = [str(one) for one in names if str(one).upper() == name.upper()]
            mend = f"pass name={near[0]!r}" if near else "pass name= one of var_names; /api/genes?prefix= lists them"
            msg = f"there is no gene {name!r} in {source}; {mend}"
            raise KeyError(msg)
        return self._values(X, int(place[0])), source

    def genes(self, prefix: str, most: int) -> list[str]:
        """Genes whose names begin so, whatever the case."""
        names = self.var_names if self.raw is None else self.raw[1].union(self.var_names, sort=False)
        upper = prefix.upper()
        return [str(name) for name in names if str(name).upper().startswith(upper)][:most]

    def sentence(self, row: int, n_genes: int) -> list[str]:
        """First genes of the sentence of a cell; empty where it has none."""
        if self.ranks is not None:
            ranks, words = self.ranks
            return [words[place] for place in ranks[row, :n_genes] if place >= 0]
        slot = sentence_slots().text
        text = self.obs[slot].iloc[row] if slot in self.obs else None
        return str(text).split()[:n_genes] if isinstance(text, str) else []

    def cell(self, row: int, n_genes: int) -> dict[str, Any]:
        """Name, sentence and values of a cell; texts that may be long are left out."""
        values = {
            str(name): plain(self.obs[name].iloc[row])
            for name in self.obs.columns
            if kind_of(self.obs[name]) in ("category", "number")
        }
        return {"row": row, "name": str(self.obs.index[row]), "sentence": self.sentence(row, n_genes), "obs": values}

    def _values(self, X: Any, column: int) -> np.ndarray:
        if sparse.issparse(X) and X.format == "csr" and self._is_sorted(X):
            out = np.zeros(self.n_obs, dtype="<f4")
            column_of_rows(X.indptr, X.indices, X.data, column, out)
            return out
        values = X[:, [column]]
        values = values.toarray() if sparse.issparse(values) else np.asarray(values)
        return np.ascontiguousarray(values.ravel(), dtype="<f4")

    def _is_sorted(self, X: Any) -> bool:
        if id(X) not in self._sorted:
            self._sorted[id(X)] = bool(X.has_sorted_indices and X.has_canonical_format)
        return self._sorted[id(X)]


def kind_of(values: pd.Series[Any]) -> str:
    """``"category"``, ``"number"``, ``"text"`` (may have many values), or ``"other"``."""
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype) or pd.api.types.is_bool_dtype(dtype):
        return "category"
    if pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_complex_dtype(dtype):
        return "number"
    return "text" if pd.api.types.is_object_dtype(dtype) or pd.api.types.is_string_dtype(dtype) else "other"


def _is_numeric(values: Any) -> bool:
    if isinstance(values, pd.DataFrame):
        return all(pd.api.types.is_numeric_dtype(dtype) for dtype in values.dtypes)
    return isinstance(values, np.ndarray) and values.dtype.kind in "fiu"


def _one_of(names: Any, otherwise: str) -> str:
    found = [repr(str(name)) for name in names]
    return f"one of {', '.join(found[:10])}{', ...' if len(found) > 10 else ''}" if found else otherwise
