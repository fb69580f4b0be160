"""Warn of links between built pages that lead nowhere: no such page, no such place on it. With ``-W`` the build fails.

It looks at the HTML as it was written, so that links of every source are seen: Markdown, docstrings, notebooks, and
HTML of the theme. Links to other hosts are left alone.
"""

from functools import cache
from html.parser import HTMLParser
from os.path import normpath
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sphinx.application import Sphinx
from sphinx.util import logging

_MADE_BY_SCRIPTS = {"", "top"}  # the browser knows them
_POINTS = {"a": "href", "link": "href", "img": "src", "script": "src", "source": "src", "iframe": "src"}


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.targets: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids |= {value for name in ("id", "name") if (value := found.get(name))}
        if target := found.get(_POINTS.get(tag, "")):
            self.targets.add(target)


@cache
def _read(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


@cache
def _file(folder: Path, target: str) -> Path | None:
    """The file that a link leads to; most links are on every page of a folder."""
    there = Path(normpath(folder / target))
    there = there / "index.html" if there.is_dir() else there
    return there if there.is_file() else None


def dead_links(folder: Path) -> list[str]:
    """Each dead link of the pages in a folder, with the page that has it."""
    root = folder.resolve()
    found = []
    for path in sorted(root.rglob("*.html")):
        if "_static" in path.relative_to(root).parts:
            continue
        for target in sorted(_read(path).targets):
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            there = _file(path.parent, unquote(parts.path)) if parts.path else path
            place = unquote(parts.fragment)
            if there is None or root not in there.parents:
                found.append(f"{path.relative_to(root)}: {target} is not there")
            elif there.suffix == ".html" and place not in _MADE_BY_SCRIPTS and place not in _read(there).ids:
                found.append(f"{path.relative_to(root)}: {target} names a place that the page does not have")
    return found


def _check(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        for dead in dead_links(Path(app.outdir)):
            logging.getLogger(__name__).warning("dead link in %s", dead)


def setup(app: Sphinx) -> dict[str, bool]:
    """Look once everything is written."""
    app.connect("build-finished", _check)
    return {"parallel_read_safe": True}
