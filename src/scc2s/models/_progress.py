from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tqdm.auto import tqdm

_OFF = ("", "0", "false", "no", "off")


def bar(total: int, task: str, *, show: bool) -> tqdm:
    """A progress bar in cells that appears after one second.

    Never at verbosity 0, where ``TQDM_DISABLE`` is set (as for tqdm's own bars), or in a build of Read the Docs.
    """
    from scanpy import settings
    from tqdm.auto import tqdm

    silent = any(os.environ.get(name, "").strip().lower() not in _OFF for name in ("TQDM_DISABLE", "READTHEDOCS"))
    return tqdm(total=total, desc=task, unit="cell", delay=1, disable=not show or silent or int(settings.verbosity) < 1)
