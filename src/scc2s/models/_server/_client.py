"""Requests to an endpoint: several at once, again where that helps, and errors that name the mend."""

from __future__ import annotations

import json
import math
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.parse import quote, urlsplit, urlunsplit
from urllib.request import Request

import numpy as np

from scc2s._logging import logger

from ._transport import Broken, Failed, Refused, fetch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Client", "Refused"]

_AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0
_JITTER = np.random.default_rng()


@dataclass(frozen=True)
class Client:
    """An endpoint. The key is read from the environment at each request and kept nowhere.

    Parameters
    ----------
    url
        Of the API, e.g. ``"http://localhost:8000/v1"``.
    api_key_env
        Variable of the environment with the key; without it none is sent.
    n_concurrent
        Requests at once.
    timeout
        Seconds for one, from the connection to the last byte of the answer.
    n_retries
        How often a request is sent again after the first time.
    """

    url: str
    api_key_env: str
    n_concurrent: int
    timeout: float
    n_retries: int

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            fine = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
            fine = fine and self.url.isascii() and self.url.isprintable() and " " not in self.url
        except ValueError:  # a port or brackets that are not
            fine = False
        if not fine:
            msg = f'{self.url!r} is not an address of a server; give one such as "http://localhost:8000/v1"'
            raise ValueError(msg)
        if parts.username or parts.password or parts.query or parts.fragment:
            msg = f"the address holds a name, a key or a query; leave them out and put the key into ${self.api_key_env}"
            raise ValueError(msg)
        numbers = isinstance(self.n_concurrent, Integral) and isinstance(self.n_retries, Integral)
        numbers = numbers and isinstance(self.timeout, Real)
        if not numbers or self.n_concurrent < 1 or not 0 < self.timeout < math.inf or self.n_retries < 0:
            msg = (
                f"n_concurrent={self.n_concurrent!r}, timeout={self.timeout!r}, n_retries={self.n_retries!r} make no "
                "request; pass an integer from 1, seconds over 0, and an integer from 0"
            )
            raise ValueError(msg)
        object.__setattr__(self, "url", urlunsplit(parts).rstrip("/"))

    def get(self, path: str) -> Any:
        """JSON of a page."""
        return self._send(path, None)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """JSON answer to JSON."""
        return self._send(path, body)

    def each(
        self, jobs: Sequence[Any], ask: Callable[[Any], Any], done: Callable[[], None]
    ) -> tuple[list[Any], dict[int, Exception]]:
        """Ask several at once; results in the order of the jobs, and what went wrong by number.

        After as many failures in a row as there are requests at once nothing more is sent.
        """
        results: list[Any] = [None] * len(jobs)
        errors: dict[int, Exception] = {}
        streak = 0

        def run(number: int) -> None:
            nonlocal streak
            if streak >= self.n_concurrent:
                errors[number] = ConnectionAbortedError("not sent after other failures")
                return
            try:
                results[number] = ask(jobs[number])
                streak = 0
                done()
            except (OSError, ValueError) as error:
                streak += 1
                errors[number] = error

        with ThreadPoolExecutor(self.n_concurrent) as pool:
            list(pool.map(run, range(len(jobs))))
        return results, errors

    def begin(self, found: Any) -> str:
        """How an answer begins, for messages."""
        return self.hide(str(found)[:4096])[:80]

    def hide(self, text: str) -> str:
        """The text without the key, for messages: some servers repeat the key that they refuse."""
        key = os.environ.get(self.api_key_env, "").strip()
        if not key:
            return text
        forms = {key, quote(key), quote(key, safe=""), json.dumps(key)[1:-1]}
        return re.sub("|".join(map(re.escape, sorted(forms, key=len, reverse=True))), "***", text, flags=re.IGNORECASE)

    def _send(self, path: str, body: dict[str, Any] | None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        last: Exception | None = None
        for attempt in range(self.n_retries + 1):
            if last is not None:
                self._pause(path, last, attempt)
            try:
                return self._once(path, data)
            except PermissionError:
                raise
            except (Failed, HTTPException, OSError) as error:
                if isinstance(error, Failed) and error.status not in _AGAIN:
                    raise self._refusal(path, error) from None
                last = error
                logger.debug("%s%s: %s", self.url, path, self._reason(error))
        msg = (
            f"{self.url}{path} gave no answer in {self.n_retries + 1} tries ({self._reason(last)}); see whether the "
            "server runs, or pass load(..., timeout=, n_retries=, n_concurrent=)"
        )
        raise (Broken if isinstance(last, Failed) else ConnectionError)(msg) from None

    def _pause(self, path: str, error: Exception, attempt: int) -> None:
        seconds, most = _wait(error, attempt), max(_LONGEST_WAIT, self.timeout)
        if seconds > most:
            msg = (
                f"{self.url}{path} asks to wait for {seconds:.0f} s ({self._reason(error)}), over the {most:g} s that "
                "are waited; try again then, or pass load(..., timeout=)"
            )
            raise ConnectionError(msg)
        time.sleep(seconds)

    def _once(self, path: str, data: bytes | None) -> Any:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if key := os.environ.get(self.api_key_env, "").strip():
            if not (key.isascii() and key.isprintable()):
                msg = (
                    f"${self.api_key_env} holds characters that no key has; set it again: export {self.api_key_env}=..."
                )
                raise PermissionError(msg)
            headers["Authorization"] = f"Bearer {key}"
        try:
            text = fetch(Request(f"{self.url}{path}", data=data, headers=headers), self.timeout)
        except Refused as error:
            raise Refused(self.hide(str(error)), error.status) from None
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            begins = self.hide(text[:4096].decode(errors="replace"))[:60]
            msg = (
                f"{self.url}{path} does not answer in JSON (it begins with {begins!r}); give the address of an "
                'OpenAI-compatible API, which often ends in "/v1"'
            )
            raise Refused(msg, 200) from None

    def _refusal(self, path: str, error: Failed) -> Exception:
        said = self.hide(_said(error.body))[:200]
        if error.status in (401, 403):
            msg = f"{self.url}{path} refuses access ({error.status}{said}); set the key: export {self.api_key_env}=..."
            return PermissionError(msg)
        if error.status in (404, 405):
            msg = f"{self.url} has no {path} ({error.status}{said}); see to the address and to model="
            return Refused(msg, error.status)
        return Refused(f"{self.url}{path} refuses the request ({error.status}{said})", error.status)

    def _reason(self, error: Exception | None) -> str:
        if isinstance(error, URLError):
            return self.hide(str(error.reason))
        return self.hide(str(error)) or type(error).__name__


def _said(body: bytes) -> str:
    """What the server says of an error."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    while isinstance(found, dict):
        found = found.get("error", found.get("message", found.get("detail")))
    return f": {' '.join(found.split())}" if isinstance(found, str) else ""


def _wait(error: Exception, attempt: int) -> float:
    """Seconds before another try: what the server asks for, else twice as long each time, with jitter."""
    asked = _seconds(error.retry_after) if isinstance(error, Failed) else None
    if asked is not None:
        return asked
    return float(min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** (attempt - 1)) * _JITTER.uniform(0.5, 1.0))


def _seconds(retry_after: str) -> float | None:
    """Seconds from now of a ``Retry-After``: a number or a date; ``None`` for something else."""
    text = retry_after.strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]*)?", text):
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - time.time())
