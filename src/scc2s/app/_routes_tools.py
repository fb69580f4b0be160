"""Routes that ask the model. Each answers with JSON, or, where the client takes text/event-stream, with events."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response

from . import _tools_cells as of_cells
from . import _tools_words as of_words
from ._answering import respond
from ._asked import Annotate, Answered, Ask, Caption, Compare, Embed, Failed, Generate, Perturb, Search

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._service import Service

_EVENTS = (
    "With Accept: text/event-stream, events: queued {ahead}, started, step {task, n, total}, text {answer, text} (the "
    "answer so far; the second one is the control, asked without genes), note {text}, and at last done (the same as "
    "the JSON) or error."
)
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"model": Answered, "content": {"text/event-stream": {}}, "description": _EVENTS},
    422: {"model": Failed, "description": "Something in the request, or in the cells, does not fit."},
    429: {"model": Failed, "description": "Too many questions of yours wait (Retry-After)."},
    503: {"model": Failed, "description": "Too many questions wait (Retry-After)."},
    504: {"model": Failed, "description": "The answer took too long."},
}


def tool_routes(service: Service) -> APIRouter:
    """Routes of the tools."""
    router = APIRouter(prefix="/api", tags=["tools"])

    def answered(request: Request, tool: Callable[..., dict[str, Any]], asked: Any) -> Response:
        work = partial(tool, service.cells, service.asker, asked)
        return respond(request, service.lane, work, seconds=service.seconds)

    @router.post("/embed", summary="Embed cells", responses=_ANSWERS)
    async def embed(request: Request, asked: Embed) -> Response:
        """All cells: written to obsm, to be read by /api/coordinates.bin. Some cells: returned."""
        return answered(request, of_cells.embed, asked)

    @router.post("/annotate", summary="Label cells", responses=_ANSWERS)
    async def annotate(request: Request, asked: Annotate) -> Response:
        """All cells: written to obs. Some cells: returned. With the control questions and their verdict."""
        return answered(request, of_cells.annotate, asked)

    @router.post("/caption", summary="Caption cells", responses=_ANSWERS)
    async def caption(request: Request, asked: Caption) -> Response:
        """The caption, what the cells say of the genes and the type in it, and the caption without genes."""
        return answered(request, of_words.caption, asked)

    @router.post("/ask", summary="Ask about cells", responses=_ANSWERS)
    async def ask(request: Request, asked: Ask) -> Response:
        """The answer, the genes that it rests on, its claims held against the cells, and the answer without genes."""
        return answered(request, of_words.ask, asked)

    @router.post("/compare", summary="Compare two groups of cells", responses=_ANSWERS)
    async def compare(request: Request, asked: Compare) -> Response:
        """As ask, about how the two differ."""
        return answered(request, of_words.compare, asked)

    @router.post("/generate", summary="Write new cells", responses=_ANSWERS)
    async def generate(request: Request, asked: Generate) -> Response:
        """Their sentences, and how they stand beside real ones."""
        return answered(request, of_cells.generate, asked)

    @router.post("/perturb", summary="Predict perturbed cells", responses=_ANSWERS)
    async def perturb(request: Request, asked: Perturb) -> Response:
        """A layer of the file, the genes that change, the controls, and the verdict."""
        return answered(request, of_cells.perturb, asked)

    @router.post("/search", summary="Find cells", responses=_ANSWERS)
    async def search(request: Request, asked: Search) -> Response:
        """A column with the score of each cell, the best, and how other orders of the words do."""
        return answered(request, of_cells.search, asked)

    return router
