"""Packages of the extra ``atlas``, and an error that names it where they are not there."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def need(module: str) -> Any:
    """A module of the extra.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        msg = f"scc2s.atlas needs {module.partition('.')[0]}; call pip install 'scc2s[atlas]'"
        raise ImportError(msg) from error
