"""Routes that read: what there is, places of cells, columns, genes, single cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Response

from ._colors import ramp
from ._view import MISSING, Categories

if TYPE_CHECKING:
    from ._service import Service

_BINARY: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {}}, "description": "Numbers, one after another, little-endian."}
}
Name = Annotated[str, Query(min_length=1, max_length=300)]


def data_routes(service: Service) -> APIRouter:
    """Routes that change nothing, and wait for no tool."""
    router = APIRouter(prefix="/api", tags=["data"])
    cells = service.cells

    @router.get("/data", summary="What there is")
    def data() -> dict[str, Any]:
        """Number of cells and genes, columns of obs, embeddings, layers, the model, and how busy the server is."""
        view = cells.view
        return {
            "name": cells.name,
            "n_obs": view.n_obs,
            "n_vars": len(view.var_names),
            "columns": view.columns(),
            "bases": [{"name": name, "dims": dims} for name, dims in view.bases().items()],
            "layers": list(view.layers),
            "sentences": view.has_sentences,
            "results": _results(view.uns),
            "changed": cells.changed,
            "version": view.version,
            "model": service.asker.described(),
            "limits": service.limits(),
            "queue": {"waiting": service.lane.n_waiting, "busy": service.lane.is_busy},
            "ramp": ramp(),
        }

    @router.get("/coordinates", summary="One embedding: its range")
    def coordinates(basis: Name) -> dict[str, Any]:
        """Number of cells, dtype, and the lowest and highest place on both axes."""
        found = cells.view.coordinates(basis)
        finite = found[np.isfinite(found).all(axis=1)]
        low, high = (finite.min(axis=0), finite.max(axis=0)) if len(finite) else (np.zeros(2), np.ones(2))
        return {
            "basis": basis,
            "n": len(found),
            "n_missing": len(found) - len(finite),
            "dtype": "float32",
            "low": low.tolist(),
            "high": high.tolist(),
        }

    @router.get("/coordinates.bin", summary="One embedding: its numbers", responses=_BINARY, response_class=Response)
    def coordinates_bin(basis: Name, dims: Annotated[str, Query(pattern="^(2|all)$")] = "2") -> Response:
        """float32, cell by cell: x, y of each; with dims=all all columns."""
        return _binary(cells.view.coordinates(basis, None if dims == "all" else 2))

    @router.get("/column", summary="A column of obs: what it is")
    def column(name: Name) -> dict[str, Any]:
        """Of categories their names and colours (those of scanpy), of numbers their range."""
        found = cells.view.column(name)
        if isinstance(found, Categories):
            counts = np.bincount(found.codes, minlength=MISSING + 1)
            return {
                "name": name,
                "kind": "category",
                "dtype": "uint16",
                "missing": MISSING,
                "n_missing": int(counts[MISSING]),
                "categories": found.names,
                "colors": found.colors,
                "counts": counts[: len(found.names)].tolist(),
            }
        return {"name": name, "kind": "number", "dtype": "float32", **_range(found)}

    @router.get("/column.bin", summary="A column of obs: its values", responses=_BINARY, response_class=Response)
    def column_bin(name: Name) -> Response:
        """uint16 for each cell, the number of its category (65535: none), or float32 (NaN: none)."""
        found = cells.view.column(name)
        return _binary(found.codes if isinstance(found, Categories) else found)

    @router.get("/gene", summary="A gene: its range")
    def gene(name: Name, layer: str | None = None) -> dict[str, Any]:
        """Where its expression stands (.raw where there is one, as scanpy's plots), and its range."""
        found, source = cells.view.gene(name, layer)
        return {"name": name, "kind": "number", "dtype": "float32", "source": source, **_range(found)}

    @router.get("/gene.bin", summary="A gene: its values", responses=_BINARY, response_class=Response)
    def gene_bin(name: Name, layer: str | None = None) -> Response:
        """float32 for each cell."""
        return _binary(cells.view.gene(name, layer)[0])

    @router.get("/genes", summary="Genes whose names begin so")
    def genes(prefix: str = "", most: Annotated[int, Query(ge=1, le=100_000)] = 50) -> list[str]:
        """In the order of the file, whatever the case."""
        return cells.view.genes(prefix, most)

    @router.get("/cells/{row}", summary="One cell")
    def cell(row: int, n_genes: Annotated[int, Query(ge=0, le=10_000)] = 50) -> dict[str, Any]:
        """Its name, the first genes of its sentence, and its values in obs."""
        view = cells.view
        if not 0 <= row < view.n_obs:
            msg = f"there is no cell {row}; pass a number from 0 to {view.n_obs - 1}"
            raise KeyError(msg)
        return view.cell(row, n_genes)

    return router


def _binary(values: np.ndarray) -> Response:
    headers = {"X-Dtype": values.dtype.name, "X-Shape": ",".join(map(str, values.shape))}
    return Response(values.tobytes(), media_type="application/octet-stream", headers=headers)


def _range(values: np.ndarray) -> dict[str, Any]:
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)
    return {"low": low, "high": high, "n_missing": int(np.isnan(values).sum())}


def _results(uns: Any) -> list[str]:
    ours = uns.get("c2s", {})
    return sorted(str(name) for name in ours) if hasattr(ours, "keys") else []
