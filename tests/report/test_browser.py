"""The page in a real browser, where one is installed: Playwright from PyPI, and Chromium of the system."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
from report_page import contrast

import scc2s

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import anndata as ad

pytestmark = pytest.mark.slow
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_PATIENCE = 180_000
"""Milliseconds, for a machine that has other work."""
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync",
         "--disable-component-update", "--no-first-run")  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs pip install playwright==1.65.2")
    if CHROMIUM is None:
        pytest.skip("needs apt-get install chromium")
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=CHROMIUM, args=list(QUIET), timeout=_PATIENCE)
        yield found
        found.close()


@pytest.fixture
def path(labelled: ad.AnnData, tmp_path: Path) -> Path:
    labelled.uns["c2s"]["annotate"]["params"]["labels"] = "x" * 300  # a long word is broken, not pushed out
    scc2s.tl.report(labelled, tmp_path / "r.html")
    return tmp_path / "r.html"


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_says_nothing_wrong_and_asks_for_nothing(browser: Any, path: Path, width: int, scheme: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(_PATIENCE)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: said.append(request.url) if request.url.startswith("http") else None)
    page.goto(path.as_uri())
    assert said == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    low = _low_contrast(page)
    assert low == []
    context.close()


def test_a_keyboard_reaches_everything(browser: Any, path: Path) -> None:
    page = browser.new_page()
    page.set_default_timeout(_PATIENCE)
    page.goto(path.as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    closed = page.locator("details:not([open]) > summary").first
    closed.focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.parentElement.open")
    page.close()


def test_it_prints_all_of_it_light_whatever_the_screen_is(browser: Any, path: Path) -> None:
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.set_default_timeout(_PATIENCE)
    page.goto(path.as_uri())
    assert len(page.pdf(format="A4")) > 10_000
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
    inside = page.locator("details:not([open]) table").first
    assert inside.evaluate("table => table.getBoundingClientRect().height") > 20
    context.close()


_COLORS = """() => [...document.querySelectorAll('p, th, td, dt, dd, code, a, h1, h2, h3, h4, summary, data')]
  .filter(one => one.offsetParent && one.textContent.trim())
  .map(one => {
    let ground = one;
    while (ground && getComputedStyle(ground).backgroundColor === 'rgba(0, 0, 0, 0)') ground = ground.parentElement;
    return [getComputedStyle(one).color, getComputedStyle(ground || document.body).backgroundColor, one.textContent];
  })"""


def _low_contrast(page: Any) -> list[Any]:
    """Texts with less than 4.5 to their ground, as they are drawn."""

    def hexed(color: str) -> str:
        return "#" + "".join(f"{int(part):02x}" for part in color[4:-1].split(","))

    found = page.evaluate(_COLORS)
    assert len(found) > 50
    return [(a, b, text[:40]) for a, b, text in found if contrast(hexed(a), hexed(b)) < 4.5]
