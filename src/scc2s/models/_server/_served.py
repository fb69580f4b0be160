"""Which model an endpoint serves."""

from __future__ import annotations

from typing import Any

from ._client import Client, Refused
from ._transport import Broken

_MOST_NAMED = 10


def served(client: Client, model: str | None) -> tuple[str, int | None]:
    """Name and context window of a model; some servers do not list what they serve.

    Raises
    ------
    ValueError
        The list is not one, has no such model, or has several and none is named.
    """
    try:
        found = client.get("/models")
    except Refused as error:
        if error.status == 200 or model is None:
            raise
        return model, None
    except Broken as error:  # e.g. `transformers serve`, which lists the folder of the hub, where there is none
        if model is None:
            msg = f"{error}; where it serves a model that it cannot list, pass model= its name"
            raise ConnectionError(msg) from None
        return model, None
    windows = _windows(found)
    if windows is None:
        msg = f'{client.url}/models lists no models; give the address of an OpenAI-compatible API, e.g. ending in "/v1"'
        raise ValueError(msg)
    names = client.hide(", ".join(sorted(windows)[:_MOST_NAMED]))[:500]
    if model is None:
        if len(windows) != 1:
            msg = f"{client.url} serves {len(windows)} models ({names}); name one: model=..."
            raise ValueError(msg)
        model = next(iter(windows))
    if windows and model not in windows:
        msg = f"{client.url} serves no {model!r} but {names}; pass model= one of these"
        raise ValueError(msg)
    window = windows.get(model) or None
    if window is not None and (type(window) is not int or window < 1):
        msg = (
            f"{client.url}/models says that {model!r} reads {client.hide(str(window))[:30]!r} tokens (max_model_len), "
            "which is not a number of tokens; see to the server"
        )
        raise ValueError(msg)
    return model, window


def _windows(found: Any) -> dict[str, Any] | None:
    """What is said of the context window of each model."""
    rows = found.get("data") if isinstance(found, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) and isinstance(row.get("id"), str) for row in rows):
        return None
    return {row["id"]: row.get("max_model_len") for row in rows}
