from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from importlib import import_module
from importlib.abc import MetaPathFinder
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType


ABOVE = {"tl": {"report": "scc2s.report"}}
"""Names that users find in a part although they stand above it in the layers, and the package that has each."""


def from_above(part: str, name: str) -> Any:
    """What `part` offers under `name` and a package above it holds: imported when it is first asked for.

    Raises
    ------
    AttributeError
        If there is no such name.
    """
    if name not in ABOVE.get(part, {}):
        msg = f"module 'scc2s.{part}' has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(ABOVE[part][name]), name)


def attach() -> list[str]:
    """Make ``scc2s.tl.embed`` also ``scanpy.tl.c2s_embed``, and so on for every public function of pp, tl and pl.

    ``import scc2s`` does it: at once where scanpy is imported, else as soon as scanpy is. Safe to call again; a name
    that scanpy has from elsewhere is left alone and logged. ``dir(sc.tl)`` tells the names, so completion does.

    Returns
    -------
    Names that stand in scanpy now, e.g. ``"tl.c2s_embed"``.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> sc.pp.c2s_sentences is scc2s.pp.sentences
    True
    """
    import scanpy

    import scc2s
    from scc2s._logging import logger

    attached = []
    for part in ("pp", "tl", "pl"):
        with _no_collection():
            ours, theirs = getattr(scc2s, part), getattr(scanpy, part)
        for name in ours.__all__:
            function = getattr(ours, name)
            there = getattr(theirs, f"c2s_{name}", function)
            if there is not function:
                logger.warning("scanpy.%s.c2s_%s is taken; call scc2s.%s.%s instead", part, name, part, name)
                continue
            setattr(theirs, f"c2s_{name}", function)
            attached.append(f"{part}.c2s_{name}")
        _show(theirs, [f"c2s_{name}" for name in ours.__all__ if f"{part}.c2s_{name}" in attached])
    return attached


def _show(module: ModuleType, names: Sequence[str]) -> None:
    """Make ``dir()`` of a module tell these names, from which completion lives, where it has a list of its own."""
    if set(names) <= set(dir(module)):
        return
    before: Callable[[], Sequence[str]] = module.__dict__["__dir__"]
    module.__dir__ = lambda: sorted({*before(), *names})  # type: ignore[method-assign]


@contextmanager
def _no_collection() -> Iterator[None]:
    """Without the garbage collector, which would walk through all that scanpy has imported."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def attach_when_imported() -> None:
    """Attach now to what is imported, else right after it is: importing scc2s waits neither for scanpy nor anndata."""
    for package, then in (("anndata", _accessor_of_anndata), ("scanpy", attach), ("mudata", _accessor_of_mudata)):
        if package in sys.modules:
            then()
        elif not any(isinstance(finder, _After) and finder.package == package for finder in sys.meta_path):
            sys.meta_path.insert(0, _After(package, then))


def _accessor_of_anndata() -> None:
    try:
        from ._accessor.of_anndata import register_anndata
    except ImportError as error:  # of an anndata that is too old: importing that must not fail for it
        from ._logging import logger

        logger.warning("there will be no adata.c2s (%s); call `scc2s doctor`", error)
    else:
        register_anndata()


def _accessor_of_mudata() -> None:
    begun = sys.modules.get("scc2s._accessor.of_mudata")
    if begun is not None and not hasattr(begun, "register_mudata"):
        return  # it is what imports mudata
    from ._accessor.of_mudata import register_mudata

    register_mudata()


class _After(MetaPathFinder):
    """Leaves finding a package to the other finders, and calls a function when it has been imported."""

    def __init__(self, package: str, then: Callable[[], object]) -> None:
        self.package = package
        self._then = then

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self.package:
            return None
        others = [finder for finder in sys.meta_path if finder is not self and hasattr(finder, "find_spec")]
        found = (finder.find_spec(fullname, path, target) for finder in others)
        spec = next((spec for spec in found if spec is not None), None)
        if spec is None or spec.loader is None:
            return spec
        run = spec.loader.exec_module

        def run_and_attach(module: ModuleType) -> None:
            run(module)
            if self in sys.meta_path:
                sys.meta_path.remove(self)
            self._then()

        spec.loader.exec_module = run_and_attach  # type: ignore[method-assign]  # of this one loader
        return spec
