from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def scanpy_defaults() -> Iterator[None]:
    """Call scanpy with one set of defaults, whatever preset the user has chosen.

    scanpy 1.13 has presets (``scanpy.settings.preset``), and with that of its next version a test, the mean in a fold
    change and the kind of a figure are others. What this package writes does not depend on the session that it was
    written in, so where it calls scanpy it does so under the first preset. Earlier versions have no other.
    """
    import scanpy as sc

    preset = getattr(sc.settings, "preset", None)
    if preset is None:
        yield
        return
    with preset.override(sc.Preset.ScanpyV1):
        yield
