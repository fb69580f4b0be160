from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Named:
    """A model that is not loaded yet, and the options of :func:`scc2s.models.load` that it is to be loaded with.

    A function that is given one looks at the data first, as it does where it is given a name.
    """

    source: str
    options: Mapping[str, Any] = field(default_factory=dict)
    explain: bool = False
    """Stop at the first question, and tell what it is (:class:`scc2s.models._explain.Explained`)."""
