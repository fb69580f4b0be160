"""How a command ends: bad input with one line, a stop with what was kept, anything else with how to see more."""

from __future__ import annotations

import errno
import logging
import os
import signal
import threading
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand

from ._run import OF_SENTENCES
from ._wording import Flag, reword

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import FrameType

_OURS = (OSError, ValueError, KeyError, ImportError, TypeError, MemoryError)


class Stopped(KeyboardInterrupt):
    """A signal that asks the process to end, as Ctrl-C does."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Command(TyperCommand):
    """A command whose errors are read by people."""

    def invoke(self, ctx: Any) -> Any:
        """Run; exit code 1 for an error, 128 and the number of the signal for a stop (Ctrl-C: 130)."""
        flags = _flags(ctx)
        before = _stamp(ctx.params)
        try:
            with _stoppable(), _reworded(ctx.info_name, flags):
                return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            typer.echo(f"scc2s: stopped; {_what_is_kept(ctx.params, before)}", err=True)
            raise SystemExit(128 + (stop.number if isinstance(stop, Stopped) else signal.SIGINT)) from stop
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                raise  # whoever read our output has gone
            if _is_ending(error):
                raise
            if ctx.obj:
                traceback.print_exception(error)
            typer.echo(f"scc2s: {_line(error, ctx.info_name, flags, debug=bool(ctx.obj))}", err=True)
            raise SystemExit(1) from error


def _is_ending(error: Exception) -> bool:
    """Exceptions by which typer itself ends a command; they are of its own copy of click, or of click."""
    return type(error).__module__.split(".")[0] in ("typer", "click")


def _line(error: Exception, command: str, flags: Mapping[str, Mapping[str, Flag]], *, debug: bool) -> str:
    said = error.args[0] if isinstance(error, KeyError) and error.args else error
    text = " ".join(str(said).split())
    if isinstance(error, _OURS) and _raised_here(error) and " " in text:
        if OF_SENTENCES in getattr(error, "__notes__", ()):
            return f"{reword(text, 'sentences', flags)}; call `{OF_SENTENCES} IN OUT ...` with this first"
        return reword(text, command, flags)
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    else:
        text = f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")
    return text if debug else f"{text}; to see where, call `scc2s --debug {command} ...`"


def _raised_here(error: BaseException) -> bool:
    """Whether it was raised in this package, so that its text is one of ours."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return place is not None and str(place.tb_frame.f_globals.get("__name__", "")).split(".")[0] == "scc2s"


def _flags(ctx: Any) -> dict[str, dict[str, Flag]]:
    """The options of every command, by the name of their parameter."""
    found = {}
    for name, command in ctx.parent.command.commands.items() if ctx.parent else ():
        options = [p for p in command.params if p.param_type_name == "option"]
        found[name] = {p.name: Flag(p.opts[0], p.secondary_opts[0] if p.secondary_opts else None) for p in options}
    return found


@contextmanager
def _stoppable() -> Iterator[None]:
    """Signals that end a process are exceptions, so that files that are half written are removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {}

    def stop(number: int, _frame: FrameType | None) -> None:
        raise Stopped(number)

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores SIGHUP
            before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _reworded(command: str, flags: Mapping[str, Mapping[str, Flag]]) -> Iterator[None]:
    """Warnings of the library are in the words of the command line, too."""
    from scc2s._logging import logger

    class Reword(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            record.msg, record.args = reword(record.getMessage(), command, flags), None
            return True

    words = Reword()
    for handler in logger.handlers:
        handler.addFilter(words)
    try:
        yield
    finally:
        for handler in logger.handlers:
            handler.removeFilter(words)


def _target(params: Mapping[str, Any]) -> Path | None:
    found = next((params[name] for name in ("target", "folder", "out") if params.get(name) is not None), None)
    return None if found is None else Path(found)


def _stamp(params: Mapping[str, Any]) -> tuple[int, int] | None:
    target = _target(params)
    if target is None or not target.exists():
        return None
    there = target.stat()
    return there.st_ino, there.st_mtime_ns


def _what_is_kept(params: Mapping[str, Any], before: tuple[int, int] | None) -> str:
    target, cache = _target(params), params.get("cache")
    if target is not None and _stamp(params) != before:
        said = f"every file that stands in {target} is whole" if target.is_dir() else f"{target} was written before"
    elif before is not None:
        said = f"{target} is as it was"
    else:
        said = "nothing was written"
    if cache is not None and os.path.exists(cache):  # noqa: PTH110  # text or path
        return f"{said}; answers so far are kept in {cache}: the same command goes on from there"
    if "cache" in params:
        return f"{said}; with --cache FILE a run that is stopped goes on from where it was"
    return said
