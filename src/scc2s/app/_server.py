"""A page and an API for an AnnData: the application, and the server that runs it."""

from __future__ import annotations

import errno
import socket
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from scc2s._cells.access import get_adata
from scc2s._cells.columns import opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from anndata import AnnData
    from mudata import MuData

    from scc2s.models import Model

LOCAL = ("localhost", "127.0.0.1", "::1")
"""Where a server can be reached from its own machine alone."""
_TURN = 0.0005
"""Seconds after which a tool that computes lets the thread go on that answers requests (5 ms is Python's own)."""


def build(
    adata: AnnData | MuData,
    *,
    model: str | Model | None = None,
    name: str = "cells.h5ad",
    token: str | None = None,
    hosts: Sequence[str] = (),
    local: bool = True,
    timeout: float = 600.0,
    queue: int = 64,
    max_mb: float = 16.0,
    mod: str = "rna",
) -> Any:
    """The page and the API as an ASGI application, for a server of your own.

    Parameters
    ----------
    adata
        Cells. Tools write their results into it.
    model
        Name of :func:`scc2s.models.catalogue`, hub id, folder, or a model from :func:`scc2s.models.load`; ``None``
        takes ``scc2s.settings.model``. It is loaded once the server runs. A request cannot name another.
    name
        What the page calls the cells.
    token
        What clients have to send (``Authorization: Bearer ...``); ``None``: nothing.
    hosts
        Names by which the server may be called, besides addresses and ``localhost``.
    local
        Whether it can be reached from this machine alone. Then no other address is taken; otherwise a token is needed.
    timeout
        Seconds that one answer may take.
    queue
        Questions that may wait; one more is refused with status 503 and ``Retry-After``. Where `local` is ``False`` one
        client may have half of them (429).
    max_mb
        Largest request, in MB (2**20 bytes).
    mod
        Modality, where `adata` is a MuData.

    Returns
    -------
    The application, of FastAPI.

    Raises
    ------
    ImportError
        FastAPI is not installed.
    TypeError, ValueError
        `adata` cannot take results, a limit is not above 0, or there is no token where one is needed.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> app = scc2s.app.build(sc.datasets.pbmc68k_reduced(), name="pbmc.h5ad")
    >>> sorted(path for path in app.openapi()["paths"] if "bin" in path)
    ['/api/column.bin', '/api/coordinates.bin', '/api/gene.bin']
    """
    fastapi = _needed("fastapi")
    if not local and not token:
        msg = "a server that others can reach needs a token; pass token= a long text that nobody guesses"
        raise ValueError(msg)
    for argument, value in {"timeout": timeout, "queue": queue, "max_mb": max_mb}.items():
        if not value > 0:
            msg = f"{argument}={value!r} is not above 0; pass a number that is"
            raise ValueError(msg)
    _, data = opened(adata, mod=mod, copy=False)
    from scc2s import __version__, settings

    from ._asker import Asker
    from ._cells import Cells
    from ._errors import add_handlers
    from ._guard import Guard
    from ._jobs import Job, Lane
    from ._routes_data import data_routes
    from ._routes_files import file_routes
    from ._routes_tools import tool_routes
    from ._service import Service

    lane = Lane(int(queue), None if local else max(1, int(queue) // 2))
    asker = Asker(settings.model if model is None else model)
    service = Service(Cells(data, name), asker, lane, float(timeout), int(max_mb * 2**20))

    @asynccontextmanager
    async def running(_app: Any) -> AsyncIterator[None]:
        lane.submit(Job(service.prepare, lambda _name, _data: None, client="", seconds=float("inf")))
        try:
            yield
        finally:
            lane.close()

    app = fastapi.FastAPI(
        title="scc2s", version=__version__, docs_url=None, redoc_url=None, lifespan=running, description=_ABOUT
    )
    for routes in (data_routes, tool_routes, file_routes):
        app.include_router(routes(service))
    add_handlers(app)
    app.add_middleware(Guard, local=local, hosts=hosts, token=token, most_bytes=service.most_bytes)
    app.state.service = service
    return app


def serve(
    adata: AnnData | MuData,
    *,
    model: str | Model | None = None,
    host: str = "127.0.0.1",
    port: int = 8765,
    name: str = "cells.h5ad",
    token: str | None = None,
    hosts: Sequence[str] = (),
    timeout: float = 600.0,
    queue: int = 64,
    max_mb: float = 16.0,
    mod: str = "rna",
    started: Callable[[str], None] | None = None,
) -> None:
    """Show cells on a local page, and answer calls of its API, until it is stopped (Ctrl-C).

    The page draws an embedding, colours it by columns and genes, and lets a model caption, compare and perturb cells
    that are chosen on it, each answer with its evidence and controls. The HTTP API behind it takes the same calls from
    Python, R or curl; ``/openapi.json`` describes it. Results are written into `adata`, in memory alone.

    Parameters
    ----------
    adata
        Cells, with a place for each in ``.obsm`` (e.g. of :func:`scanpy.tl.umap`). Tools write into it.
    model
        Name of :func:`scc2s.models.catalogue`, hub id, folder, or a model from :func:`scc2s.models.load`; ``None``
        takes ``scc2s.settings.model``. It is loaded once the server runs. A request cannot name another.
    host
        Address to listen at. One that others can reach makes a token necessary.
    port
        Port; 0: any that is free.
    name
        What the page calls the cells.
    token
        What clients have to send (``Authorization: Bearer ...``). ``None``: nothing on this machine alone, else one
        that is made up and printed.
    hosts
        Names by which the server may be called, besides addresses, ``localhost`` and the name of the machine.
    timeout
        Seconds that one answer may take.
    queue
        Questions that may wait; one more is refused with status 503 and ``Retry-After``. Where others can reach the
        server, one client may have half of them (429).
    max_mb
        Largest request, in MB (2**20 bytes).
    mod
        Modality, where `adata` is a MuData.
    started
        Called with the address of the page once it can be opened; ``None`` logs it.

    Raises
    ------
    ImportError
        FastAPI or uvicorn is not installed.
    OSError
        The address or port cannot be listened at.
    TypeError, ValueError
        `adata` cannot take results, or a limit is not above 0.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> scc2s.app.serve(adata, model="scc2s-mini")  # doctest: +SKIP
    """
    uvicorn = _needed("uvicorn")
    local = host in LOCAL
    if token is None and not local:
        import secrets

        token = secrets.token_urlsafe(24)
    machine = () if local else (socket.gethostname(), socket.getfqdn())
    get_adata(adata, mod)
    app = build(
        adata, model=model, name=name, token=token, hosts=[*hosts, *machine], local=local, timeout=timeout,
        queue=queue, max_mb=max_mb, mod=mod,
    )  # fmt: skip
    listening = listen(host, port)
    address = address_of(listening, host, token)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=3, server_header=False
    )
    server = _announcing(uvicorn, config, lambda: _say(address, started))
    before = sys.getswitchinterval()
    sys.setswitchinterval(_TURN)
    try:
        server.run(sockets=[listening])
    finally:
        sys.setswitchinterval(before)
        listening.close()


def check_can_serve(host: str, port: int) -> None:
    """Refuse what :func:`serve` would refuse, before the cells are read.

    Raises
    ------
    ImportError, OSError
        As :func:`serve`.
    """
    for name in ("fastapi", "uvicorn"):
        _needed(name)
    listen(host, port).close()


def listen(host: str, port: int) -> socket.socket:
    """A socket at an address.

    Raises
    ------
    OSError
        It is taken, or not of this machine.
    """
    try:
        kind, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        found = socket.socket(kind, socket.SOCK_STREAM)
    except OSError as error:
        msg = f"there is no address {host!r} to listen at ({error.strerror}); pass host= one of this machine"
        raise OSError(msg) from error
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(where)
    except OSError as error:
        found.close()
        mend = "port= another one, or 0 for any that is free"
        if error.errno == errno.EADDRNOTAVAIL:
            mend = "host= an address of this machine"
        msg = f"cannot listen at {host}, port {port} ({error.strerror}); pass {mend}"
        raise OSError(msg) from error
    return found


def address_of(listening: socket.socket, host: str, token: str | None) -> str:
    """What to open in a browser. A token stands after ``#``, which browsers send to nobody."""
    port = listening.getsockname()[1]
    shown = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname()}.get(host, host)
    shown = f"[{shown}]" if ":" in shown else shown
    return f"http://{shown}:{port}/" + (f"#token={token}" if token else "")


_ABOUT = (
    "Cells of one file, and a Cell2Sentence language model. Answers are text of a model, not findings; research use "
    "only. Tools wait in one queue: a full one answers 503 (or 429) with Retry-After."
)


def _announcing(uvicorn: Any, config: Any, say: Callable[[], None]) -> Any:
    """A server that says when it can be reached."""

    class Announcing(uvicorn.Server):  # type: ignore[misc]  # imported where it is used
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets=sockets)
            if self.started:
                say()

    return Announcing(config)


def _say(address: str, started: Callable[[str], None] | None) -> None:
    from scc2s._logging import logger

    if started is None:
        logger.warning("the page is at %s (Ctrl-C stops it)", address)
    else:
        started(address)


def _needed(name: str) -> Any:
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError as error:
        msg = f"the page needs {name}; call pip install 'scc2s[app]'"
        raise ImportError(msg) from error
