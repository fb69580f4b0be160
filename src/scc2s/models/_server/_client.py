"""Requests to an endpoint: several at once, again where that helps, and errors that name the mend."""

from __future__ import annotations

import json
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import Request, urlopen

from scc2s._logging import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0


class Refused(ValueError):
    """The endpoint does not take a request: asking again does not help."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


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
        Seconds for one.
    n_retries
        How often a request is sent again after the first time.
    """

    url: str
    api_key_env: str
    n_concurrent: int
    timeout: float
    n_retries: int

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            msg = f'{self.url!r} is no address of a server; give one such as "http://localhost:8000/v1"'
            raise ValueError(msg)
        if parts.username or parts.password or parts.query:
            msg = f"the address holds a name, a key or a query; leave them out and put the key into ${self.api_key_env}"
            raise ValueError(msg)
        if self.n_concurrent < 1 or self.timeout <= 0 or self.n_retries < 0:
            msg = (
                f"n_concurrent={self.n_concurrent}, timeout={self.timeout}, n_retries={self.n_retries} make no "
                "request; pass at least 1, over 0 and 0"
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

    def _send(self, path: str, body: dict[str, Any] | None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        last: Exception | None = None
        for attempt in range(self.n_retries + 1):
            if last is not None:
                time.sleep(_wait(last, attempt))
            try:
                return self._once(path, data)
            except (HTTPError, URLError, HTTPException, TimeoutError, ConnectionError) as error:
                if isinstance(error, HTTPError) and error.code not in _AGAIN:
                    raise self._refusal(path, error) from None
                last = error
                logger.debug("%s%s: %s", self.url, path, _reason(error))
        msg = (
            f"{self.url}{path} gave no answer in {self.n_retries + 1} tries ({_reason(last)}); see whether the server "
            "runs, or pass load(..., timeout=, n_retries=, n_concurrent=)"
        )
        raise ConnectionError(msg) from None

    def _once(self, path: str, data: bytes | None) -> Any:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if key := os.environ.get(self.api_key_env):
            headers["Authorization"] = f"Bearer {key}"
        request = Request(f"{self.url}{path}", data=data, headers=headers)
        with urlopen(request, timeout=self.timeout) as answer:
            text = answer.read()  # a length raises no error where the answer breaks off
        try:
            return json.loads(text)
        except ValueError:
            msg = (
                f"{self.url}{path} does not answer in JSON (it begins with {text[:60]!r}); give the address of an "
                'OpenAI-compatible API, which often ends in "/v1"'
            )
            raise Refused(msg, 200) from None

    def _refusal(self, path: str, error: HTTPError) -> Exception:
        said = _said(error)
        if error.code in (401, 403):
            msg = f"{self.url}{path} refuses access ({error.code}{said}); set the key: export {self.api_key_env}=..."
            return PermissionError(msg)
        if error.code in (404, 405):
            msg = f"{self.url} has no {path} ({error.code}{said}); see to the address and to model="
            return Refused(msg, error.code)
        return Refused(f"{self.url}{path} refuses the request ({error.code}{said})", error.code)


def _said(error: HTTPError) -> str:
    """What the server says of an error, without anything that looks like a key."""
    try:
        found = json.loads(error.read(4096))
    except (ValueError, OSError):
        return ""
    while isinstance(found, dict):
        found = found.get("error", found.get("message", found.get("detail")))
    return f": {' '.join(found.split())[:200]}" if isinstance(found, str) else ""


def _reason(error: Exception | None) -> str:
    if isinstance(error, HTTPError):
        return f"status {error.code}"
    if isinstance(error, URLError):
        return str(error.reason)
    return str(error) or type(error).__name__


def _wait(error: Exception, attempt: int) -> float:
    """Seconds before another try: what the server asks for, else twice as long each time, with jitter."""
    if isinstance(error, HTTPError):
        asked = error.headers.get("Retry-After", "")
        if asked.replace(".", "", 1).isdigit():
            return min(float(asked), _LONGEST_WAIT)
    return min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** (attempt - 1)) * random.uniform(0.5, 1.0)
