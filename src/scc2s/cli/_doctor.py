from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer

from . import _options as o

if TYPE_CHECKING:
    from ._health import Check

_MARK = {"ok": "green", "note": "yellow", "fault": "bold red"}


def doctor(as_json: o.Json = False) -> None:
    """Look at the installation: versions, extras, devices, folders; with the command that mends what is missing.

    Exit code 1 where something that is needed is missing or broken. The network is not touched.
    """
    from ._health import checks

    if as_json:
        found = list(checks())
        typer.echo(json.dumps([check._asdict() for check in found], indent=2))
    else:
        found = _print()
    if any(check.state == "fault" for check in found):
        raise typer.Exit(1)


def _print() -> list[Check]:
    from rich.console import Console
    from rich.text import Text

    from ._health import checks

    console = Console(soft_wrap=True, highlight=False)
    found: list[Check] = []
    section = ""
    for check in checks():
        if check.section != section:
            console.print(check.section, style="bold")
            section = check.section
        line = Text.assemble("  ", (f"{check.state:<6}", _MARK[check.state]), f"{check.name:<18} {check.said}".rstrip())
        if check.mend:
            line.append(f"  -> {check.mend}")
        console.print(line)
        found.append(check)
    faults = sum(check.state == "fault" for check in found)
    console.print("nothing that is needed is missing" if not faults else f"{faults} to mend, marked fault")
    return found
