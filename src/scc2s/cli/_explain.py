"""``--explain``: what a model would be asked and what that takes, without asking it."""

from __future__ import annotations

import inspect
import json
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_explaining: ContextVar[bool] = ContextVar("whether a command is only to be explained", default=False)
_OPTION = Annotated[
    bool,
    typer.Option(
        "--explain",
        help="Show the first prompt, the number of prompts, tokens, memory and time; ask and write nothing.",
        rich_help_panel="Model",
    ),
]


def explaining() -> bool:
    """Whether the command that runs is only to be explained."""
    return _explaining.get()


def explainable(command: Callable[..., None]) -> Callable[..., None]:
    """A command with the option ``--explain``."""

    @wraps(command)
    def explained(*args: Any, explain: bool = False, **options: Any) -> None:
        if not explain:
            return command(*args, **options)
        from scc2s.models._explain import Explained

        if "cache" in options:
            options["cache"] = None  # its answers belong to weights, which are not read
        token = _explaining.set(True)
        try:
            command(*args, **options)
        except Explained as found:
            _show(found.summary, options)
        else:
            typer.echo("with these options no model is asked")
        finally:
            _explaining.reset(token)
        return None

    signature = inspect.signature(command, eval_str=True)
    option = inspect.Parameter("explain", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=_OPTION)
    parameters = list(signature.parameters.values())
    explained.__signature__ = signature.replace(parameters=[*parameters, option])  # type: ignore[attr-defined]
    explained.__annotations__ = {**command.__annotations__, "explain": _OPTION}
    return explained


def _show(found: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    if options.get("as_json"):
        typer.echo(json.dumps(found))
        return
    about = "" if found["counted"] else " (reckoned from words: the model is not on this machine)"
    written = f" and at most {found['tokens_written']:,} to write" if found["tokens_written"] else ""
    typer.echo(f"-- the first prompt of {found['n_prompts']:,}, for {found['model']}\n{found['prompt']}")
    typer.echo(f"-- {found['n_prompts']:,} prompts, {found['tokens_read']:,} tokens to read{written}{about}")
    if found["time"] is None:
        typer.echo("-- memory and time: not known, as the size of the model is not")
    else:
        time = ", ".join(f"{found['time'][device]} on a {device.upper()}" for device in ("cpu", "gpu"))
        typer.echo(f"-- about {found['memory_gb']:g} GB in bfloat16; {time} (sums, not measured)")
    more = "these are asked first; what depends on their answers, and control questions asked later, come on top"
    typer.echo(f"-- {more}; nothing was asked, nothing was written")
