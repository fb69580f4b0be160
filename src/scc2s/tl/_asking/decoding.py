from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scc2s._cells.arguments import whole
from scc2s.models.decoding._cache import refuse_cache

if TYPE_CHECKING:
    from os import PathLike

    from scc2s.models import ResponseCache, Sampling


@dataclass(frozen=True)
class Decoding:
    """How a model is to write cells: the keyword arguments that all functions that let it write share, checked."""

    n_genes: int | None = None
    """Genes of a cell; ``None``: the function has a default."""
    constrain: bool = True
    """Only genes of the data set, none twice, exactly as many as asked for."""
    temperature: float = 1.0
    """0: the most likely word each time."""
    top_p: float = 1.0
    top_k: int | None = None
    n_samples: int = 1
    """Cells for each prompt."""
    max_new_tokens: int | None = None
    """Longest answer; ``None``: room for the genes asked for."""
    random_state: int = 0
    cache: str | PathLike[str] | ResponseCache | None = None

    def __post_init__(self) -> None:
        for name in ("n_genes", "n_samples", "max_new_tokens"):
            value = getattr(self, name)
            if value is not None:
                whole(name, value)
        whole("random_state", self.random_state, least=None)
        _ = self.sampling  # checks its own values, before any work is done
        refuse_cache(self.cache)

    @property
    def sampling(self) -> Sampling:
        """How words are drawn."""
        from scc2s.models import Sampling

        return Sampling(temperature=self.temperature, top_p=self.top_p, top_k=self.top_k)

    def params(self) -> dict[str, Any]:
        """What a record of the result should hold; where answers were kept makes no difference to them."""
        names = ("constrain", "temperature", "top_p", "top_k", "n_samples", "max_new_tokens", "random_state")
        return {name: getattr(self, name) for name in names}
