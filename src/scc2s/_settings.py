from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Settings:
    """Defaults that hold for a whole session.

    Examples
    --------
    >>> import scc2s
    >>> with scc2s.settings.override(model="path/to/model"):
    ...     scc2s.settings.model
    'path/to/model'
    >>> scc2s.settings.model
    'scc2s-mini'
    """

    model: str = "scc2s-mini"
    """What ``model=None`` means: a name in :func:`scc2s.models.catalogue`, a hub id or folder (env ``SCC2S_MODEL``)."""
    n_jobs: int | None = None
    """Threads of the rank kernels; ``None`` takes all cores (env ``SCC2S_N_JOBS``)."""

    @contextmanager
    def override(self, **values: Any) -> Iterator[Settings]:
        """Set values inside a ``with`` block."""
        known = {f.name for f in fields(self)}
        if unknown := sorted(set(values) - known):
            msg = f"no setting named {', '.join(unknown)}; the settings are {', '.join(sorted(known))}"
            raise AttributeError(msg)
        before = {name: getattr(self, name) for name in values}
        try:
            for name, value in values.items():
                setattr(self, name, value)
            yield self
        finally:
            for name, value in before.items():
                setattr(self, name, value)


def _from_environment() -> Settings:
    jobs = os.environ.get("SCC2S_N_JOBS")
    return Settings(
        model=os.environ.get("SCC2S_MODEL", Settings.model),
        n_jobs=int(jobs) if jobs else None,
    )


settings = _from_environment()
