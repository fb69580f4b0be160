"""A local page and an HTTP API for one file of cells."""

from ._server import build, serve

__all__ = ["build", "serve"]
