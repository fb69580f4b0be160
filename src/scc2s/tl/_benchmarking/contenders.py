"""The models of a benchmark: loaded one after another, timed, and each allowed to fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike, fspath
from time import perf_counter
from typing import TYPE_CHECKING, Any

from scc2s._logging import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy as np

ASK = ("embed", "score", "log_likelihood", "generate")
"""Methods of a model that ask it."""


MAJORITY, MARKERS, WORDS, UNIFORM = "majority", "marker genes", "words of the sentences", "all genes alike"
"""Names of the floors."""


class Timed:
    """A model as it is, which counts what it is asked and how long it takes.

    Parameters
    ----------
    model
        A loaded model.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self.n_asked, self.n_tokens, self.seconds = 0, 0, 0.0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._model, name)
        return self._counted(found) if name in ASK else found

    def _counted(self, ask: Callable[..., Any]) -> Callable[..., Any]:
        def call(prompts: Any, *args: Any, **kwargs: Any) -> Any:
            began = perf_counter()
            found = ask(prompts, *args, **kwargs)
            self.seconds += perf_counter() - began
            self.n_asked += len(prompts)
            self.n_tokens += int(self._model.count_tokens(list(prompts)).sum())
            return found

        return call

    def cost(self) -> dict[str, float]:
        """What was asked until now, without what a cache had already."""
        return {"n_asked": self.n_asked, "n_tokens": self.n_tokens, "seconds": self.seconds}


@dataclass(frozen=True)
class Outcome:
    """What came of one model, or of a floor."""

    name: str
    kind: str
    """``"model"`` or ``"floor"``."""
    reason: str = ""
    """Why there is no answer; empty where there is one."""
    answers: np.ndarray | None = None
    """One for each cell of the sample: a label (``None``: none), or a number."""
    more: dict[str, Any] = field(default_factory=dict)
    """Further columns of its row."""
    info: dict[str, Any] = field(default_factory=dict)
    """What it says of itself."""


def named(models: Any) -> dict[str, Any]:
    """Models by name: that of a dictionary, else what they are called, with a number where two are called the same.

    Raises
    ------
    TypeError
        If they are not a list or a dictionary.
    ValueError
        If there are none, or a name is not a text, or that of a floor.

    Examples
    --------
    >>> list(named(["scc2s-mini", "scc2s-mini"]))
    ['scc2s-mini', 'scc2s-mini (2)']
    """
    if isinstance(models, Mapping):
        pairs = list(models.items())
    elif isinstance(models, list | tuple):
        pairs = [(_called(one), one) for one in models]
    else:
        msg = f"models is of type {type(models).__name__}; pass a list, e.g. models=[{models!r}], or {{name: model}}"
        raise TypeError(msg)
    if not pairs or not all(isinstance(name, str) and name.strip() for name, _ in pairs):
        msg = "models has none, or one without a name; pass models=['scc2s-mini', ...] or {'my name': model}"
        raise ValueError(msg)
    if floors := {MAJORITY, MARKERS, WORDS, UNIFORM} & {name for name, _ in pairs}:
        msg = f"{min(floors)!r} is the name of a floor; pass models={{...}} with another name for this model"
        raise ValueError(msg)
    found: dict[str, Any] = {}
    for stem, one in pairs:
        name, n = stem, 2
        while name in found:
            name, n = f"{stem} ({n})", n + 1
        found[name] = one
    return found


def _called(model: Any) -> str:
    return fspath(model) if isinstance(model, str | PathLike) else str(getattr(model, "id", type(model).__name__))


def ask_each(models: Mapping[str, Any], ask: Callable[[Any], Outcome]) -> Iterable[Outcome]:
    """What `ask` makes of each model; one that cannot be loaded or asked is an outcome with the reason."""
    from scc2s.models import load

    for name, given in models.items():
        began = perf_counter()
        try:
            model = load(given)
            loading = perf_counter() - began
            found = ask(model)
        except Exception as error:  # noqa: BLE001 - whatever a model fails with, the others go on
            yield Outcome(name, "model", reason=_said(error))
            logger.warning("%s gives no result: %s", name, _said(error))
        else:
            more = {**found.more, "seconds_to_load": loading}
            yield Outcome(name, "model", answers=found.answers, more=more, info=model.info())


def _said(error: Exception) -> str:
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    return f"{type(error).__name__}: {text.strip()}".splitlines()[0]
