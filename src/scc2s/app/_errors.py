"""Errors as JSON, in the sentence that mends them."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from scc2s._logging import logger
from scc2s.models._listening import Stopped

from ._jobs import Full

if TYPE_CHECKING:
    from fastapi import FastAPI, Request

_STATUS: list[tuple[type[BaseException], int]] = [
    (TimeoutError, 504),
    (ConnectionError, 502),
    (ImportError, 501),
    (NotImplementedError, 501),
    (MemoryError, 503),
    (KeyError, 422),
    (TypeError, 422),
    (ValueError, 422),
    (FloatingPointError, 422),
    (OSError, 502),
]
_NOT_FOUND = {
    404: "there is nothing at {path}; /openapi.json lists all there is",
    405: "{path} is not asked with {method}; /openapi.json says how",
}


def described(error: BaseException) -> dict[str, Any]:
    """Status, kind and message of an error; of one that nobody expected the kind alone, and the log has the rest."""
    if isinstance(error, Stopped):
        return {"status": 499, "kind": "Stopped", "message": "the work was stopped; ask again"}
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), None)
    said = error.args[0] if isinstance(error, KeyError) and error.args else error
    text = " ".join(str(said).split())
    if status is None or " " not in text:
        logger.error("the page met an error: %s", "".join(traceback.format_exception(error)))
        what = f"{type(error).__name__}: {text}"[:300]
        msg = f"the server met an error that it does not know ({what}); its log has more: please report it"
        return {"status": 500, "kind": type(error).__name__, "message": msg}
    return {"status": status, "kind": type(error).__name__, "message": text}


def answer(status: int, kind: str, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """A response with an error."""
    body = {"error": {"status": status, "kind": kind, "message": message}}
    return JSONResponse(body, status_code=status, headers=headers)


def no_room(error: Full) -> JSONResponse:
    """Too many questions: 429 where they are the client's own, 503 where they are everybody's."""
    return answer(429 if error.own else 503, "Full", str(error), {"Retry-After": str(error.retry_after)})


def add_handlers(app: FastAPI) -> None:
    """Let all errors be answered in one form."""

    @app.exception_handler(RequestValidationError)
    async def _invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        found = error.errors()[0]
        place = ".".join(str(part) for part in found["loc"] if part not in ("body", "query", "path")) or "the body"
        said = str(found["msg"]).removeprefix("Value error, ")
        return answer(422, "ValueError", f"{place}: {said}; /openapi.json has all that may be passed")

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> JSONResponse:
        said = _NOT_FOUND.get(error.status_code, str(error.detail))
        text = said.format(path=request.url.path, method=request.method)
        return answer(error.status_code, "HTTPException", text, dict(error.headers or {}))

    @app.exception_handler(Full)
    async def _full(_request: Request, error: Full) -> JSONResponse:
        return no_room(error)

    @app.exception_handler(Exception)
    async def _other(_request: Request, error: Exception) -> JSONResponse:
        found = described(error)
        status = 404 if isinstance(error, KeyError) and found["status"] == 422 else found["status"]
        return answer(status, found["kind"], found["message"])

    for kind in (KeyError, ValueError):  # else they would be raised again after the answer
        app.exception_handler(kind)(_other)
