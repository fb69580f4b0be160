"""The page itself, and the cells as a file."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse

from ._answering import respond

if TYPE_CHECKING:
    from ._cells import Cells
    from ._service import Service

_STATIC = Path(__file__).parent / "static"
_KINDS = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


def file_routes(service: Service) -> APIRouter:
    """Routes of files."""
    router = APIRouter(tags=["files"])
    # Read once: no name that a request brings is ever joined to a path.
    files = {path.name: path.read_bytes() for path in _STATIC.iterdir() if path.suffix in _KINDS}

    def sent(name: str) -> Response:
        if name not in files:
            raise HTTPException(404)
        headers = {"Cache-Control": "no-cache"}
        return Response(files[name], media_type=_KINDS[Path(name).suffix], headers=headers)

    @router.get("/", include_in_schema=False)
    async def page() -> Response:
        return sent("index.html")

    @router.get("/static/{name}", include_in_schema=False)
    async def static(name: str) -> Response:
        return sent(name)

    @router.get("/api/download", summary="The cells with all results, as h5ad", response_class=Response)
    async def download(request: Request) -> Response:
        """Waits in the queue as a tool does, so that no result is half in it."""
        name = f"{Path(service.cells.name).stem}-scc2s.h5ad"

        def make(path: Path) -> Response:
            gone = BackgroundTask(path.unlink, missing_ok=True)
            return FileResponse(path, media_type="application/x-hdf5", filename=name, background=gone)

        return respond(request, service.lane, partial(_written, service.cells), seconds=service.seconds, make=make)

    return router


def _written(cells: Cells) -> Path:
    """A new file with the cells, in the folder for such files."""
    from scc2s._io import write_h5ad

    with tempfile.NamedTemporaryFile(prefix="scc2s-", suffix=".h5ad", delete=False) as file:
        path = Path(file.name)
    try:
        write_h5ad(cells.adata, path)
    except BaseException as error:
        path.unlink(missing_ok=True)
        if not isinstance(error, Exception) or isinstance(error, OSError | MemoryError):
            raise
        said = " ".join(" ".join([str(error), *getattr(error, "__notes__", ())]).split())[:400]
        msg = f"the cells cannot be written: {said}; drop or convert it in the AnnData"
        raise ValueError(msg) from error
    return path
