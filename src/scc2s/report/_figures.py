"""Figures as pictures inside the page."""

from __future__ import annotations

import base64
import io
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s._logging import logger

from ._parts import Figure, Note, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from matplotlib.axes import Axes

_DPI = 130
_COLORS = 256
_MOST_SIDE = 4000
"""Pixels: a figure of 80 groups grows no further."""


def picture(draw: Callable[[], Axes], alt: str, title: str, source: str) -> Figure | Note:
    """What `draw` draws; a note where the data do not let it.

    Parameters
    ----------
    draw
        Makes a figure and returns Axes of it.
    alt
        What it shows, for those who do not see it.
    title, source
        Its caption, and where its values stand.
    """
    from matplotlib import pyplot as plt

    with plain_style():
        try:
            figure: Any = draw().figure
        except (KeyError, ValueError, IndexError, TypeError) as error:
            words = " ".join(str(error.args[0] if error.args else error).split())[:300]
            logger.warning("report: %s could not be drawn: %s", title, words)
            return Note("plain", say("{} could not be drawn: {}", title, words))
        try:
            data, width, height = png(figure)
        finally:
            plt.close(figure)
    return Figure(data, width, height, alt, title, source)


def png(figure: Any) -> tuple[str, int, int]:
    """A figure as an address that holds it, with its width and height in the units of a page.

    Pictures have up to 256 colors, which makes them a third as large.
    """
    from PIL import Image

    raw = io.BytesIO()
    side = max(figure.get_size_inches())
    if (layout := figure.get_layout_engine()) is not None:  # once, where drawing would do it again each time
        layout.execute(figure)
        figure.set_layout_engine("none")
    dpi = min(_DPI, _MOST_SIDE / side)
    figure.savefig(raw, format="png", dpi=dpi, bbox_inches="tight", facecolor="white", metadata={"Software": None})
    image = Image.open(raw).convert("RGB")
    small = image.quantize(_COLORS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    out = io.BytesIO()
    small.save(out, format="png", optimize=True)
    width, height = (round(n * 96 / dpi) for n in image.size)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode("ascii"), width, height


@contextmanager
def plain_style() -> Iterator[None]:
    """Figures as matplotlib draws them at first, whatever a session has set."""
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    with mpl.rc_context(), plt.style.context("default"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # the page beside it has the text
        yield


def colors_of(n: int, stored: Any = None) -> list[str]:
    """A color for each of `n` names: those that scanpy has given them, where it has, else scanpy's own."""
    from matplotlib.colors import to_hex

    if stored is not None and len(stored) >= n:
        try:
            return [to_hex(color) for color in list(stored)[:n]]
        except (ValueError, TypeError):
            pass  # of no use as colors
    from scanpy.plotting import palettes

    known: list[str] = next(
        (p for p in (palettes.default_20, palettes.default_28) if len(p) >= n), palettes.default_102
    )
    return [to_hex(known[i % len(known)]) for i in range(n)]


def scatter(ax: Axes, points: np.ndarray, colors: Any, *, size: float, **kwargs: Any) -> Any:
    """Points in an order of chance, so that no group lies on all others."""
    order = np.random.default_rng(0).permutation(len(points))
    colors = np.asarray(colors)[order]
    return ax.scatter(points[order, 0], points[order, 1], c=colors, s=size, linewidths=0, rasterized=True, **kwargs)


def bare(ax: Axes, xlabel: str, ylabel: str) -> None:
    """Axes without a scale, as that of an embedding has no meaning."""
    ax.set(xticks=[], yticks=[], xlabel=xlabel, ylabel=ylabel)
    ax.spines[["top", "right"]].set_visible(False)


def point_size(n: int) -> float:
    """Size of a point, as scanpy has it, within bounds."""
    return float(np.clip(40_000 / max(n, 1), 1.0, 60.0))
