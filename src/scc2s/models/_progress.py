from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tqdm.auto import tqdm


def bar(total: int, task: str, *, show: bool) -> tqdm:
    """A progress bar in cells that appears after one second, and never at verbosity 0."""
    from scanpy import settings
    from tqdm.auto import tqdm

    return tqdm(total=total, desc=task, unit="cell", delay=1, disable=not show or int(settings.verbosity) < 1)
