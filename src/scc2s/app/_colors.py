"""Colours as scanpy's own plots have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def colors_of(key: str, categories: Sequence[str], uns: Mapping[str, Any]) -> list[str]:
    """Colour of each category, ``"#rrggbb"``: those of ``uns["<key>_colors"]``, else those that scanpy would take.

    Colours that are too few, or no colours, are passed over, as scanpy does.

    Examples
    --------
    >>> colors_of("type", ["a", "b"], {"type_colors": ["red", "#00ff00"]})
    ['#ff0000', '#00ff00']
    """
    from matplotlib.colors import is_color_like, to_hex

    n = len(categories)
    given = np.asarray(uns.get(f"{key}_colors", []), dtype=object).ravel()
    if len(given) >= n and all(is_color_like(color) for color in given[:n]):
        return [to_hex(color) for color in given[:n]]
    return [to_hex(color) for color in _palette(n)]


def ramp(name: str = "viridis") -> list[str]:
    """256 colours from low to high, as scanpy draws numbers."""
    import matplotlib as mpl
    from matplotlib.colors import to_hex

    return [to_hex(color) for color in mpl.colormaps[name](np.arange(256))]


def _palette(n: int) -> list[Any]:
    import matplotlib as mpl
    from scanpy.plotting import palettes

    cycle = mpl.rcParams["axes.prop_cycle"].by_key()["color"]
    for palette in (cycle, palettes.default_20, palettes.default_28, palettes.default_102):
        if len(palette) >= n:
            return list(palette[:n])
    return ["grey"] * n
