"""A report as a browser reads it, taken apart for tests."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import numpy as np

import scc2s

VOID = {"meta", "img", "br", "link", "input", "hr", "base", "source"}
SHAPES = {"rect", "path"}
"""Of drawings in the page, written without an end."""


class Page(HTMLParser):
    """Tags in order, texts, numbers with their sources."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.words: list[str] = []
        self.headings: list[tuple[int, str]] = []
        self.numbers: list[tuple[str, str, str]] = []
        """Exact value, source, as shown."""
        self.style = ""
        self._number: tuple[str, str] | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append((int(tag[1]), ""))
        if tag == "data":
            self._number = (str(dict(attrs)["value"]), str(dict(attrs).get("title") or ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)
        self._number = None if tag == "data" else self._number

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            self.style += data
            return
        self.words.append(data)
        if self.open and re.fullmatch("h[1-6]", self.open[-1]):
            level, text = self.headings[-1]
            self.headings[-1] = (level, text + data)
        if self._number is not None:
            self.numbers.append((*self._number, data))

    @property
    def text(self) -> str:
        """All that is read, with single blanks."""
        return re.sub(r"\s+", " ", " ".join(self.words))

    def named(self, *names: str) -> list[dict[str, str | None]]:
        """Attributes of all tags of these names."""
        return [attrs for tag, attrs in self.tags if tag in names]


def untraced(page: Page, adata: Any) -> list[tuple[str, str, str]]:
    """Numbers whose source does not give them, or that are shown as another number."""
    found = []
    for value, source, shown in page.numbers:
        want = float(value)
        given = float(eval(source, {"adata": adata, "scc2s": scc2s}))
        same = np.isnan(want) == np.isnan(given) and (np.isnan(want) or np.isclose(want, given, rtol=1e-6, atol=1e-12))
        if not (same and _is_shown(want, shown)):
            found.append((value, source, shown))
    return found


def _is_shown(value: float, shown: str) -> bool:
    if np.isnan(value) or np.isinf(value):
        return shown == "\N{EN DASH}"
    plain = shown.replace(",", "").replace("\N{MINUS SIGN}", "-")
    if plain.endswith("%"):
        plain, value = plain.removesuffix("%").strip(), 100 * value
    return bool(np.isclose(float(plain), value, rtol=6e-3, atol=1e-12))


def palette(style: str) -> dict[str, dict[str, str]]:
    """Colors of the page by name, in the light and in the dark."""
    blocks = re.findall(r":root\s*{(.*?)}", style, re.DOTALL)
    light, dark = (dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", block)) for block in blocks)
    return {"light": light, "dark": {**light, **dark}}


def contrast(a: str, b: str) -> float:
    """Ratio of the luminances of two colors (WCAG 2.2, relative luminance)."""

    def luminance(color: str) -> float:
        parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)
