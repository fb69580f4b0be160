"""Functions with the data in their first place already, under the names that completion and help show."""

from __future__ import annotations

import inspect
from functools import wraps
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PARTS = ("tl", "pp", "pl")
"""Where a name is looked up, the first that has it."""

Space = TypeVar("Space")


def bound(function: Callable[..., Any], data: Any) -> Callable[..., Any]:
    """A function with its first argument given, with the signature of the others and its own docstring.

    Examples
    --------
    >>> def scale(adata, *, by=2): return adata * by
    >>> five = bound(scale, 5)
    >>> five(by=3), str(inspect.signature(five))
    (15, '(*, by=2)')
    """

    @wraps(function)
    def method(*args: Any, **kwargs: Any) -> Any:
        return function(data, *args, **kwargs)

    signature = inspect.signature(function)
    method.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])  # type: ignore[attr-defined]
    return method


def functions(*parts: str) -> Mapping[str, Callable[..., Any]]:
    """Public functions of these parts that take ``adata`` first, by name; of two of one name the first."""
    from importlib import import_module

    found: dict[str, Callable[..., Any]] = {}
    for part in parts:
        module = import_module(f"scc2s.{part}")
        for name in module.__all__:
            function = getattr(module, name)
            if next(iter(inspect.signature(function).parameters)) == "adata":
                found.setdefault(name, function)
    return found


class Functions:
    """Functions of some parts of scc2s with some cells in the first place."""

    _called = "adata.c2s"
    _parts: tuple[str, ...] = PARTS
    _data: Any

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # what notebooks and copies ask any object for
            raise AttributeError(name)
        if (function := functions(*self._parts).get(name)) is not None:
            return bound(function, self._data)
        raise AttributeError(self._missing(name))

    def _missing(self, name: str) -> str:
        from difflib import get_close_matches
        from importlib import import_module

        for part in self._parts:
            if name in import_module(f"scc2s.{part}").__all__:
                return f"{part}.{name} takes something else first than these cells; call scc2s.{part}.{name}(...)"
        near = get_close_matches(name, dir(self), n=1)
        mend = f"did you mean {self._called}.{near[0]}?" if near else f"dir({self._called}) lists what there is"
        return f"{self._called} has no {name!r}; {mend}"

    def __dir__(self) -> list[str]:
        return sorted(functions(*self._parts))

    def __repr__(self) -> str:
        n, m = self._data.shape
        return f"<{self._called}: {len(dir(self))} names, on {n} x {m} {type(self._data).__name__}>"


class OfPart(Functions):
    """Those of one part: ``adata.c2s.pl``."""

    def __init__(self, data: Any, part: str) -> None:
        self._data, self._parts, self._called = data, (part,), f"adata.c2s.{part}"


class OfAll(Functions):
    """Those of all parts, and each part by its name."""

    @property
    def pp(self) -> OfPart:
        """Functions of :mod:`scc2s.pp` on these cells."""
        return OfPart(self._data, "pp")

    @property
    def tl(self) -> OfPart:
        """Functions of :mod:`scc2s.tl` on these cells."""
        return OfPart(self._data, "tl")

    @property
    def pl(self) -> OfPart:
        """Functions of :mod:`scc2s.pl` on these cells."""
        return OfPart(self._data, "pl")

    def __dir__(self) -> list[str]:
        return sorted([*functions(*self._parts), *PARTS])


class Fresh(Generic[Space]):
    """An attribute that is made anew whenever it is asked for.

    anndata's own way keeps what it made among the attributes of the AnnData. There ``copy.copy`` takes it along, still
    bound to the first AnnData, and a pickle of the cells could not be read without this package.
    """

    def __init__(self, kind: type[Space]) -> None:
        self._kind = kind

    def __get__(self, data: Any, owner: type | None = None) -> Any:
        return self._kind if data is None else self._kind(data)  # type: ignore[call-arg]


def register(owner: type, kind: type[OfAll], decorate: Callable[[str], Callable[[type], type]]) -> bool:
    """Make ``c2s`` an attribute of a class, by the decorator that its package has for this.

    Safe to call again, also after this package was imported anew. An attribute ``c2s`` that is somebody else's is left
    alone, and a warning says so.

    Returns
    -------
    Whether it is there and ours.
    """
    from scc2s._logging import logger

    there = getattr(owner, "c2s", None)
    if there is None:
        decorate("c2s")(kind)
    elif not str(getattr(there, "__module__", "")).startswith("scc2s."):
        logger.warning("%s.c2s is taken; call scc2s.tl.embed(...) and so on instead", owner.__name__)
        return False
    owner.c2s = Fresh(kind)  # type: ignore[attr-defined]
    return True
